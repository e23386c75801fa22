"""Office packages: a zip of XML parts and the relations between them (ECMA-376 part 2, ODF 1.3 part 2).

Parts are read one by one, so a part that is missing or broken costs that part and not the file.
Names of elements are compared without their namespace: the "strict" variant of Office Open XML uses
other namespaces for the same elements.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from lxml import etree

from contract.errors import DocumentUnreadable
from ingest.load.safe_xml import xml_parser

Element: TypeAlias = etree._Element

OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
# A part that says it is longer than this when unpacked is no part of a document that people wrote.
_MAX_PART_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class Relation:
    """A link from one part to another: `kind` is the last word of its type, such as `image`."""

    id: str
    kind: str
    target: str


class Package:
    """The parts of an office file.

    Raises:
        DocumentUnreadable: no zip archive, an encrypted one, or one that ends too early.
    """

    def __init__(self, content: bytes, kind: str) -> None:
        self._kind = kind
        self.damaged: list[str] = []
        if content.startswith(OLE_MAGIC):
            raise DocumentUnreadable(_ole_reason(content, kind))
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise DocumentUnreadable(
                f"The {kind} can't be opened: it is damaged, cut short, or something else."
            ) from error
        self._names = {
            info.filename.replace("\\", "/").lstrip("/").lower(): info
            for info in self._zip.infolist()
        }

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def names(self) -> list[str]:
        """The parts, in lower case, sorted."""
        return sorted(self._names)

    def read(self, name: str) -> bytes | None:
        """The bytes of a part; None if it is missing or broken, and then noted in `damaged`.

        Raises:
            DocumentUnreadable: the part is encrypted, or far too large.
        """
        info = self._names.get(name.lower())
        if info is None:
            return None
        if info.flag_bits & 0x1:
            raise DocumentUnreadable(f"The {self._kind} needs a password.")
        if info.file_size > _MAX_PART_BYTES:
            raise DocumentUnreadable(
                f"The {self._kind} holds a part of {info.file_size >> 20} MB, which is too large."
            )
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError):
            self.damaged.append(name)
            return None

    def xml(self, name: str) -> Element | None:
        """The root element of a part; None if it is missing or can't be read at all."""
        content = self.read(name)
        if content is None:
            return None
        root, whole = parse_xml(content)
        if not whole:
            self.damaged.append(name)
        return root

    def relations(self, name: str) -> list[Relation]:
        """What a part links to, inside the package."""
        folder, base = posixpath.split(name)
        root = self.xml(posixpath.join(folder, "_rels", base + ".rels"))
        found = []
        for element in children(root, "Relationship"):
            target = element.get("Target") or ""
            if element.get("TargetMode") != "External" and target:
                path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
                kind = (element.get("Type") or "").rpartition("/")[2]
                found.append(Relation(element.get("Id") or "", kind, path))
        return found

    def related(self, name: str, kind: str) -> Iterator[Element]:
        """The root elements of the parts that `name` links to as `kind`, such as `comments`."""
        for relation in self.relations(name):
            if relation.kind == kind and (root := self.xml(relation.target)) is not None:
                yield root

    def main_part(self, default: str) -> str:
        """The name of the part that the package is about."""
        for relation in self.relations(""):
            if relation.kind == "officeDocument" and relation.target in self:
                return relation.target
        return default

    def is_encrypted(self) -> bool:
        """Whether the parts of an OpenDocument package are encrypted (ODF 1.3 part 2, 4.3)."""
        manifest = self.xml("META-INF/manifest.xml")
        return next(descendants(manifest, "encryption-data"), None) is not None

    def title(self) -> str:
        """The title that the author gave in the document's properties, or nothing."""
        return text_of(find(self.xml("docProps/core.xml"), "title"))


def parse_xml(content: bytes) -> tuple[Element | None, bool]:
    """The root element, and whether the XML was whole. No entity is ever expanded.

    Raises:
        DocumentUnreadable: the XML declares entities, which no office program writes.
    """
    if b"<!ENTITY" in (content.replace(b"\x00", b"") if b"\x00" in content[:64] else content):
        raise DocumentUnreadable("Its XML declares entities. That is an attack, not a document.")
    parser = xml_parser()
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return None, False
    levels = (etree.ErrorLevels.FATAL,)
    whole = not any(entry.level in levels for entry in parser.error_log)
    return root, whole


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element | None, name: str) -> str:
    """The value of an attribute, whatever its namespace; empty if there is none."""
    if element is not None:
        for key, value in element.attrib.items():
            if str(key).rpartition("}")[2] == name:
                return str(value)
    return ""


def children(element: Element | None, name: str) -> Iterator[Element]:
    """The children of that name."""
    if element is not None:
        for child in element:
            if local(child) == name:
                yield child


def find(element: Element | None, *path: str) -> Element | None:
    """The element at the end of a path of names, each a child of the one before; or None."""
    for name in path:
        element = next(children(element, name), None)
    return element


def descendants(element: Element | None, name: str) -> Iterator[Element]:
    """All elements of that name below, in document order."""
    if element is not None:
        yield from element.iter("{*}" + name)


def text_of(element: Element | None) -> str:
    """All text inside an element, with single spaces."""
    return "" if element is None else " ".join("".join(element.itertext()).split())


def _ole_reason(content: bytes, kind: str) -> str:
    # An encrypted Office package is an OLE container with this stream (MS-OFFCRYPTO 2.3.1).
    if "EncryptedPackage".encode("utf-16-le") in content:
        return f"The {kind} needs a password."
    return f"This {kind} has the format of Office 97 to 2003 under another name: rename the file."
