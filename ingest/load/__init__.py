"""Files become documents: one module for each family of formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from contract.errors import FormatUnsupported
from ingest.load.doc import load_doc
from ingest.load.document import LoadedDocument, Section
from ingest.load.docx import load_docx
from ingest.load.html import load_html
from ingest.load.image import load_image
from ingest.load.odf import load_odf
from ingest.load.pdf import load_pdf
from ingest.load.plain import load_markdown, load_text
from ingest.load.ppt import load_ppt
from ingest.load.pptx import load_pptx
from ingest.load.rtf import load_rtf
from ingest.load.spreadsheet import load_spreadsheet
from ingest.load.structured import load_csv, load_json, load_jsonl

__all__ = ["LOADERS", "VERSION", "LoadedDocument", "Section", "load"]

# Raise it when a loader reads something else from the same bytes: files are then read again.
VERSION = 2

LOADERS: dict[str, Callable[[bytes], LoadedDocument]] = {
    ".csv": load_csv,
    ".docx": load_docx,
    ".htm": load_html,
    ".html": load_html,
    ".json": load_json,
    ".jsonl": load_jsonl,
    ".markdown": load_markdown,
    ".md": load_markdown,
    ".ndjson": load_jsonl,
    ".pdf": load_pdf,
    ".text": load_text,
    ".tsv": load_csv,
    ".txt": load_text,
    **dict.fromkeys((".docm", ".dotx", ".dotm"), load_docx),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx", ".ppsm", ".potx", ".potm"), load_pptx),
    **dict.fromkeys((".xlsx", ".xlsm", ".xltx", ".xltm", ".xlsb", ".xls", ".et"), load_spreadsheet),
    **dict.fromkeys((".ods", ".ots"), load_spreadsheet),
    **dict.fromkeys((".odt", ".ott", ".odp", ".otp", ".odg", ".fodt", ".fodp", ".fods"), load_odf),
    ".rtf": load_rtf,
    **dict.fromkeys(
        (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif"), load_image
    ),
    **dict.fromkeys((".doc", ".dot", ".wps"), load_doc),
    **dict.fromkeys((".ppt", ".pps", ".pot", ".dps"), load_ppt),
}


def load(path: Path, content: bytes) -> LoadedDocument:
    """Read a file by its suffix. A document without a title of its own is titled by its name.

    Raises:
        FormatUnsupported: no loader knows the suffix.
        DocumentUnreadable: the file is damaged, encrypted or not what its name says.
    """
    loader = LOADERS.get(path.suffix.lower())
    if loader is None:
        known = " ".join(sorted(suffix.lstrip(".") for suffix in LOADERS))
        raise FormatUnsupported(
            f"No loader for {path.suffix or 'files without a suffix'}. Known: {known}."
        )
    document = loader(content)
    title = document.title or path.stem.replace("-", " ").replace("_", " ")
    return replace(document, title=title)
