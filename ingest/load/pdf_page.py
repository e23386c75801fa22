"""What one page of a PDF says: its text layer, the values of its form fields, its comments."""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from typing import Any

import pypdfium2
from PIL import Image
from pypdfium2 import raw

# Control characters, and the filler that PDFium writes for a glyph without a character.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ufffe\uffff]")
_UNKNOWN = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
_WIDE = re.compile(r"(?<!\S)(?:\w ){4,}\w(?!\S)")
_LETTERS_OF_A_STAMP = 20
_MAX_UNKNOWN = 0.3
_SAMPLE = 2000
_DPI = 200
_MAX_PIXELS = 16_000_000
_COMMENTS = (raw.FPDF_ANNOT_TEXT, raw.FPDF_ANNOT_FREETEXT)
_BUTTONS = (raw.FPDF_FORMFIELD_PUSHBUTTON, raw.FPDF_FORMFIELD_SIGNATURE)


def page_lines(page: pypdfium2.PdfPage) -> tuple[list[str], bool]:
    """The lines of the text layer, and whether its fonts say which characters they mean."""
    text_page = page.get_textpage()
    try:
        # PDFium gives lines that run down the page as shown from the last to the first.
        turn = _turn(text_page)
        if turn != page.get_rotation() % 360:
            text_page.close()
            page.set_rotation(turn)
            text_page = page.get_textpage()
        # By bounds it would cut off what a turned page has beyond its upright size.
        text: str = text_page.get_text_range()
        known = _is_known(text_page, text)
    finally:
        text_page.close()
    # U+FFFE is how PDFium writes a hyphen at a line's end.
    text = text.replace("\ufffe\r\n", "").replace("\x02\r\n", "")
    text = _CONTROL.sub("", text)
    lines = [_WIDE.sub(lambda match: match.group().replace(" ", ""), s) for s in text.splitlines()]
    return lines, known


def has_text(lines: list[str]) -> bool:
    """Whether there is more than the stamp or the page number that programs put on a scan."""
    return sum(c.isalnum() for line in lines for c in line) >= _LETTERS_OF_A_STAMP


def is_drawn_on(page: pypdfium2.PdfPage) -> bool:
    """Whether there is anything on the page that OCR could read."""
    kinds = [raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_SHADING]
    kinds += [raw.FPDF_PAGEOBJ_TEXT]
    return next(iter(page.get_objects(filter=kinds)), None) is not None


def has_picture(page: pypdfium2.PdfPage) -> bool:
    """Whether a picture covers most of the page, as on a scan."""
    width, height = page.get_size()
    for found in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]):
        left, bottom, right, top = found.get_bounds()
        if (right - left) * (top - bottom) > 0.5 * width * height:
            return True
    return False


def picture_of(page: pypdfium2.PdfPage) -> Image.Image:
    """The page as a picture of 200 dpi, or less where that would be more than 16 million pixels."""
    width, height = page.get_size()
    scale = min(_DPI / 72, (_MAX_PIXELS / max(1.0, width * height)) ** 0.5)
    picture: Image.Image = page.render(scale=scale).to_pil()
    return picture


def field_values(pdf: pypdfium2.PdfDocument, page: pypdfium2.PdfPage) -> list[str]:
    """`name: value` of each form field that is filled in, then the comments on the page."""
    fields: list[str] = []
    comments: list[str] = []
    for number in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        if kind == raw.FPDF_ANNOT_WIDGET and pdf.formenv:
            fields.append(_field(pdf.formenv, annotation))
        elif kind in _COMMENTS:
            comments.append(_wide_text(raw.FPDFAnnot_GetStringValue, annotation, b"Contents"))
        raw.FPDFPage_CloseAnnot(annotation)
    return [text for text in dict.fromkeys([*fields, *comments]) if text]


def _field(form: Any, annotation: Any) -> str:
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _BUTTONS or kind < 0:
        return ""
    name = _wide_text(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    name = name or _wide_text(raw.FPDFAnnot_GetFormFieldName, form, annotation)
    value = _wide_text(raw.FPDFAnnot_GetFormFieldValue, form, annotation)
    if kind in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON):
        if not raw.FPDFAnnot_IsChecked(form, annotation):
            return ""
        value = value if value not in ("", "Off") else "yes"
    return f"{name}: {value}" if name and value else value


def _wide_text(function: Any, *arguments: Any) -> str:
    """Call a function of PDFium that writes UTF-16 into a buffer, once for the size, once for it."""
    size = function(*arguments, None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    function(*arguments, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return " ".join(buffer.raw[: size - 2].decode("utf-16-le", "replace").split())


def _turn(text_page: pypdfium2.PdfTextPage) -> int:
    """The rotation of a page, in degrees, at which most of its text is upright."""
    count = text_page.count_chars()
    angles = Counter(
        round(math.degrees(raw.FPDFText_GetCharAngle(text_page, index)) / 90) * 90 % 360
        for index in range(0, count, max(1, count // _SAMPLE))
    )
    return angles.most_common(1)[0][0] if angles else 0


def _is_known(text_page: pypdfium2.PdfTextPage, text: str) -> bool:
    count = text_page.count_chars()
    if count == 0:
        return True
    step = max(1, count // _SAMPLE)
    sample = range(0, count, step)
    lost = sum(raw.FPDFText_HasUnicodeMapError(text_page, index) == 1 for index in sample)
    marks = len(_UNKNOWN.findall(text)) + len(_CONTROL.findall(text))
    letters = max(1, sum(not c.isspace() for c in text))
    return lost <= _MAX_UNKNOWN * len(sample) and marks <= _MAX_UNKNOWN * letters
