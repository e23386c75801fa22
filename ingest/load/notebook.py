"""Notebooks of Jupyter: their words, code and short results, without pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from contract.errors import DocumentUnreadable
from ingest.load.charset import decode_noted
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.plain import load_markdown
from ingest.load.structured import load_json, parse_json
from text.tables import STEP

# Of a long result, a log or a table, the beginning tells what it is.
_MAX_OUTPUT = 2000
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def load_ipynb(content: bytes) -> LoadedDocument:
    """The cells in order; headings in Markdown cells become sections. Formats 3 and 4.

    Raises:
        DocumentUnreadable: it is not JSON.
    """
    text, notes = decode_noted(content)
    try:
        notebook = parse_json(text)
    except DocumentUnreadable as error:
        raise DocumentUnreadable(f"The notebook is damaged. {error.message}") from error
    if not isinstance(notebook, dict) or not ("cells" in notebook or "worksheets" in notebook):
        return load_json(content)
    source, code = [], 0
    for cell in _cells(notebook):
        words = _joined(cell.get("source", cell.get("input", "")))
        kind = cell.get("cell_type")
        if kind in ("markdown", "html"):
            source.append(words)
        elif kind == "heading":
            source.append("#" * int(cell.get("level") or 1) + " " + words)
        else:
            code += 1
            # A fence that no code holds: headings in it are then comments of the code.
            source.append(f"{_FENCE}\n{words.rstrip()}\n{_FENCE}")
            source += [f"{_FENCE}\n{out}\n{_FENCE}" for out in _outputs(cell)]
    document = load_markdown(
        "\n\n".join(part for part in source if part.strip()).encode("utf-8", "replace")
    )
    return _unfenced(document, notes)


_FENCE = "~~~~~~~~~~~~"


def _unfenced(document: LoadedDocument, notes: tuple[str, ...]) -> LoadedDocument:
    builder = DocumentBuilder(document.title)
    for section in document.sections:
        for level, heading in enumerate(section.heading.split(STEP) if section.heading else [], 1):
            builder.heading(level, heading)
        for part in re.split(r"\n\s*\n", document.text[section.start : section.end]):
            builder.block(part.replace(f"{_FENCE}\n", "").replace(_FENCE, ""))
    for note in notes:
        builder.note(note)
    return builder.build()


def _cells(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    groups = notebook.get("cells")
    if groups is None:
        groups = [c for sheet in notebook["worksheets"] for c in sheet.get("cells", [])]
    for cell in groups if isinstance(groups, list) else []:
        if isinstance(cell, dict):
            yield cell


def _outputs(cell: dict[str, Any]) -> Iterator[str]:
    for output in cell.get("outputs") or []:
        if not isinstance(output, dict):
            continue
        data = output.get("data")
        text = output.get("text") or (data.get("text/plain") if isinstance(data, dict) else None)
        if not text and output.get("ename"):
            text = f"{output['ename']}: {output.get('evalue', '')}"
        words = _COLOUR.sub("", _joined(text or "")).strip()
        # How Python shows a picture or a plot says nothing of it.
        if words and not re.fullmatch(r"<[^<>\n]*(?:Figure|Axes|object at)[^<>\n]*>", words):
            yield words if len(words) <= _MAX_OUTPUT else words[:_MAX_OUTPUT] + " …"


def _joined(source: Any) -> str:
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""
