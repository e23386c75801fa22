"""Results go into docs/benchmarks.md, each between marks of its own."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
VERSIONS = ("plumbline", "torch", "sentence-transformers", "faiss-cpu", "fastapi")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def publish(
    name: str,
    command: str,
    body: str,
    *,
    write: bool = True,
    also: Sequence[str] = (),
    others: Sequence[str] = (),
) -> None:
    """Print a result and put it between its marks, with command, date, machine and versions.

    Args:
        write: false only prints it.
        also: packages whose versions matter besides the usual ones.
        others: names and versions of what ran in other environments.
    """
    content = f"{body}\n\n{made_by(command, also, others)}"
    click.echo(content)
    if write:
        put(DOCUMENT, name, content)


def made_by(command: str, also: Sequence[str] = (), others: Sequence[str] = ()) -> str:
    """The line below a result: command, date, machine and versions."""
    versions = [f"{package} {version(package)}" for package in (*VERSIONS, *also)]
    return (
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {_machine()}, Python "
        f"{platform.python_version()}, " + ", ".join([*versions, *others])
    )


def put(document: Path, name: str, content: str) -> None:
    """Put a text between its marks in a document."""
    text = document.read_text(encoding="utf-8")
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{document} has no marks for {name}")
    block = f"{start}\n{content}\n{end}"
    document.write_text(pattern.sub(lambda _: block, text), encoding="utf-8")


def _machine() -> str:
    cores = len(re.findall(r"^processor", Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    return f"{cores} cores ({platform.machine()})"
