"""The sentence encoder: texts become unit vectors, and so do the sentences inside them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from functools import cached_property

from contract.passage import Vector
from text.engines.engine import Encoding, Engine
from text.engines.folder import EMBEDDED, model_folder, prompts_of
from text.engines.torch_engine import TorchEngine
from text.language import language_of
from text.sentences import Span

__all__ = ["EMBEDDED", "Encoder", "Encoding"]

_CHINESE_SAMPLE = (
    "公司的员工每年享有带薪年假，没有休完的假期可以结转到下一年，但须在规定日期之前使用。"
)
_KEPT_QUESTIONS = 256


class Encoder:
    """An engine, and what a question and a passage need around it. Construction is cheap; the first
    use loads the weights or asks the server.

    Args:
        name: what people call it; without an engine, `minilm` or a sentence-transformers model.
        engine: what encodes; torch unless given.
        prefixes: text before a question and before a passage; unset: as the model's folder says.
        languages: the languages that it reads; unset: told by the share of unknown pieces.
    """

    def __init__(
        self,
        name: str = EMBEDDED,
        engine: Engine | None = None,
        *,
        prefixes: tuple[str, str] | None = None,
        languages: frozenset[str] | None = None,
    ) -> None:
        self.name = name
        self.is_embedded = name == EMBEDDED and engine is None
        if engine is None:
            folder = model_folder(name)
            engine = TorchEngine(folder)
            prefixes = prefixes or prompts_of(folder)
        self._engine = engine
        self._question_prefix, self._passage_prefix = prefixes or ("", "")
        self._languages = languages
        self._kept: dict[str, Vector] = {}
        self._keeping = threading.Lock()

    @cached_property
    def fingerprint(self) -> str:
        """Of weights, tokenizer, engine and passage prefix: equal means that vectors compare."""
        own = self._engine.fingerprint
        if not self._passage_prefix:
            return own
        return hashlib.sha256(f"{own}\0{self._passage_prefix}".encode()).hexdigest()[:16]

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._engine.dimensions

    @property
    def max_tokens(self) -> int:
        """Longest text that is read whole, in tokens, special ones and prefix not counted."""
        return self._engine.max_tokens - self._prefix_tokens

    @property
    def loaded(self) -> bool:
        """Have the weights been loaded, or has the server been asked?"""
        return self._engine.loaded

    def token_spans(self, text: str) -> list[Span]:
        """The span of each token in `text`, in code points."""
        return self._engine.tokens.spans(text)

    def count_tokens(self, text: str) -> int:
        """Number of tokens in `text`."""
        return self._engine.tokens.count(text)

    def unknown_share(self, text: str) -> float:
        """Share of the pieces that the vocabulary lacks; near 0.6 for Chinese in MiniLM."""
        return self._engine.tokens.unknown_share(text)

    def reads(self, text: str, max_unknown_share: float) -> bool:
        """Can this encoder make sense of a text?

        A vocabulary may hold some Han characters of a language that the model never learned, so a
        Chinese text is measured by a fixed sample as well as by itself.
        """
        if self._languages is not None:
            return language_of(text) in self._languages
        if language_of(text) == "zh" and self._unknown_share_of_chinese > max_unknown_share:
            return False
        return self.unknown_share(text) <= max_unknown_share

    def windows(self, text: str, overlap_tokens: int = 64) -> list[Span]:
        """Spans that cover `text`, each short enough to be read whole."""
        tokens = self.token_spans(text)
        size = self.max_tokens
        if len(tokens) <= size:
            return [(0, len(text))]
        starts = range(0, len(tokens) - overlap_tokens, size - overlap_tokens)
        return [(tokens[i][0], tokens[min(i + size, len(tokens)) - 1][1]) for i in starts]

    def encode(
        self,
        texts: Sequence[str],
        spans: Sequence[Sequence[Span]] | None = None,
        *,
        progress: Callable[[int], None] | None = None,
        deadline: float | None = None,
    ) -> list[Encoding]:
        """Encode passages, and with `spans` the pieces of each from the same pass.

        A sentence's vector is the mean of the token states inside its span, so it costs nothing
        beyond the pass over the whole text and knows its context.

        Args:
            texts: what to encode; beyond `max_tokens` a text is cut.
            spans: for each text, spans in code points.
            progress: called with the number of texts done since the last call.
            deadline: on the clock of time.monotonic.

        Raises:
            TimeoutError: the deadline passed; the rest is not encoded.
            EncoderUnavailable: the encoder's server can't be reached or answers what it should not.
        """
        prefix = self._passage_prefix
        shift = len(prefix)
        wanted = [[(a + shift, b + shift) for a, b in own] for own in spans or [()] * len(texts)]
        prefixed = [prefix + text for text in texts]
        return self._engine.encode(prefixed, wanted, progress or _silent, deadline)

    def encode_question(self, text: str) -> Vector:
        """The vector of one short text. Retrieval and judge ask for the same one, so it is kept."""
        return self.encode_questions([text])[0]

    def encode_questions(self, texts: Sequence[str]) -> list[Vector]:
        """The vectors of short texts; those that are not kept are encoded together.

        Raises:
            EncoderUnavailable: as `encode`.
        """
        with self._keeping:
            found = {text: self._kept[text] for text in texts if text in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            prefixed = [self._question_prefix + text for text in new]
            encodings = self._engine.encode(prefixed, [()] * len(new), _silent, None)
            found |= {text: e.vector for text, e in zip(new, encodings, strict=True)}
        with self._keeping:
            for text in texts:
                self._kept.pop(text, None)
                self._kept[text] = found[text]
            while len(self._kept) > _KEPT_QUESTIONS:
                del self._kept[next(iter(self._kept))]
        return [found[text] for text in texts]

    @cached_property
    def _unknown_share_of_chinese(self) -> float:
        return self.unknown_share(_CHINESE_SAMPLE)

    @cached_property
    def _prefix_tokens(self) -> int:
        prefix = max(self._question_prefix, self._passage_prefix, key=len)
        return self.count_tokens(prefix) if prefix else 0


def _silent(done: int) -> None:
    """No progress shown."""
