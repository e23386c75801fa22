"""The wire types of `/v1/vector_stores/{id}/search`: OpenAI's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from contract.filters import Filter
from contract.wire import OpenAIBody, Wire

Query = Annotated[str, Field(min_length=1, max_length=20_000)]


class RankingOptions(Wire):
    """There is one ranker here, so each of OpenAI's names for one means it."""

    ranker: Literal["none", "auto", "default-2024-11-15", "default_2024_08_21"] = "auto"
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class SearchRequest(OpenAIBody):
    """A search. `rewrite_query` is accepted; the reply's `search_query` shows that nothing is rewritten."""

    query: Query | Annotated[list[Query], Field(min_length=1, max_length=16)]
    max_num_results: Annotated[int, Field(ge=1, le=50)] = 10
    filters: Filter | None = None
    rewrite_query: bool = False
    ranking_options: RankingOptions = RankingOptions()

    @property
    def queries(self) -> list[str]:
        """All queries."""
        return [self.query] if isinstance(self.query, str) else self.query
