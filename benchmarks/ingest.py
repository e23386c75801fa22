"""What does ingest cost beside encoding, and what does it cost when nothing changed?

    OMP_NUM_THREADS=1 python -m benchmarks.ingest --rivals RIVALS/bin/python [--data FOLDER_OR_SQUAD_FILE]

Each tool ingests the same files, with the embedded MiniLM, in a process of its own. Its CPU seconds
(whole process: imports, loading, splitting, encoding, saving) are divided by those of a process that
does nothing but encode the tool's own chunks with SentenceTransformer.encode, batches of 32. A run over one
short file is subtracted from both for a second ratio, without imports and loading. Tool and yardstick
take turns; the best of two counts. Plumbline is driven by its command line.

Without --data the files are made here, from sentences of 6 to 40 words in paragraphs of 1 to 12. An
environment for the rivals, torch first so that no CUDA build is fetched:

    python -m venv RIVALS
    RIVALS/bin/pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    RIVALS/bin/pip install --constraint constraints.txt sentence-transformers faiss-cpu \\
        langchain-community langchain-huggingface langchain-text-splitters \\
        llama-index-core llama-index-embeddings-huggingface txtai
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.report import publish, table
from retrieval.manifest import CATALOGUE
from text.encoder import Encoder
from text.engines.folder import EMBEDDED, model_folder

RIVALS = ("langchain", "llamaindex", "txtai")
PLUMBLINE = {"plumbline": "torch", "plumbline onnx-int8": "onnx-int8"}
PACKAGES = {
    "langchain": ("langchain-community", "langchain-huggingface"),
    "llamaindex": ("llama-index-core",),
    "txtai": ("txtai",),
}
_WORKER = Path(__file__).with_name("ingest_rivals.py")
_ROOT = Path(__file__).parent.parent
_WORDS = (
    "the team writes each report by hand before noon and sends it to the office where a clerk reads "
    "every line twice then files the paper under its number so that anyone who asks may find the "
    "price date place or person that a customer named in an older letter about late parts"
).split()


def cpu_seconds(command: Sequence[str]) -> tuple[float, float, str]:
    """CPU and wall seconds of a process with its children, and what it printed."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, wall, done.stdout


def plumbline(documents: Path, folder: Path, engine: str) -> tuple[float, float, dict[str, Any]]:
    """One `plumbline ingest … --json` into folder/index."""
    config = folder / "plumbline.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    retrieval = {"encoder_engine": engine, "encoder_threads": 1}
    config.write_text(json.dumps({"data_dir": str(folder), "retrieval": retrieval}), "utf-8")
    command = [sys.executable, "-m", "plumbline", "ingest", str(documents), "--json"]
    cpu, wall, printed = cpu_seconds([*command, "--config", str(config)])
    report: dict[str, Any] = json.loads(printed)
    return cpu, wall, report


def stored_chunks(folder: Path) -> list[str]:
    """The texts that Plumbline encoded, headings included."""
    with sqlite3.connect(folder / "index" / CATALOGUE) as connection:
        rows = connection.execute("SELECT heading, text FROM chunk ORDER BY id").fetchall()
    return [f"{heading}\n{text}" if heading else text for heading, text in rows]


