"""Does the reader find the sentence, and admit what it does not know, on documents of many kinds?

    python -m benchmarks.reader

70 English and 74 Chinese questions over 25 short documents (handbook, manual, questions and answers,
contract, news, study, table), written before the reader was tuned; 20 in each language have no answer
there, and some lean on the question before. The rivals: the best chunk whole, and the sentence that
shares most of the question's terms, weighted by rarity, which never abstains.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click

from benchmarks.handbook import HEADER, row
from benchmarks.report import publish, table
from contract.candidate import Prompt, Sampling
from contract.passage import Evidence
from contract.settings import ReaderSettings, RetrievalSettings
from ingest.build import Ingest
from retrieval.retrieve import Retriever
from server.follow_up import refers_back
from server.policy.reader import ReaderPolicy
from text.encoder import Encoder
from text.tables import readable
from text.terms import terms

CASES = Path(__file__).parent / "cases"


def most_shared(evidence: Evidence) -> str:
    """The floor: the sentence with most of the question's terms, weighted by rarity."""
    sentences = [
        readable(s.text, p.text, p.heading) for p in evidence.passages for s in p.sentences
    ]
    weights = evidence.term_weights
    shared = [sum(weights.get(t, 0.0) for t in set(terms(text))) for text in sentences]
    return sentences[shared.index(max(shared))] if sentences else ""


def answers(folder: Path, cases: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """The answer of each system to each question."""
    encoder, settings = Encoder(), RetrievalSettings()
    Ingest(folder, encoder, settings).run([CASES / "reader_documents"], "default")
    retriever = Retriever(folder, encoder, settings)
    found = []
    for case in cases:
        asked, before = case["question"], case["before"]
        earlier = before[-1] if before and refers_back(asked) else ""
        found.append(retriever.retrieve(asked, earlier=earlier))
    said = {
        "best chunk, whole": [e.passages[0].text if e.passages else "" for e in found],
        "most shared terms": [most_shared(evidence) for evidence in found],
    }
    with ThreadPoolExecutor(1) as executor:
        reader = ReaderPolicy(encoder, executor, ReaderSettings())
        for count in (1, 2):
            sampling = Sampling(max_sentences=count)
            said[f"reader, {count} sentence{'s' * (count > 1)}"] = [
                asyncio.run(reader.generate(Prompt((), evidence), 1, sampling))[0].text
                for evidence in found
            ]
    retriever.close()
    return said


@click.command()
def main() -> None:
    """Answer every question and write the result."""
    rows = []
    for language in ("en", "zh"):
        lines = (CASES / f"reader.{language}.jsonl").read_text("utf-8").splitlines()
        cases = [json.loads(line) for line in lines]
        with tempfile.TemporaryDirectory() as folder:
            said = answers(Path(folder), cases)
        rows += [row(name, language, cases, texts) for name, texts in said.items()]
    publish("reader", "python -m benchmarks.reader", table(HEADER, rows))


if __name__ == "__main__":
    main()
