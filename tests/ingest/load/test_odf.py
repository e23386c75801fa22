"""OpenDocument files, as packages and as flat XML."""

import io
import zipfile

import pytest

from contract.errors import DocumentUnreadable
from ingest.load.odf import load_odf

_NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in [
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("presentation", "presentation"),
        ("style", "style"),
        ("manifest", "manifest"),
    ]
)
TEXT = """<text:tracked-changes><text:changed-region><text:deletion><text:p>deleted words</text:p>
</text:deletion></text:changed-region></text:tracked-changes>
<text:h text:outline-level="1">Harbour 港口</text:h>
<text:p>The lift<text:s text:c="2"/>carries
  forty<text:note><text:note-body><text:p>Since May.</text:p></text:note-body></text:note> tonnes.</text:p>
<text:list><text:list-item><text:p>Grease the ring</text:p></text:list-item></text:list>
<text:p><draw:frame><draw:text-box><text:p>Boxed</text:p></draw:text-box></draw:frame></text:p>
<table:table><table:table-row><table:table-cell><text:p>Part</text:p></table:table-cell>
<table:table-cell><text:p>Stock</text:p></table:table-cell></table:table-row><table:table-row>
<table:table-cell><text:p>Rope</text:p></table:table-cell><table:table-cell><text:p>2</text:p>
</table:table-cell><table:table-cell table:number-columns-repeated="16382"/></table:table-row>
<table:table-row table:number-rows-repeated="1048574"><table:table-cell/></table:table-row></table:table>"""
SLIDES = """<draw:page><draw:frame presentation:class="subtitle"><draw:text-box><text:p>Lift seven</text:p>
</draw:text-box></draw:frame><draw:frame presentation:class="title"><draw:text-box><text:p>Harbour</text:p>
</draw:text-box></draw:frame><presentation:notes><draw:frame presentation:class="notes"><draw:text-box>
<text:p>Speak slowly.</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>
<draw:page><draw:g><draw:custom-shape><text:p>In a group</text:p></draw:custom-shape></draw:g></draw:page>"""


def xml(kind: str, inner: str) -> str:
    return (
        f"<office:document-content {_NAMES}><office:body><office:{kind}>{inner}</office:{kind}>"
        "</office:body></office:document-content>"
    )


def package(content: str, manifest: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as parts:
        parts.writestr("content.xml", content)
        parts.writestr(
            "META-INF/manifest.xml", f"<manifest:manifest {_NAMES}>{manifest}</manifest:manifest>"
        )
    return buffer.getvalue()


@pytest.mark.parametrize("content", [package(xml("text", TEXT)), xml("text", TEXT).encode()])
def test_text_lists_notes_boxes_and_tables(content: bytes) -> None:
    loaded = load_odf(content)
    assert loaded.sections[0].heading == "Harbour 港口"
    assert loaded.text.strip().split("\n\n") == [
        "The lift  carries forty tonnes.",
        "Since May.",
        "- Grease the ring",
        "Boxed",
        "| Part | Stock |\n|-|-|\n| Rope | 2 |",
    ]


def test_slides_are_pages_with_their_title_and_notes() -> None:
    loaded = load_odf(package(xml("presentation", SLIDES)))
    assert [(s.page, s.heading) for s in loaded.sections] == [(1, "Harbour"), (2, "")]
    assert loaded.text.strip().split("\n\n") == ["Lift seven", "Speak slowly.", "In a group"]


def test_a_password_and_damage_are_told_apart() -> None:
    secret = "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"
    with pytest.raises(DocumentUnreadable, match="password"):
        load_odf(package("\x00\x01", secret))
    with pytest.raises(DocumentUnreadable, match="missing or broken"):
        load_odf(package("<html/>"))


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    with pytest.raises(DocumentUnreadable, match="entities"):
        load_odf((bomb + xml("text", "<text:p>&b;</text:p>")).encode())
