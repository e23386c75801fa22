"""Presentations: slides are pages, and nothing on them or below them is lost."""

import io

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from contract.errors import DocumentUnreadable
from ingest.load.pptx import load_pptx

BOX = (Inches(1), Inches(1), Inches(3), Inches(2))


def deck() -> bytes:
    show = pptx.Presentation()
    first = show.slides.add_slide(show.slide_layouts[1])
    first.shapes.title.text = "Harbour 港口"
    first.placeholders[1].text = "Lift seven"
    first.notes_slide.notes_text_frame.text = "Mention the rope."
    group = first.shapes.add_group_shape()
    group.shapes.add_textbox(*BOX).text_frame.text = "In a group"
    table = first.shapes.add_table(2, 2, *BOX).table
    for number, text in enumerate(["Part", "Stock", "Rope", "2"]):
        table.cell(number // 2, number % 2).text = text
    second = show.slides.add_slide(show.slide_layouts[6])
    data = CategoryChartData()
    data.categories = ["January", "February"]
    data.add_series("Loads", (12, 15))
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *BOX, data)
    buffer = io.BytesIO()
    show.save(buffer)
    return buffer.getvalue()


def test_slides_titles_groups_tables_notes_and_charts() -> None:
    loaded = load_pptx(deck())
    assert [(s.heading, s.page) for s in loaded.sections] == [("Harbour 港口", 1), ("", 2)]
    for text in (
        "Lift seven",
        "In a group",
        "| Part | Stock |\n|-|-|\n| Rope | 2 |\n\n",
        "Mention the rope.",
        "January; Loads: 12",
    ):
        assert text in loaded.text


def test_a_show_and_a_template_are_read_as_a_presentation() -> None:
    content = deck()
    for kind in (b"slideshow.main", b"template.main"):
        assert len(load_pptx(content.replace(b"presentation.main", kind)).sections) == 2


def test_a_damaged_presentation_says_so() -> None:
    with pytest.raises(DocumentUnreadable, match="damaged"):
        load_pptx(deck()[:-3000])
