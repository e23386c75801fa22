"""The embedded policy: it answers with sentences of the passages, word for word, and cites them.

It has no language model. It can't add up, compare, translate or rephrase, and an answer that stands
in no single sentence is beyond it; when nothing supports an answer well enough, it says so.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Executor
from typing import Any

from contract.candidate import Candidate, Piece, Prompt, Sampling
from contract.errors import RequestRejected
from contract.passage import Passage
from contract.settings import ReaderSettings
from retrieval.support import (
    JOIN_WITHIN,
    Scored,
    SupportModel,
    default_model,
    further,
    rank_sentences,
    support,
)
from server.wording import ABSTENTION, in_language
from text.encoder import Encoder
from text.orders import under_orders
from text.sentences import sentence_spans
from text.tables import is_header, is_row, is_rule, readable

# Context is no limit of the reader; this is what the prompt may take all the same.
CONTEXT_TOKENS = 8192
LIMITS = (
    "Extractive: answers with whole sentences of the documents. No arithmetic, comparison, "
    "translation or rephrasing; English and Chinese."
)

_LIST_MARK = re.compile(r"^\s*(?:[-*+•·●▪]|\d{1,3}[.)、])\s+")
_HAN_BREAK = re.compile(
    r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])\s+(?=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])"
)
# Fields whose wish would change the answer, and that no choice of sentences can fulfil.
_REFUSED_FIELDS = (
    "logit_bias",
    "logprobs",
    "min_tokens",
    "response_format",
    "structured_outputs",
    "tools",
)


class ReaderPolicy:
    """Sentence choice as a policy. Candidates differ by what they choose."""

    deterministic = True

    def __init__(
        self,
        encoder: Encoder,
        executor: Executor,
        settings: ReaderSettings,
        model: SupportModel | None = None,
    ) -> None:
        self._encoder = encoder
        self._executor = executor
        self._settings = settings
        self._model = model or default_model()
        self.version = f"reader-{self._model.version}"

    async def generate(self, prompt: Prompt, n: int, sampling: Sampling) -> Sequence[Candidate]:
        """Choose up to `n` different answers.

        Raises:
            RequestRejected: the request asks for what sentences of documents can't give.
        """
        _check(prompt, sampling)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._answers, prompt, n, sampling)

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[Piece]:
        """The first answer, sentence by sentence: choosing them is all the work there is.

        Raises:
            RequestRejected: as `generate`.
        """
        answer = (await self.generate(prompt, 1, sampling))[0]
        start = 0
        for _, end in sentence_spans(answer.text):
            yield Piece(answer.text[start:end])
            start = end
        yield Piece(finish_reason=answer.finish_reason, completion_tokens=answer.completion_tokens)

    async def context_tokens(self) -> int:
        """Tokens that prompt and answer may have."""
        return CONTEXT_TOKENS

    async def check(self) -> None:
        """The reader can always answer."""

    def describe(self) -> dict[str, Any]:
        """What it is and can't do."""
        return {"engine": "reader", "model": "reader", "version": self.version, "limits": LIMITS}

    async def close(self) -> None:
        """Nothing to close."""

    def _answers(self, prompt: Prompt, n: int, sampling: Sampling) -> list[Candidate]:
        evidence = prompt.evidence
        ordered = _under_orders(evidence.passages)
        ranked = [s for s in rank_sentences(evidence, self._model) if _says_something(s)]
        ranked = [s for s in ranked if (s.passage.number, s.position) not in ordered]
        ranked = [s for s in ranked if not any(_spoken(s) in draft for draft in prompt.rejected)]
        if not ranked or support(evidence, ranked[0], self._model) < self._settings.min_support:
            return [self._finish(in_language(ABSTENTION, evidence.language), sampling)]
        separator = "" if evidence.language == "zh" else " "
        texts = [
            _compose(selection, separator)
            for selection in _selections(ranked, sampling.max_sentences)
        ]
        texts = list(dict.fromkeys(texts))
        first = min(sampling.first, len(texts) - 1)
        return [self._finish(text, sampling) for text in texts[first : first + n]]

    def _finish(self, text: str, sampling: Sampling) -> Candidate:
        reason = "stop"
        for stop in sampling.stop:
            text = text.split(stop, 1)[0]
        spans = self._encoder.token_spans(text)
        if sampling.max_tokens is not None and len(spans) > sampling.max_tokens:
            text, reason = text[: spans[sampling.max_tokens - 1][1]], "length"
            spans = spans[: sampling.max_tokens]
        return Candidate(text, reason, None, len(spans))


def _check(prompt: Prompt, sampling: Sampling) -> None:
    for name in _REFUSED_FIELDS:
        if name in sampling.extra:
            raise RequestRejected(
                f"The embedded reader quotes documents and can't honour {name}. Serve a model "
                "with policy.url for that.",
                code="unsupported_parameter",
                param=name,
            )
    if any(isinstance(message.get("content"), list) for message in prompt.messages):
        raise RequestRejected(
            "The embedded reader reads no pictures. Serve a model that does with policy.url.",
            code="unsupported_parameter",
            param="messages",
        )


def _under_orders(passages: Sequence[Passage]) -> set[tuple[int, int]]:
    """Places of sentences that speak to the assistant, which no answer is made of."""
    found: set[tuple[int, int]] = set()
    for passage in passages:
        marks = under_orders(passage.text, [s.text for s in passage.sentences])
        found |= {(passage.number, i) for i, mark in enumerate(marks) if mark}
    return found


def _selections(ranked: Sequence[Scored], max_sentences: int) -> list[list[Scored]]:
    """Different answers, the most likely first: the best sentences, then each alone, then later ones."""
    near = further(ranked, max_sentences, JOIN_WITHIN)
    alone = [[s] for s in ranked[:8]]
    return [near, *alone] if len(near) > 1 else alone


def _compose(chosen: Sequence[Scored], separator: str) -> str:
    """Chosen sentences in reading order, the best one's passage first, one mark for each run."""
    lead = chosen[0].passage.number
    ordered = sorted(chosen, key=lambda s: (s.passage.number != lead, s.passage.number, s.position))
    parts: list[str] = []
    for place, scored in enumerate(ordered):
        following = ordered[place + 1] if place + 1 < len(ordered) else None
        same_passage = following is not None and following.passage.number == scored.passage.number
        mark = "" if same_passage else f"{separator}[{scored.passage.number}]"
        parts.append(_spoken(scored) + mark)
    return (separator or "").join(parts) if _all_prose(ordered) else "\n".join(parts)


def _spoken(scored: Scored) -> str:
    """A sentence as it is said: without list marks and line breaks, a table row with its header."""
    text = scored.sentence.text
    if is_row(text):
        return readable(text, scored.passage.text, scored.passage.heading)
    return _HAN_BREAK.sub("", " ".join(_LIST_MARK.sub("", text).split()))


def _says_something(scored: Scored) -> bool:
    text = scored.sentence.text
    if is_row(text):
        return not is_rule(text) and not is_header(text, scored.passage.text)
    if text.lstrip().startswith("#"):
        return False
    return any(character.isalnum() for character in text)


def _all_prose(chosen: Sequence[Scored]) -> bool:
    return all(s.sentence.text.rstrip("\"'”’)）」』*_ ")[-1:] in set(".!?。！？…") for s in chosen)
