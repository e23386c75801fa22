"""Files that are no documents, or none that can be read here: what they are, and what to do."""

from __future__ import annotations

import re
from pathlib import PurePath

from contract.errors import FormatUnsupported

_SOUND = "there is no text to read; transcribe it"
_FILM = "there is no text to read; add its subtitles or a transcript"
_PROGRAM = "there is no text to read"
_PACKED = "unpack it, and ingest what is inside"
_DATA = "export the tables that matter as csv"

# (offset, first bytes, what it is, what to do)
_MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"ID3", "an MP3 sound file", _SOUND),
    (0, b"OggS", "an Ogg sound or video file", _SOUND),
    (0, b"fLaC", "a FLAC sound file", _SOUND),
    (0, b"MThd", "a MIDI file", _PROGRAM),
    (0, b"#!AMR", "an AMR sound file", _SOUND),
    (0, b".snd", "an AU sound file", _SOUND),
    (0, b"FORM", "an AIFF sound file", _SOUND),
    (8, b"WAVE", "a WAV sound file", _SOUND),
    (8, b"AVI ", "an AVI video", _FILM),
    (4, b"ftypM4A", "an M4A sound file", _SOUND),
    (4, b"ftypheic", "a HEIC image", "convert it to JPEG or PNG"),
    (4, b"ftypheix", "a HEIC image", "convert it to JPEG or PNG"),
    (4, b"ftypmif1", "a HEIF image", "convert it to JPEG or PNG"),
    (4, b"ftypavif", "an AVIF image", "convert it to JPEG or PNG"),
    (4, b"ftyp", "an MP4 or QuickTime video", _FILM),
    (4, b"moov", "a QuickTime video", _FILM),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM video", _FILM),
    (0, b"FLV\x01", "a Flash video", _FILM),
    (0, b"\0\0\x01\xba", "an MPEG video", _FILM),
    (0, b"\0\0\x01\xb3", "an MPEG video", _FILM),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file", _FILM),
    (0, b"\x7fELF", "a Linux program", _PROGRAM),
    (0, b"\xcf\xfa\xed\xfe", "a macOS program", _PROGRAM),
    (0, b"\xca\xfe\xba\xbe", "a Java class or a macOS program", _PROGRAM),
    (0, b"\0asm", "a WebAssembly program", _PROGRAM),
    (0, b"!<arch>\n", "a library or Debian package", _PROGRAM),
    (0, b"\xed\xab\xee\xdb", "an RPM package", _PROGRAM),
    (0, b"L\0\0\0\x01\x14\x02\0", "a Windows shortcut", "ingest the file that it points to"),
    (0, b"\0\x01\0\0\0", "a TrueType font", _PROGRAM),
    (0, b"OTTO", "an OpenType font", _PROGRAM),
    (0, b"wOFF", "a web font", _PROGRAM),
    (0, b"wOF2", "a web font", _PROGRAM),
    (0, b"SQLite format 3\0", "an SQLite database", _DATA),
    (4, b"Standard Jet DB", "an Access database", _DATA),
    (4, b"Standard ACE DB", "an Access database", _DATA),
    (0, b"PAR1", "a Parquet file", _DATA),
    (0, b"ARROW1", "an Arrow file", _DATA),
    (0, b"Obj\x01", "an Avro file", _DATA),
    (0, b"ORC", "an ORC file", _DATA),
    (0, b"\x89HDF\r\n", "an HDF5 file", _DATA),
    (0, b"\x93NUMPY", "a NumPy array", _PROGRAM),
    (0, b"!BDN", "an Outlook mailbox (pst)", "export its mails as eml, msg or mbox"),
    (0, b"\x1f\x8b", "a gzip-compressed file", _PACKED),
    (0, b"BZh", "a bzip2-compressed file", _PACKED),
    (0, b"\xfd7zXZ\0", "an xz-compressed file", _PACKED),
    (0, b"\x28\xb5\x2f\xfd", "a zstd-compressed file", _PACKED),
    (0, b"\x04\x22\x4d\x18", "an LZ4-compressed file", _PACKED),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _PACKED),
    (0, b"Rar!\x1a\x07", "a RAR archive", _PACKED),
    (0, b"MSCF", "a Windows cabinet", _PACKED),
    (0, b"\x78\x9f\x3e\x22", "a winmail.dat of Outlook (TNEF)", "send the mail as HTML or text"),
    (0, b"8BPS", "a Photoshop file", "export it as PNG or PDF"),
    (0, b"\0\0\x01\0", "an icon", _PROGRAM),
    (0, b"AC10", "an AutoCAD drawing", "export it to PDF"),
    (0, b"AT&TFORM", "a DjVu document", "convert it to PDF"),
    (0, b"ITSF", "a compiled help file (chm)", "unpack it, and ingest its web pages"),
    (60, b"BOOKMOBI", "a Kindle e-book", "convert it to epub"),
    (60, b"TEXtREAd", "a Palm e-book", "convert it to epub"),
    (0, b"TZX", "a Kindle e-book", "convert it to epub"),
    (0, b"CWS", "a Flash animation", _PROGRAM),
    (0, b"FWS", "a Flash animation", _PROGRAM),
    (32769, b"CD001", "a disc image", _PACKED),
    (0, b"\xc5\xd0\xd3\xc6", "an EPS image", "convert it to PDF or PNG"),
    (0, b"\xd7\xcd\xc6\x9a", "a Windows metafile", "convert it to PNG"),
    (0, b"bplist00", "a binary property list", _PROGRAM),
    (0, b"\x80\x02}", "a Python pickle", "it could run code when read; export its data as csv"),
)

