import pytest

from ingest.load.document import LoadedDocument, Section
from ingest.split import split
from text.encoder import Encoder
from text.tables import readable


def document(text: str, *sections: Section) -> LoadedDocument:
    return LoadedDocument(text, "", sections or (Section(0, len(text)),))


ENGLISH = " ".join(f"Sentence number {i} speaks of holiday rule {i * 7}." for i in range(120))
CHINESE = "".join(f"第{i}条规定员工应当在第{i * 3}天之前提交申请。" for i in range(120))


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_chunks_are_exact_small_and_end_at_sentences(text: str, encoder: Encoder) -> None:
    pieces = split(document(text), encoder, 100, 30)
    assert len(pieces) > 10
    for piece in pieces:
        assert text[piece.start : piece.end] == piece.text
        assert encoder.count_tokens(piece.text) <= 100
        assert piece.text[-1] in ".。"


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_every_character_is_in_some_chunk_and_neighbours_overlap(
    text: str, encoder: Encoder
) -> None:
    pieces = split(document(text), encoder, 100, 30)
    covered = set()
    for piece in pieces:
        covered |= set(range(piece.start, piece.end))
    assert all(text[i].isspace() for i in set(range(len(text))) - covered)
    overlaps = [before.end - after.start for before, after in zip(pieces, pieces[1:])]
    assert all(overlap > 0 for overlap in overlaps)


def test_a_sentence_without_end_is_cut_but_not_lost(encoder: Encoder) -> None:
    text = " ".join(f"word{i}" for i in range(700))
    pieces = split(document(text), encoder, 100, 20)
    assert all(encoder.count_tokens(piece.text) <= 100 for piece in pieces)
    assert {w for piece in pieces for w in piece.text.split()} == set(text.split())


def test_no_chunk_crosses_a_heading_or_page(encoder: Encoder) -> None:
    text = "First part. Second part."
    pieces = split(
        document(text, Section(0, 12, "A", 1), Section(12, 24, "B", 2)), encoder, 100, 20
    )
    assert [(p.heading, p.page, p.text) for p in pieces] == [
        ("A", 1, "First part."),
        ("B", 2, "Second part."),
    ]


def test_sentences_of_a_chunk_are_its_own(encoder: Encoder) -> None:
    for piece in split(document(ENGLISH), encoder, 100, 30):
        assert all(piece.text[a:b].endswith(".") for a, b in piece.sentences)


def test_a_chunk_inside_a_table_knows_its_columns(encoder: Encoder) -> None:
    rows = "\n".join(f"| Town {n} | {n} pounds. A day. |" for n in range(60))
    text = f"Limits by town.\n\n| Town | Limit |\n|-|-|\n{rows}\n\nAsk before you book."
    document = LoadedDocument(text, "Travel", (Section(0, len(text), "Hotels"),))
    pieces = split(document, encoder, 120, 20)
    assert pieces[0].heading == "Travel › Hotels"
    assert {piece.heading for piece in pieces[1:-1]} == {"Travel › Hotels › Town | Limit"}
    for piece in pieces:
        assert encoder.count_tokens(f"{piece.heading}\n{piece.text}") <= 120
        for start, end in piece.sentences:
            row = piece.text[start:end]
            assert row.startswith("|") == row.endswith("|"), "a row is one sentence"
    last = pieces[-2].text.splitlines()[-1] if "\n" in pieces[-2].text else pieces[-2].text
    assert readable(last, pieces[-2].text, pieces[-2].heading).startswith("Town: Town ")


def test_a_table_right_below_another_does_not_take_its_columns(encoder: Encoder) -> None:
    people = "\n".join(f"| Person {n} | 44-{n} |" for n in range(20))
    begun = 0
    for length in range(10, 34):
        towns = "\n".join(f"| Town {n} | {n} pounds |" for n in range(length))
        text = f"| Town | Limit |\n|-|-|\n{towns}\n\n| Name | Phone |\n|-|-|\n{people}\n"
        for piece in split(document(text, Section(0, len(text))), encoder, 120, 0):
            if piece.text.startswith("| Name | Phone |"):
                begun += 1
                assert piece.heading == ""
            last = piece.text.splitlines()[-1]
            if "Person" in last:
                assert readable(last, piece.text, piece.heading).startswith("Name: Person ")
    assert begun
