"""Spreadsheets: rows stand below their header, values read as people see them, any size of grid is read."""

import datetime
import io
import zipfile

import openpyxl
import pytest
import xlwt
from openpyxl.comments import Comment

from contract.errors import DocumentUnreadable
from ingest.load.document import LoadedDocument
from ingest.load.spreadsheet import load_spreadsheet


def workbook(rows: dict[str, object], hidden: bool = False) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Stock"
    for place, value in rows.items():
        sheet[place] = value
    if hidden:
        other = book.create_sheet("Hidden")
        other["A1"] = "kept aside"
        other.sheet_state = "hidden"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def blocks(document: LoadedDocument) -> list[str]:
    return document.text.strip().split("\n\n")


def test_the_header_is_found_below_titles_and_values_are_plain() -> None:
    content = workbook(
        {
            "B2": "Stock on the last day of May",
            "B4": "Part",
            "C4": "Count",
            "D4": "Since",
            "E4": "Spare",
            "B5": "Rope",
            "C5": 2.0,
            "D5": datetime.date(2026, 5, 31),
            "E5": True,
            "B6": "Disc",
            "C6": 0.125,
            "D6": datetime.datetime(2026, 5, 1, 14, 30),
            "E6": False,
        }
    )
    loaded = load_spreadsheet(content)
    assert loaded.sections[0].heading == "Stock"
    assert blocks(loaded) == [
        "Stock on the last day of May",
        "| Part | Count | Since | Spare |\n|-|-|-|-|\n| Rope | 2 | 2026-05-31 | TRUE |\n"
        "| Disc | 0.125 | 2026-05-01 14:30:00 | FALSE |",
    ]


def test_two_tables_on_a_sheet_have_headers_of_their_own() -> None:
    cells = dict(zip(["A1", "B1", "A2", "B2"], ["City", "Hotel", "Leeds", 130]))
    cells |= dict(zip(["A5", "B5", "A6", "B6"], ["Name", "Phone", "Ann", "44-71"]))
    assert blocks(load_spreadsheet(workbook(cells))) == [
        "| City | Hotel |\n|-|-|\n| Leeds | 130 |",
        "| Name | Phone |\n|-|-|\n| Ann | 44-71 |",
    ]


def test_a_table_goes_on_below_blank_rows_and_the_names_of_groups() -> None:
    cells = dict(zip(["A1", "C1", "A2", "C2"], ["City", "Hotel", "Leeds", 130]))
    cells |= dict(zip(["A4", "C4", "A6", "A8", "C8"], ["Cork", 120, "North", "Wick", 90]))
    assert blocks(load_spreadsheet(workbook(cells))) == [
        "| City | Hotel |\n|-|-|\n| Leeds | 130 |\n| Cork | 120 |",
        "North",
        "| City | Hotel |\n|-|-|\n| Wick | 90 |",
    ]


def test_rows_of_few_cells_are_labelled_and_not_rows_of_bars() -> None:
    cells: dict[str, object] = {f"{c}1": f"Site {c}" for c in "ABCDEFGH"}
    cells |= {f"{c}{n}": n for n, c in enumerate("ABCDEFGH", start=2)}
    assert blocks(load_spreadsheet(workbook(cells)))[:2] == ["Site A: 2", "Site B: 3"]


def test_a_header_that_labels_nothing_is_not_lost() -> None:
    content = workbook({"A1": "Name", "B1": "Remarks", "A2": "Ann"})
    assert blocks(load_spreadsheet(content)) == ["| Name | Remarks |\n|-|-|\n| Ann |  |"]


def test_cells_in_far_corners_are_read() -> None:
    content = workbook({"A1": "north corner", "B2": 41, "XFD1048576": "south corner"})
    text = load_spreadsheet(content).text
    assert [text.count(part) for part in ("north corner", "41", "south corner")] == [1, 1, 1]


def test_hidden_sheets_and_comments_are_read() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook({"A1": "cell"}, hidden=True)))
    book["Stock"]["A1"].comment = Comment("ask Okafor", "Ann")
    buffer = io.BytesIO()
    book.save(buffer)
    loaded = load_spreadsheet(buffer.getvalue())
    assert "kept aside" in loaded.text
    assert "ask Okafor" in loaded.text


def old_workbook() -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("库存")
    for row, cells in enumerate([["品种", "产量"], ["绿茶", 187.5]]):
        for column, value in enumerate(cells):
            sheet.write(row, column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("length", [5600, 5100, 4500])
def test_an_old_workbook_cut_short_is_damaged(length: int) -> None:
    with pytest.raises(DocumentUnreadable, match="damaged"):
        load_spreadsheet(old_workbook()[:length])


def test_old_workbooks_are_read() -> None:
    loaded = load_spreadsheet(old_workbook())
    assert blocks(loaded) == ["| 品种 | 产量 |\n|-|-|\n| 绿茶 | 187.5 |"]
    assert loaded.sections[0].heading == "库存"


def test_workbooks_in_the_xml_of_2003_are_read() -> None:
    def row(*cells: str) -> str:
        return "<Row>" + "".join(f"<Cell>{cell}</Cell>" for cell in cells) + "</Row>"

    head = row("<Data ss:Type='String'>项目</Data>", "<Data ss:Type='String'>日期</Data>")
    body = row(
        "<Data ss:Type='String'>书架</Data>",
        "<Data ss:Type='DateTime'>2026-05-31T00:00:00.000</Data>",
    )
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    content = (
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}">'
        f'<Worksheet ss:Name="经费"><Table>{head}{body}</Table></Worksheet></Workbook>'
    )
    loaded = load_spreadsheet(content.encode())
    assert loaded.sections[0].heading == "经费"
    assert blocks(loaded) == ["| 项目 | 日期 |\n|-|-|\n| 书架 | 2026-05-31 |"]


def test_a_workbook_without_its_sheets_is_damaged() -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook({"A1": 1}))) as old,
        zipfile.ZipFile(buffer, "w") as new,
    ):
        for name in old.namelist():
            if "worksheets" not in name:
                new.writestr(name, old.read(name))
    with pytest.raises(DocumentUnreadable, match="damaged"):
        load_spreadsheet(buffer.getvalue())
