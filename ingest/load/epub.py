"""E-books (EPUB 2 and 3): the chapters in reading order."""

from __future__ import annotations

import io
import posixpath
import zipfile
from urllib.parse import unquote

from lxml import etree

from contract.errors import DocumentUnreadable
from ingest.load.archive import read_member
from ingest.load.charset import decode
from ingest.load.document import DocumentBuilder, LoadedDocument
from ingest.load.html import declared_charset, read_html
from ingest.load.inside import Inside
from ingest.load.safe_xml import xml_parser

_PAGES = ("application/xhtml+xml", "text/html", "application/xml", "text/xml", "")
# Fonts may be encrypted in a free book; chapters may not.
_FREE = ("obfuscat", "2008/embedding", "adobe.com/pdf/enc#rc", "ns.adobe.com/pdf/enc#RC")


def load_epub(content: bytes, inside: Inside) -> LoadedDocument:
    """Each chapter's headings are sections.

    Raises:
        DocumentUnreadable: the book is damaged, or its chapters are locked (DRM).
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DocumentUnreadable("The e-book is damaged or cut off.") from error
    with archive:
        return _Book(archive, inside).read()


class _Book:
    def __init__(self, archive: zipfile.ZipFile, inside: Inside) -> None:
        self._archive = archive
        self._inside = inside
        self._members = {member.filename: member for member in archive.infolist()}
        self._lower = {name.lower(): member for name, member in self._members.items()}

    def read(self) -> LoadedDocument:
        package_name, package = self._package()
        title = package.find(".//{*}metadata/{*}title")
        builder = DocumentBuilder(" ".join((title.text or "").split()) if title is not None else "")
        locked = self._locked()
        pages = list(self._spine(package, package_name))
        if locked and any(page in locked for page in pages):
            raise DocumentUnreadable(
                "The e-book is locked (DRM): its chapters are encrypted. Ask for a copy without."
            )
        for page in pages:
            self._chapter(page, builder)
        return builder.build()

    def _chapter(self, page: str, builder: DocumentBuilder) -> None:
        try:
            content = self._content(page)
        except DocumentUnreadable as error:
            self._inside.note(builder, page, error.message)
            return
        chapter = DocumentBuilder()
        read_html(decode(content, declared_charset(content)), chapter)
        document = chapter.build()
        builder.leave()
        if document.text.strip():
            if not any(section.heading for section in document.sections):
                # A chapter without a heading of its own is headed by its page's title.
                builder.heading(1, document.title)
            builder.embed(document)

    def _content(self, name: str) -> bytes:
        member = self._members.get(name) or self._lower.get(name.lower())
        if member is None:
            raise DocumentUnreadable("It is missing in the book.")
        self._inside.admit(member.file_size)
        return read_member(self._archive, member)

    def _package(self) -> tuple[str, etree._Element]:
        name = next((n for n in self._members if n.lower().endswith(".opf")), "")
        if "META-INF/container.xml" in self._members:
            root = _xml(self._content("META-INF/container.xml"))
            found = root.find(".//{*}rootfile") if root is not None else None
            name = unquote(found.get("full-path", name)) if found is not None else name
        if not name:
            raise DocumentUnreadable("The e-book has no list of its chapters: it is damaged.")
        package = _xml(self._content(name))
        if package is None:
            raise DocumentUnreadable("The list of the e-book's chapters is damaged.")
        return name, package

    def _spine(self, package: etree._Element, package_name: str) -> list[str]:
        folder = posixpath.dirname(package_name)
        items = {}
        for item in package.iterfind(".//{*}manifest/{*}item"):
            href = unquote(item.get("href", "").split("#")[0])
            path = posixpath.normpath(posixpath.join(folder, href)).lstrip("/")
            contents = "nav" in item.get("properties", "").split()
            if item.get("media-type", "") in _PAGES and not contents:
                items[item.get("id", "")] = path
        order = [
            items[i]
            for ref in package.iterfind(".//{*}spine/{*}itemref")
            if (i := ref.get("idref", "")) in items
        ]
        return list(dict.fromkeys(order or items.values()))

    def _locked(self) -> set[str]:
        if (
            "META-INF/rights.xml" in self._members
            and "META-INF/encryption.xml" not in self._members
        ):
            return set()
        if "META-INF/encryption.xml" not in self._members:
            return set()
        root = _xml(self._content("META-INF/encryption.xml"))
        names = set()
        for data in root.iterfind(".//{*}EncryptedData") if root is not None else ():
            method = data.find("{*}EncryptionMethod")
            algorithm = method.get("Algorithm", "") if method is not None else ""
            for reference in data.iterfind(".//{*}CipherReference"):
                if not any(free in algorithm for free in _FREE):
                    names.add(unquote(reference.get("URI", "")).lstrip("/"))
        return names


def _xml(content: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(content, xml_parser())
    except etree.XMLSyntaxError:
        return None
