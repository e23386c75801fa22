"""An index of many chunks from made-up text, half English, half Chinese; the same every time.

Words are drawn by a long-tailed distribution: those of everyday answers are the common ones, made-up ones
the rare. The first few hundred English chunks are encoded, the vectors of the others are mixed from
these with noise: what a search costs depends on how many there are, not on what they mean.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks.scale import PER_DOCUMENT, build, mixed
from benchmarks.streaming_cases.plant import load_carriers
from ingest.records import Known, write_document
from ingest.split import Piece
from retrieval import catalogue
from retrieval.embeddings import Embeddings, embedding_key
from retrieval.manifest import CATALOGUE
from text.encoder import Encoder, Encoding
from text.sentences import sentence_spans

_SENTENCES, _WORDS, _RARE = 8, 12, 40_000
_ENGLISH, _HAN = re.compile(r"[A-Za-z]{2,}"), re.compile(r"[\u4e00-\u9fff]{2,}")
_SYLLABLES = tuple(c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "an", "el"))


class Vocabulary:
    """Words of one language, the common ones first."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._random = random.Random(f"words {language}")
        units = [u.text for c in load_carriers() if c.language == language for u in c.units]
        if language == "en":
            common = {word.lower() for text in units for word in _ENGLISH.findall(text)}
            rare = ["".join(self._random.choices(_SYLLABLES, k=4)) for _ in range(_RARE)]
        else:
            runs = [run for text in units for run in _HAN.findall(text)]
            common = {run[i : i + 2] for run in runs for i in range(len(run) - 1)}
            characters = sorted(set("".join(runs)))
            rare = ["".join(self._random.choices(characters, k=2)) for _ in range(_RARE)]
        self.words = self._random.sample(sorted(common), len(common)) + rare
        self._numbers = range(len(self.words))
        totals = np.cumsum(1 / np.arange(1, len(self.words) + 1))
        self._totals = totals.tolist()

    def sentence(self) -> str:
        """A sentence of drawn words."""
        drawn = self._random.choices(self.words, cum_weights=self._totals, k=_WORDS)
        if self.language == "en":
            return f"{' '.join(drawn).capitalize()}. "
        return f"{''.join(drawn)}。"

    def chunk(self) -> str:
        """A chunk of sentences."""
        return "".join(self.sentence() for _ in range(_SENTENCES)).strip()

    def question(self, chunk: str) -> str:
        """A question about some words of a chunk."""
        found = (_ENGLISH if self.language == "en" else re.compile(r"[\u4e00-\u9fff]{2}")).findall(
            chunk
        )
        words = random.Random(chunk).sample(found, 5)
        if self.language == "en":
            first, *others = (word.lower() for word in words)
            return (
                f"What do the documents say about {first}, and how is {' '.join(others)} handled?"
            )
        return f"关于{words[0]}，文件里有什么规定，{words[1]}和{''.join(words[2:])}怎么处理？"


def make(folder: Path, encoder: Encoder, chunks: int, encoded: int) -> list[str]:
    """Publish an index below `folder`; some questions about it, English and Chinese by turns.

    Args:
        encoded: how many chunks are really encoded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocabularies = [Vocabulary("en"), Vocabulary("zh")]
    real = [vocabularies[0].chunk() for _ in range(encoded)]
    vectors = np.stack([encoding.vector for encoding in encoder.encode(real)])
    store = Embeddings(folder, encoder.fingerprint, encoder.dimensions)
    connection = catalogue.open_for_writing(folder / CATALOGUE)
    asked = []
    with closing(store), closing(connection):
        for number in range(chunks // PER_DOCUMENT):
            vocabulary = vocabularies[number % 2]
            texts = [vocabulary.chunk() for _ in range(PER_DOCUMENT)]
            asked.append(vocabulary.question(texts[number % PER_DOCUMENT]))
            keys = [embedding_key("gateway", "", f"{number} {n}") for n in range(PER_DOCUMENT)]
            pieces = list(_pieces(texts))
            rows = mixed(vectors, PER_DOCUMENT * (1 + _SENTENCES), number)
            sentences = rows[PER_DOCUMENT:].reshape(PER_DOCUMENT, _SENTENCES, -1)
            store.add(
                (key, piece.sentences, Encoding(row, own[: len(piece.sentences)]))
                for key, piece, row, own in zip(keys, pieces, rows, sentences)
            )
            write_document(connection, _known(number), pieces, keys)
        connection.execute("COMMIT")
    build(folder, encoder)
    return asked


def answers() -> list[str]:
    """Harmless answers of five sentences, English and Chinese by turns."""
    found: dict[str, list[str]] = {"en": [], "zh": []}
    for carrier in load_carriers():
        texts = [unit.text for unit in carrier.units if unit.block == "prose"]
        gap = " " if carrier.language == "en" else ""
        found[carrier.language] += [gap.join(texts[i : i + 5]) for i in range(0, len(texts) - 4, 5)]
    return [text for pair in zip(found["en"], found["zh"]) for text in pair]


def _pieces(texts: Sequence[str]) -> Iterator[Piece]:
    for text in texts:
        spans = tuple(sentence_spans(text)[:_SENTENCES])
        yield Piece(0, len(text), "", None, text, spans)


def _known(number: int) -> Known:
    return Known(
        id=f"{number:016x}",
        collection="default",
        location=Path(f"/gateway/{number}.txt"),
        path=f"{number}.txt",
        stamp="",
        content_hash="",
        recipe="",
        status="indexed",
        title=f"Document {number}",
        labels=(),
        label_source="file",
        attributes={},
    )
