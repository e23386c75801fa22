"""Does the reader answer a curious employee's questions, and admit what it does not know?

    python -m benchmarks.handbook

60 questions about the example handbook, written by somebody who had not seen the code; 20 have no
answer there. An answer is right when it holds every string that it must hold. The rival is the usual
floor: the best chunk by the same search, returned whole.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from benchmarks.report import publish, table
from contract.candidate import Prompt, Sampling
from contract.settings import ReaderSettings, RetrievalSettings
from ingest.build import Ingest
from retrieval.retrieve import Retriever
from server.policy.reader import ReaderPolicy
from server.wording import ABSTENTION
from text.encoder import Encoder

ROOT = Path(__file__).parent.parent
CASES = ROOT / "benchmarks" / "cases" / "handbook_questions.jsonl"

HEADER = (
    "language",
    "system",
    "right",
    "wrong abstentions",
    "honest abstentions",
    "characters",
)


def answers(folder: Path, cases: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The answer of each system to each question."""
    encoder, settings = Encoder(), RetrievalSettings()
    Ingest(folder, encoder, settings).run([ROOT / "examples" / "handbook"], "default")
    retriever = Retriever(folder, encoder, settings)
    with ThreadPoolExecutor(1) as executor:
        reader = ReaderPolicy(encoder, executor, ReaderSettings())
        said: dict[str, list[str]] = {"reader, 1 sentence": [], "reader, 2 sentences": []}
        for name, sentences in zip(list(said), (1, 2)):
            for case in cases:
                prompt = Prompt((), retriever.retrieve(case["question"]))
                sampling = Sampling(max_sentences=sentences)
                (answer,) = asyncio.run(reader.generate(prompt, 1, sampling))
                said[name].append(answer.text)
    best = [retriever.search(case["question"], k=1) for case in cases]
    return {"best chunk, whole": [hits[0].chunk.text for hits in best], **said}


def row(name: str, language: str, cases: list[dict[str, Any]], said: list[str]) -> list[object]:
    """Shares of right answers, wrong abstentions and honest abstentions, and the mean length."""
    held = [(c, t) for c, t in zip(cases, said, strict=True) if c["answerable"]]
    absent = [t for c, t in zip(cases, said, strict=True) if not c["answerable"]]
    idle = ABSTENTION[language]
    right = sum(all(part in text for part in case["answer_contains"]) for case, text in held)
    lengths = [len(text) for _, text in held if text != idle]
    return [
        language,
        name,
        f"{right / len(held):.0%}",
        f"{sum(text == idle for _, text in held) / len(held):.0%}",
        f"{sum(text == idle for text in absent) / len(absent):.0%}",
        f"{sum(lengths) / len(lengths):.0f}",
    ]


@click.command()
def main() -> None:
    """Answer every question and write the result."""
    cases = [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        said = answers(Path(folder), cases)
    for language in ("en", "zh"):
        mine = [i for i, case in enumerate(cases) if case["language"] == language]
        for name, texts in said.items():
            rows.append(row(name, language, [cases[i] for i in mine], [texts[i] for i in mine]))
    publish("handbook", "python -m benchmarks.handbook", table(HEADER, rows))


if __name__ == "__main__":
    main()
