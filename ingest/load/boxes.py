"""What is in the two containers of Office: OLE files and zip archives."""

from __future__ import annotations

import io
import re
import zipfile

import olefile

from contract.errors import DocumentUnreadable, FormatUnsupported
from ingest.load.suffixes import LABELS, SUFFIXES

OLE_MAGIC: bytes = olefile.MAGIC

# Text compresses ten times, a table of zeros fifty times, a bomb a thousand times.
_MAX_RATIO = 200
_LARGE = 64 * 1024 * 1024

_OPC = {"word/": "docx", "ppt/": "pptx", "xl/": "xlsx"}
_OLE = {
    "worddocument": "doc",
    "workbook": "xls",
    "book": "xls",
    "powerpoint document": "ppt",
    "__properties_version1.0": "msg",
}
_APPLE = re.compile(r"(^|/)(Index/.*\.iwa|index\.(xml|apxl)\.gz|Index\.zip)$")


def kind_of_ole(content: bytes, suffix: str) -> str:
    try:
        with olefile.OleFileIO(io.BytesIO(content)) as file:
            names = {entry[0].lower() for entry in file.listdir(streams=True, storages=True)}
    except Exception as error:  # olefile raises what struct and its own checks raise
        what = LABELS.get(SUFFIXES.get(suffix, ""), "an Office file")
        raise DocumentUnreadable(f"It begins as {what}, but is damaged or cut off.") from error
    if "encryptedpackage" in names or "encryptioninfo" in names:
        raise DocumentUnreadable(
            "The Office document is encrypted: it needs a password. Save it without one."
        )
    for stream, kind in _OLE.items():
        if stream in names:
            return kind
    if any(name.startswith("visio") for name in names):
        raise FormatUnsupported("It is a Visio drawing; export it to PDF.")
    if "\x05hwpsummaryinformation" in names or "fileheader" in names:
        raise FormatUnsupported("It is a Hangul (hwp) document; save it as docx or PDF.")
    if "catalog" in names or any(re.fullmatch(r"256_[0-9a-f]+|\d+", name) for name in names):
        raise FormatUnsupported("It is a database of thumbnails; there is no text to read.")
    if any("msi" in name or name.startswith("\u4840") for name in names):
        raise FormatUnsupported("It is a Windows installer; there is no text to read.")
    if "contents" in names and "quill" in names:
        raise FormatUnsupported("It is a Publisher file; export it to PDF.")
    raise FormatUnsupported(
        "It is an Office container without a document in it that is known here; save it as docx, "
        "xlsx, pptx or PDF."
    )


def kind_of_zip(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            _refuse_bomb(archive)
            mime = _mime(archive, names)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError) as error:
        raise DocumentUnreadable(f"{_torn(content)} is damaged or cut off.") from error
    if "epub" in mime or "META-INF/container.xml" in names:
        return "epub"
    if "opendocument" in mime:
        return "ods" if "spreadsheet" in mime else "odf"
    if "[Content_Types].xml" in names:
        for prefix, kind in _OPC.items():
            if any(name.startswith(prefix) for name in names):
                return kind
        if any(name.startswith("visio/") for name in names):
            raise FormatUnsupported("It is a Visio drawing; export it to PDF.")
        if any(name.endswith((".xps", ".fpage", ".fdseq")) for name in names):
            raise FormatUnsupported("It is an XPS document; print it to PDF.")
    if any(_APPLE.search(name) for name in names):
        raise FormatUnsupported(
            "It is a document of Apple's Pages, Numbers or Keynote; export it to docx, xlsx, pptx "
            "or PDF."
        )
    if "AndroidManifest.xml" in names:
        raise FormatUnsupported("It is an Android app; there is no text to read.")
    if any(name.endswith(".class") for name in names) and "META-INF/MANIFEST.MF" in names:
        raise FormatUnsupported("It is a Java program; there is no text to read.")
    return "zip"


def _refuse_bomb(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    packed = sum(member.compress_size for member in members)
    size = sum(member.file_size for member in members)
    if size > _LARGE and size > _MAX_RATIO * packed:
        raise DocumentUnreadable(
            f"It would grow from {packed / 2**20:.1f} to {size / 2**20:.0f} MB when unpacked; it "
            "looks like a file made to exhaust memory."
        )


def _mime(archive: zipfile.ZipFile, names: list[str]) -> str:
    if "mimetype" not in names or archive.getinfo("mimetype").file_size > 200:
        return ""
    try:
        return archive.read("mimetype").decode("ascii", "replace")
    except (RuntimeError, zipfile.BadZipFile, NotImplementedError):
        return ""


def _torn(content: bytes) -> str:
    for mark, words in (
        (b"word/", "The Word document"),
        (b"ppt/", "The PowerPoint presentation"),
        (b"xl/", "The Excel workbook"),
        (b"opendocument", "The OpenDocument file"),
        (b"epub+zip", "The e-book"),
    ):
        if mark in content[: 1024 * 1024]:
            return words
    return "The zip archive"
