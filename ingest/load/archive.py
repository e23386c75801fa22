"""Archives: the documents inside, each under its path, within bounds of number and size."""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath

from contract.errors import DocumentUnreadable, FormatUnsupported
from ingest.load.charset import decode
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.inside import MAX_MEMBERS, Inside

_ENCRYPTED = 0x1
_UTF8 = 0x800
_LINK = 0o120000
_LEFT_BEHIND = ("__macosx/", ".git/", ".svn/")


def load_zip(content: bytes, inside: Inside) -> LoadedDocument:
    """Each member that is a document is a section headed by its path; the others are noted.

    Nothing is written anywhere, so a member's path is only a heading, whatever it says.

    Raises:
        DocumentUnreadable: the archive is damaged, encrypted as a whole, or holds too much.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DocumentUnreadable("The zip archive is damaged or cut off.") from error
    with archive:
        members = [m for m in archive.infolist() if not m.is_dir() and _is_wanted(_name(m))]
        _check(members)
        builder = DocumentBuilder("-")
        for member in sorted(members, key=_name):
            _add_member(archive, member, builder, inside)
    builder.title = ""
    return builder.build()


def _check(members: list[zipfile.ZipInfo]) -> None:
    if not members:
        raise DocumentUnreadable("The archive holds no files.")
    if all(member.flag_bits & _ENCRYPTED for member in members):
        raise DocumentUnreadable(
            "The archive is encrypted: it needs a password. Unpack it, and ingest the folder."
        )
    if len(members) > MAX_MEMBERS:
        raise FormatUnsupported(
            f"The archive holds {len(members)} files, more than {MAX_MEMBERS}; unpack it, and "
            "ingest the folder."
        )


def _add_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, builder: DocumentBuilder, inside: Inside
) -> None:
    name = _name(member)
    if member.flag_bits & _ENCRYPTED:
        inside.note(builder, name, "It needs a password.")
        return
    if member.external_attr >> 16 & 0o170000 == _LINK:
        inside.note(builder, name, "It is a link.")
        return
    try:
        inside.admit(member.file_size)
        content = read_member(archive, member)
    except DocumentUnreadable as error:
        inside.note(builder, name, error.message)
        return
    inside.add(builder, name, content)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The bytes of one member, never more than the archive says that it has.

    Raises:
        DocumentUnreadable: it is damaged, or packed in a way that can't be read.
    """
    try:
        with archive.open(member) as file:
            content = file.read(member.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise DocumentUnreadable("It is damaged in the archive.") from error
    except (NotImplementedError, RuntimeError) as error:
        raise DocumentUnreadable("It is packed in a way that can't be read here.") from error
    if len(content) > member.file_size:
        raise DocumentUnreadable("It is larger than the archive says.")
    return content


def _name(member: zipfile.ZipInfo) -> str:
    """The path, as it was meant: old archives of Chinese Windows write it in GBK."""
    name = member.filename
    if not member.flag_bits & _UTF8 and not name.isascii():
        try:
            name = decode(name.encode("cp437"))
        except (UnicodeEncodeError, DocumentUnreadable):
            name = member.filename
    name = name.replace("\\", "/")
    return str(PurePosixPath(*(part for part in name.split("/") if part not in ("", ".", ".."))))


def _is_wanted(name: str) -> bool:
    low = name.lower()
    base = low.rsplit("/", 1)[-1]
    return not (base.startswith(".") or any(part in f"{low}" for part in _LEFT_BEHIND))


def load_tar(content: bytes, inside: Inside) -> LoadedDocument:
    """A tar archive, plain or compressed; as `load_zip`.

    Raises:
        DocumentUnreadable: the archive is damaged, or holds too much.
    """
    builder = DocumentBuilder("-")
    found = 0
    try:
        # Read as a stream: a compressed archive tells its size only by being unpacked.
        with tarfile.open(fileobj=io.BytesIO(content), mode="r|*") as archive:
            for member in archive:
                name = str(
                    PurePosixPath(*(p for p in member.name.split("/") if p not in ("", ".", "..")))
                )
                if not member.isfile() or not _is_wanted(name):
                    continue
                found += 1
                inside.admit(member.size)
                file = archive.extractfile(member)
                inside.add(builder, _tar_name(name), file.read() if file else b"")
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        if not found:
            raise DocumentUnreadable("The tar archive is damaged or cut off.") from error
        builder.note("The archive is damaged or cut off; what came before was read.")
    if not found:
        raise DocumentUnreadable("The archive holds no files.")
    builder.title = ""
    return builder.build()


def _tar_name(name: str) -> str:
    raw = name.encode("utf-8", "surrogateescape")
    try:
        return decode(raw)
    except DocumentUnreadable:
        return name