_TEXTUAL = {
    b"%!PS": "a PostScript file: convert it to PDF",
    b"-----BEGIN PGP MESSAGE": "an encrypted PGP message: decrypt it first",
}

# Marks of letters only: a text may begin with them, too, so its bytes must not look like text.
_LETTERS = re.compile(rb"[\x20-\x7e\n]+\Z")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_NOT_TEXT = 0.02

_NAMES = {
    "thumbs.db": "It is a cache of thumbnails of Windows.",
    "desktop.ini": "It is a folder's settings of Windows.",
    ".ds_store": "It is a folder's settings of macOS.",
}


def refuse_name(name: str) -> None:
    """Refuse what systems leave behind between documents.

    Raises:
        FormatUnsupported: it is such a file.
    """
    base = PurePath(name).name.lower()
    if base.startswith("~$"):
        raise FormatUnsupported("It is a lock of Office, left by a document that is open.")
    if base.startswith("._"):
        raise FormatUnsupported("It is a note of macOS about another file.")
    if base in _NAMES:
        raise FormatUnsupported(_NAMES[base])


def refuse_foreign(content: bytes, *, sure: bool = False) -> None:
    """Refuse what is known to be no document; with `sure`, everything that is not text.

    Raises:
        FormatUnsupported: what it is, and what to do.
    """
    binary = looks_binary(content)
    for offset, mark, what, advice in _MAGIC:
        if content.startswith(mark, offset) and (binary or not _LETTERS.match(mark)):
            raise FormatUnsupported(f"It is {what}: {advice}.")
    for mark, what in _TEXTUAL.items():
        if content.startswith(mark):
            raise FormatUnsupported(f"It is {what}.")
    if binary and content[:2] == b"MZ":
        raise FormatUnsupported(f"It is a Windows program: {_PROGRAM}.")
    if binary and content[:1] == b"\xff" and content[1] & 0xE0 == 0xE0 and content[1] != 0xFE:
        raise FormatUnsupported(f"It is an MP3 sound file: {_SOUND}.")
    if sure and binary:
        raise FormatUnsupported("It is a binary file of an unknown kind: there is no text to read.")


def looks_binary(content: bytes) -> bool:
    """Whether the bytes are no text in any encoding: control characters, and no UTF-16 or -32."""
    head = content[:8192]
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        return False
    first, second = (side.count(b"\0") / max(1, len(side)) for side in (head[::2], head[1::2]))
    # UTF-16 and -32 of Latin text have their zeros at every second byte, or at three of four.
    if max(first, second) > 0.9 and min(first, second) < 0.6:
        head = head.replace(b"\0", b"")
    return len(_CONTROL.findall(head)) > _NOT_TEXT * len(head)
