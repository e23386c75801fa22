"""Archives and e-books: what is inside is read, within bounds."""

import io
import tarfile
import zipfile

import pytest

from contract.errors import DocumentUnreadable

from .reading import read, sections


def packed(members: dict[str, bytes | str], **options: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_members_are_sections_and_unreadable_ones_are_noted() -> None:
    inner = packed({"deep.txt": "Deep words."})
    archive = packed(
        {
            "rules/leave.md": "# Leave\n\n27 days.",
            "../../etc/evil.txt": "Harmless words.",
            "song.mp3": b"ID3\x04" + bytes(100),
            "more.zip": inner,
            "__MACOSX/._leave.md": "noise",
        }
    )
    document = read("a.zip", archive)
    assert sections(document) == [
        ("etc/evil.txt", "Harmless words."),
        ("more.zip › deep.txt", "Deep words."),
        ("rules/leave.md › Leave", "27 days."),
    ]
    assert [note.split(":")[0] for note in document.notes] == ["song.mp3"]


def test_names_in_gbk_are_read() -> None:
    archive = packed({"xxxx.txt": "Words."}).replace(b"xxxx", "年假".encode("gbk"))
    assert sections(read("a.zip", archive)) == [("年假.txt", "Words.")]


def test_an_encrypted_archive_says_so() -> None:
    archive = bytearray(packed({"a.txt": "Words."}))
    archive[6] |= 1
    archive[archive.find(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DocumentUnreadable, match="password"):
        read("a.zip", bytes(archive))


def test_a_bomb_is_refused_without_being_unpacked() -> None:
    with pytest.raises(DocumentUnreadable, match="exhaust memory"):
        read("a.zip", packed({"zeros.txt": bytes(100 * 2**20)}))


def test_archives_in_archives_have_an_end() -> None:
    archive = packed({"a.txt": "Words."})
    for _ in range(6):
        archive = packed({"b.zip": archive})
    document = read("a.zip", archive)
    assert not document.text.strip()
    assert "deeper than 3" in document.notes[0]


def test_more_files_than_a_folder_should_hold_are_refused() -> None:
    with pytest.raises(DocumentUnreadable, match="1200 files"):
        read("a.zip", packed({f"{n}.txt": "x" for n in range(1200)}))


def test_a_damaged_member_is_noted_and_the_others_are_read() -> None:
    archive = packed({"a.txt": "First words " * 5, "b.txt": "Second words."})
    at = archive.find(b"a.txt") + 8
    damaged = archive[:at] + b"\xff\xff" + archive[at + 2 :]
    document = read("a.zip", damaged)
    assert "Second words." in document.text
    assert document.notes == ("a.txt: It is damaged in the archive.",)


@pytest.mark.parametrize(
    ("name", "mode"), [("a.tar", "w"), ("a.tgz", "w:gz"), ("a.tar.gz", "w:gz")]
)
def test_tar_archives_are_read(name: str, mode: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        member = tarfile.TarInfo("rules/年假.txt")
        member.size = 6
        archive.addfile(member, io.BytesIO(b"Words."))
    assert sections(read(name, buffer.getvalue())) == [("rules/年假.txt", "Words.")]


OPF = """<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>The Lift</dc:title></metadata><manifest>
<item id="b" href="text/two%20.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="text/one.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="a"/><itemref idref="b"/></spine></package>"""
CONTAINER = '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OPS/p.opf"/></rootfiles></container>'


def book(**more: str) -> bytes:
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OPS/p.opf": OPF,
            "OPS/text/two .xhtml": "<html><head><title>Two</title></head><body><p>Second.</p></body></html>",
            "OPS/text/one.xhtml": "<html><body><h1>One</h1><p>First.</p></body></html>",
            **{name.replace("__", "/"): content for name, content in more.items()},
        }
    )


def test_chapters_are_read_in_order() -> None:
    document = read("a.epub", book())
    assert document.title == "The Lift"
    assert sections(document) == [("One", "First."), ("Two", "Second.")]


def test_a_locked_book_says_so() -> None:
    lock = (
        '<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData>'
        '<e:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/><e:CipherData>'
        '<e:CipherReference URI="OPS/text/one.xhtml"/></e:CipherData></e:EncryptedData></encryption>'
    )
    with pytest.raises(DocumentUnreadable, match="DRM"):
        read("a.epub", book(**{"META-INF__encryption.xml": lock}))
