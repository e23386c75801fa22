"""Files become documents: one module for each family of formats."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from contract.errors import DocumentUnreadable, FormatUnsupported
from ingest.load.document import LoadedDocument, Section
from ingest.load.inside import Inside
from ingest.load.kind import kind_of
from ingest.load.suffixes import LABELS

__all__ = ["CONTAINERS", "LOADERS", "VERSION", "LoadedDocument", "Section", "load"]

# Raise it when a loader reads something else from the same bytes: files are then read again.
VERSION = 2

# Kind of file -> module and function. A module is imported when the first file of its kind comes:
# a worker that reads text starts without the libraries for Word and PDF.
LOADERS = {
    "csv": ("delimited", "load_csv"),
    "doc": ("doc", "load_doc"),
    "docx": ("docx", "load_docx"),
    "fodf": ("odf", "load_odf"),
    "html": ("html", "load_html"),
    "image": ("image", "load_image"),
    "ipynb": ("notebook", "load_ipynb"),
    "json": ("structured", "load_json"),
    "jsonl": ("structured", "load_jsonl"),
    "markdown": ("plain", "load_markdown"),
    "mhtml": ("mail", "load_mhtml"),
    "odf": ("odf", "load_odf"),
    "ods": ("spreadsheet", "load_spreadsheet"),
    "pdf": ("pdf", "load_pdf"),
    "ppt": ("ppt", "load_ppt"),
    "pptx": ("pptx", "load_pptx"),
    "rst": ("rst", "load_rst"),
    "rtf": ("rtf", "load_rtf"),
    "sheetml": ("spreadsheet", "load_spreadsheet"),
    "source": ("source", "load_source"),
    "text": ("plain", "load_text"),
    "wordml": ("xml", "load_xml"),
    "xls": ("spreadsheet", "load_spreadsheet"),
    "xlsx": ("spreadsheet", "load_spreadsheet"),
    "xml": ("xml", "load_xml"),
}

# The same for files that hold other files; their loaders are also given an `Inside`.
CONTAINERS = {
    "eml": ("mail", "load_eml"),
    "epub": ("epub", "load_epub"),
    "mbox": ("mail", "load_mbox"),
    "msg": ("outlook", "load_msg"),
    "tar": ("archive", "load_tar"),
    "zip": ("archive", "load_zip"),
}

_SURROGATE = re.compile("[\ud800-\udfff]")


def load(path: Path, content: bytes) -> LoadedDocument:
    """Read a file as what its content says it is, and by its suffix where the content does not say.

    A document without a title of its own is titled by its name.

    Raises:
        FormatUnsupported: it is no document, or of a kind that can't be read here.
        DocumentUnreadable: the file is damaged, encrypted or not what it says it is.
    """
    try:
        document = _load(path.name, content, Inside(_load))
    except DocumentUnreadable as error:
        raise type(error)(_whole(error.message)) from error
    title = document.title or path.stem.replace("-", " ").replace("_", " ")
    return LoadedDocument(
        _whole(document.text),
        _whole(title),
        tuple(replace(s, heading=_whole(s.heading)) for s in document.sections),
        tuple(map(_whole, document.notes)),
    )


def _load(name: str, content: bytes, inside: Inside) -> LoadedDocument:
    if not content:
        return LoadedDocument("", notes=("The file is empty.",))
    kind = kind_of(name, content)
    if kind in LOADERS:
        module, function = LOADERS[kind]
        return _function(module, function)(content)
    if kind in CONTAINERS:
        module, function = CONTAINERS[kind]
        return _function(module, function)(content, inside)
    raise FormatUnsupported(f"It is {LABELS.get(kind, kind)}, for which there is no loader.")


def _function(module: str, name: str) -> Callable[..., LoadedDocument]:
    found: Callable[..., LoadedDocument] = getattr(import_module(f"ingest.load.{module}"), name)
    return found


def _whole(text: str) -> str:
    """Half characters can't be stored; each becomes one mark, so offsets stay."""
    return _SURROGATE.sub("\ufffd", text)