def ingest_once(tool: str, documents: Path, folder: Path, python: str) -> tuple[float, list[str]]:
    """CPU seconds of one ingest into an empty store, and the texts that it encoded."""
    if tool in PLUMBLINE:
        shutil.rmtree(folder / "index", ignore_errors=True)  # the int8 copy stays: made only once
        cpu, _, _ = plumbline(documents, folder, PLUMBLINE[tool])
        return cpu, stored_chunks(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    chunks = folder / "chunks.json"
    store, model = str(folder / "store"), str(model_folder(EMBEDDED))
    command = [python, str(_WORKER), tool, str(documents), store, model, str(chunks)]
    cpu, _, _ = cpu_seconds(command)
    return cpu, json.loads(chunks.read_text("utf-8"))


def bare_once(chunks: Path) -> float:
    """CPU seconds of a process that encodes the given texts and nothing else."""
    model, out = str(model_folder(EMBEDDED)), str(chunks) + ".out"
    command = [sys.executable, str(_WORKER), "bare", str(chunks), "-", model, out]
    return cpu_seconds(command)[0]


def measure(tool: str, documents: Path, work: Path, python: str) -> tuple[float, float, int]:
    """CPU seconds of one ingest, those of encoding its chunks alone, and their number."""
    cpu, texts = ingest_once(tool, documents, work / tool, python)
    chunks = work / f"{tool}.json"
    chunks.write_text(json.dumps(texts), "utf-8")
    return cpu, bare_once(chunks), len(texts)


def compare(documents: Path, work: Path, python: str | None) -> list[list[object]]:
    """A row for each tool: chunks, CPU seconds, yardstick, ratio, and the ratio of what both spend
    beyond a run over one short file, which is what remains of the ratio as documents grow."""
    tools = [*PLUMBLINE, *(RIVALS if python else ())]
    one = work / "one"
    one.mkdir()
    (one / "00000.txt").write_text("The canteen opens at noon.", "utf-8")
    for tool in PLUMBLINE:  # the int8 copy is made before anything is measured
        ingest_once(tool, one, work / tool, "")
    best: dict[tuple[str, Path], tuple[float, float, int]] = {}
    for _ in range(2):
        for tool in tools:
            for folder in (one, documents):
                now = measure(tool, folder, work, python or "")
                click.echo(f"{tool}, {folder.name}: {now[0]:.1f} s, bare {now[1]:.1f} s", err=True)
                earlier = best.get((tool, folder), now)
                best[tool, folder] = (min(now[0], earlier[0]), min(now[1], earlier[1]), now[2])
    rows: list[list[object]] = []
    for tool in tools:
        cpu, bare, count = best[tool, documents]
        start, bare_start, _ = best[tool, one]
        beyond = (cpu - start) / (bare - bare_start)
        rows.append(
            [tool, count, f"{cpu:.1f}", f"{bare:.1f}", f"{cpu / bare:.2f}", f"{beyond:.2f}"]
        )
    return rows


def again(work: Path, count: int) -> list[list[object]]:
    """Ingest of many small files: the first time, with nothing changed, and with one changed."""
    documents, folder = work / "small", work / "again"
    for number in range(count):
        path = documents / f"{number // 500:03d}" / f"{number:06d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"Order {number} was sent from shelf {number % 97} on time.\n", "utf-8")
    rows: list[list[object]] = []
    for step in ("first", "nothing changed", "one file changed"):
        if step == "one file changed":
            (documents / "000" / "000007.txt").write_text("Order 7 was lost at sea.\n", "utf-8")
        cpu, wall, report = plumbline(documents, folder, "torch")
        encoded = sum(f["chunks"] for f in report["files"] if f["status"] == "indexed")
        rows.append([step, f"{count:,}", f"{cpu:.1f}", f"{wall:.1f}", f"{encoded:,}"])
        click.echo(f"{rows[-1]}", err=True)
    return rows


def write_documents(data: Path | None, folder: Path, count: int) -> None:
    """`count` text files: paragraphs of a SQuAD-format file, of a folder's files, or made here."""
    folder.mkdir()
    if data is None:
        paragraphs = _made(count)
    elif data.is_dir():
        files = sorted(p for p in data.rglob("*") if p.suffix in {".txt", ".md"})
        paragraphs = [part for p in files for part in p.read_text("utf-8").split("\n\n")]
    else:
        articles = json.loads(data.read_text("utf-8"))["data"]
        paragraphs = [p["context"] for a in articles for p in a["paragraphs"]]
    for number, text in enumerate([p for p in paragraphs if p.strip()][:count]):
        (folder / f"{number:05d}.txt").write_text(text, "utf-8")


def _made(count: int) -> list[str]:
    chance = random.Random(0)

    def sentence() -> str:
        return " ".join(chance.choices(_WORDS, k=chance.randint(6, 40))).capitalize() + "."

    return [" ".join(sentence() for _ in range(chance.randint(1, 12))) for _ in range(count)]


def _lengths(documents: Path) -> str:
    encoder = Encoder()
    sizes = [encoder.count_tokens(p.read_text("utf-8")) for p in sorted(documents.iterdir())]
    low, middle, high = np.percentile(sizes, (10, 50, 90))
    return f"{len(sizes)} files of {low:.0f} / {middle:.0f} / {high:.0f} tokens (10th, 50th, 90th percentile)"


def _versions(python: str) -> str:
    names = [name for tool in RIVALS for name in PACKAGES[tool]]
    code = "import sys; from importlib.metadata import version as v; print(', '.join(f'{n} {v(n)}' for n in sys.argv[1:]))"
    return cpu_seconds([python, "-c", code, *names])[2].strip()


@click.command()
@click.option("--rivals", metavar="PYTHON", help="Python of an environment with the rivals.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), help="Your own paragraphs.")
@click.option("--files", default=150, show_default=True, help="Files of the comparison.")
@click.option("--small", default=10_000, show_default=True, help="Files of the repeated ingest.")
def main(rivals: str | None, data: Path | None, files: int, small: int) -> None:
    """Compare, repeat, write the result."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        documents = work / "documents"
        write_documents(data, documents, files)
        header = [
            "tool",
            "chunks",
            "CPU s",
            "encoding alone, CPU s",
            "ratio",
            "ratio beyond the start",
        ]
        body = f"{_lengths(documents)}.\n\n" + table(header, compare(documents, work, rivals))
        if small:
            header = ["ingest", "files", "CPU s", "wall s", "chunks encoded"]
            body += "\n\n" + table(header, again(work, small))
    flags = f" --rivals PYTHON --data {data.name}" if data else " --rivals PYTHON"
    made = f"\n\nRivals: {_versions(rivals)}." if rivals else ""
    publish("ingest", f"OMP_NUM_THREADS=1 python -m benchmarks.ingest{flags}", body + made)


if __name__ == "__main__":
    main()
