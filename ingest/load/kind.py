"""What a file really is: by its content first, by its name where the content leaves it open."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import PurePath

from ingest.load.boxes import OLE_MAGIC, kind_of_ole, kind_of_zip
from ingest.load.foreign import refuse_foreign, refuse_name
from ingest.load.suffixes import SUFFIXES, TEXT_KINDS, kind_by_name

_HEAD = 4096
_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|title|meta|table|div|p|h[1-6])\b", re.I)
_DOCTYPE_OR_HTML = re.compile(r"<(?:!doctype\s+html|html)[\s>]", re.I)
_HEADER = re.compile(r"^(?:[A-Za-z][A-Za-z0-9-]*):[ \t]?.*$")
_STRONG_HEADER = re.compile(
    r"^(?:received|return-path|message-id|mime-version|delivered-to|dkim-signature|"
    r"x-mozilla-status|content-transfer-encoding):",
    re.I | re.M,
)
_MAIL_HEADER = re.compile(r"^(?:from|to|subject|date|cc|reply-to|sender):", re.I | re.M)
_MBOX = re.compile(r"From \S+.*\d{2}:\d{2}.*\d{4}|From - |From \S+@\S+")


def kind_of(name: str, content: bytes) -> str:
    """The kind of a file, a key of the loaders' tables.

    Raises:
        FormatUnsupported: it is no document, or one that nobody can read here.
        DocumentUnreadable: it is damaged or encrypted, so that it can't even be told what it is.
    """
    refuse_name(name)
    head = content[:_HEAD]
    suffix = PurePath(name).suffix.lower()
    if kind := _binary(content, head, suffix):
        return kind
    refuse_foreign(content)
    start = _peek(head)
    return _markup(start, suffix) or _mail(start, suffix) or _by_name(name, suffix, content, start)


def _binary(content: bytes, head: bytes, suffix: str) -> str:
    if _is_pdf(content, head, suffix):
        return "pdf"
    if head.lstrip()[:5] == b"{\\rtf":
        return "rtf"
    if head.startswith(OLE_MAGIC):
        return kind_of_ole(content, suffix)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK")):
        return kind_of_zip(content)
    if head.startswith(_IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "image"
    if head.startswith(b"BM") and suffix in (".bmp", ".dib", "") and head[6:10] == b"\0\0\0\0":
        return "image"
    if head[257:262] == b"ustar" or (head.startswith(b"\x1f\x8b") and suffix in (".tgz", ".gz")):
        return "tar" if suffix != ".gz" or _names_tar(content) else ""
    if suffix == ".zip" and b"PK\x05\x06" in content[-70_000:]:
        return kind_of_zip(content)  # a program that unpacks itself, or junk before the archive
    return ""


def _names_tar(content: bytes) -> bool:
    try:
        block = zlib.decompressobj(31).decompress(content[:8192], 512)
    except zlib.error:
        return False
    return block[257:262] == b"ustar"


def _is_pdf(content: bytes, head: bytes, suffix: str) -> bool:
    at = 0 if head.startswith(b"%PDF") else head[:1024].find(b"%PDF-")
    if at < 0:
        return False
    # A text may speak of "%PDF-1.4"; a PDF with junk before it has its end, too.
    return at == 0 or suffix == ".pdf" or b"%%EOF" in content[-2048:]


def _peek(head: bytes) -> str:
    """The head as text, good enough for what is written in ASCII."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) & ~1].decode("utf-16", "replace").lstrip()
    if head[:1] == b"\0" or head[1:2] == b"\0":
        head = head.replace(b"\0", b"")
    return head.decode("latin-1").removeprefix("ï»¿").lstrip()


def _markup(start: str, suffix: str) -> str:
    if start.startswith("<?xml") or (start.startswith("<") and suffix in (".xml", ".rss", ".svg")):
        return _xml(start)
    if not start.startswith("<"):
        return ""
    bare = re.sub(r"<!--.*?(-->|$)", "", start, flags=re.DOTALL).lstrip()
    if _DOCTYPE_OR_HTML.match(bare):
        return "html"
    # Markdown and mail may begin with a tag, too; where the name says so, it is theirs.
    if suffix not in SUFFIXES or SUFFIXES[suffix] in ("doc", "xls", "docx", "xlsx", "text", "pdf"):
        return "html" if _HTML.match(bare) and "</" in bare else ""
    return ""


def _xml(start: str) -> str:
    if _DOCTYPE_OR_HTML.search(start[:2048]):
        return "html"
    if 'progid="Word.Document"' in start or "<w:wordDocument" in start or "<pkg:package" in start:
        return "wordml"
    if "<office:document" in start:
        return "fodf"
    if 'progid="Excel.Sheet"' in start:
        return "sheetml"
    return "xml"


def _mail(start: str, suffix: str) -> str:
    if _MBOX.match(start) and (suffix in (".mbox", ".mbx", "") or _STRONG_HEADER.search(start)):
        return "mbox"
    header = start.split("\n\n")[0].split("\r\n\r\n")[0]
    lines = header.splitlines()
    if not lines or not _HEADER.match(lines[0]):
        return ""
    strong = _STRONG_HEADER.search(header)
    named = len(_MAIL_HEADER.findall(header))
    if re.search(r"^snapshot-content-location:", header, re.I | re.M) or (
        strong and (suffix in (".mht", ".mhtml") or "multipart/related" in header and not named)
    ):
        return "mhtml"
    if suffix == ".eml" or (strong and named):
        return "eml"
    return ""


def _by_name(name: str, suffix: str, content: bytes, start: str) -> str:
    kind = kind_by_name(name)
    if kind in ("xls", "xlsx") and re.search(r"[\t,;]", start):
        return "csv"
    if kind in ("json", "text") and start.startswith("{") and _is_notebook(content):
        return "ipynb"
    if kind in ("eml", "mbox", "mhtml") or kind in TEXT_KINDS:
        return kind
    # A name that says nothing, or something that the content is not: it is text, or nothing known.
    refuse_foreign(content, sure=True)
    return "json" if not kind and start[:1] in "{[" and _is_json(content) else "text"


def _is_notebook(content: bytes) -> bool:
    return b'"nbformat"' in content and b'"cells"' in content and _is_json(content)


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True
