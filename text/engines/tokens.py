"""A tokenizer without a model: spans, counts and unknown pieces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from contract.errors import ConfigurationError
from text.sentences import Span


class Tokens:
    """A tokenizer, as the text of its `tokenizer.json`."""

    def __init__(self, definition: str) -> None:
        self._definition = definition

    @classmethod
    def of_file(cls, path: Path) -> Tokens:
        """Read a `tokenizer.json`, or the one in a folder.

        Raises:
            ConfigurationError: there is none, or it is none.
        """
        file = path / "tokenizer.json" if path.is_dir() else path
        try:
            tokens = cls(file.read_text(encoding="utf-8"))
            tokens.count("ready")
        except Exception as error:  # the library raises plain Exception for a bad definition
            raise ConfigurationError(
                f"There is no readable tokenizer.json at {path} ({type(error).__name__}). "
                "Set retrieval.encoder_tokenizer to a folder that holds one."
            ) from error
        return tokens

    @property
    def definition(self) -> str:
        """The `tokenizer.json`."""
        return self._definition

    def spans(self, text: str) -> list[Span]:
        """The span of each token in `text`, in code points."""
        found = self._plain.encode(text, add_special_tokens=False).offsets
        return [(int(start), int(end)) for start, end in found]

    def count(self, text: str) -> int:
        """Number of tokens in `text`."""
        return len(self._plain.encode(text, add_special_tokens=False))

    def unknown_share(self, text: str) -> float:
        """Share of the pieces that the vocabulary lacks; 0 for a byte-level vocabulary."""
        pieces: list[int] = self._plain.encode(text, add_special_tokens=False).ids
        return sum(piece == self._unknown for piece in pieces) / max(1, len(pieces))

    def cut(self, text: str, longest: int) -> str:
        """The beginning of `text` that has at most `longest` tokens."""
        spans = self.spans(text)
        return text if len(spans) <= longest else text[: spans[longest - 1][1]]

    def read(self, texts: Sequence[str], longest: int) -> list[tuple[list[int], list[Span]]]:
        """Ids and spans of each text with its special tokens, cut to `longest` of them in all."""
        if self._cutting[0] != longest:
            self._cutting = (longest, self._tokenizer())
            self._cutting[1].enable_truncation(longest)
        found = self._cutting[1].encode_batch(list(texts))
        return [(encoding.ids, encoding.offsets) for encoding in found]

    @cached_property
    def _plain(self) -> Any:
        return self._tokenizer()

    @cached_property
    def _unknown(self) -> int | None:
        model = json.loads(self._definition)["model"]
        if "unk_id" in model:
            unknown: int | None = model["unk_id"]
            return unknown
        token = model.get("unk_token")
        return None if token is None else self._plain.token_to_id(token)

    _cutting: tuple[int, Any] = (0, None)

    def _tokenizer(self) -> Any:
        # Late on purpose: a run in which nothing changed needs no tokenizer.
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self._definition)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer
