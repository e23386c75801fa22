"""Pictures: scans and photographs of text, read by OCR."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps

from contract.errors import DocumentUnreadable, FormatUnsupported
from ingest.load import ocr
from ingest.load.document import DocumentBuilder, LoadedDocument

# 100 million pixels: an A3 page at 600 dpi, in colour some 300 MB.
_MAX_PIXELS = 100_000_000
_MAX_SIDE = 6000
_MAX_PAGES = 500


def load_image(content: bytes) -> LoadedDocument:
    """The text in a picture: png, jpg, tif (each page), bmp, webp, or the first frame of a gif.

    Raises:
        FormatUnsupported: the OCR extra is not installed.
        DocumentUnreadable: the file is damaged, or says that it is far too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(content))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, Image.DecompressionBombError):
            raise DocumentUnreadable(_too_large()) from error
        raise DocumentUnreadable(
            "The picture can't be opened: it is damaged or no picture."
        ) from error
    with picture:
        if not ocr.available():
            raise FormatUnsupported(f"It is a picture; {ocr.HOW_TO_INSTALL}.")
        return _read(picture)


def _read(picture: Image.Image) -> LoadedDocument:
    builder = DocumentBuilder()
    for number in range(_pages(picture)):
        if getattr(picture, "format", "") == "TIFF":
            builder.page(number + 1)
        try:
            picture.seek(number)
            if picture.width * picture.height > _MAX_PIXELS:
                raise DocumentUnreadable(_too_large())
            found, whole = ocr.read_picture(_prepared(picture))
        except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
            if number == 0:
                raise DocumentUnreadable("The picture is damaged or cut short.") from error
            builder.note(f"Page {number + 1} is damaged.")
            continue
        for paragraph in found:
            builder.block(paragraph)
        if not whole:
            builder.note(f"Page {number + 1} was not read to its end: its OCR took too long.")
    document = builder.build()
    if not document.text:
        builder.note("No text was found in the picture.")
        return builder.build()
    return document


def _pages(picture: Image.Image) -> int:
    """Pages of a tif; other formats with many frames are animations, and the first one counts."""
    if picture.format != "TIFF":
        return 1
    try:
        return min(getattr(picture, "n_frames", 1), _MAX_PAGES)
    except (OSError, ValueError, SyntaxError, EOFError):
        return 1


def _prepared(picture: Image.Image) -> Image.Image:
    """Upright, on white, in eight bits, and of a size that OCR can work with."""
    picture.load()
    frame: Image.Image = ImageOps.exif_transpose(picture) or picture
    if frame.mode.startswith("I") or frame.mode == "F":
        low, high = frame.convert("F").getextrema()
        span = max(float(str(high)) - float(str(low)), 1.0)
        scale = 255.0 / span
        shift = -float(str(low)) * scale
        frame = frame.convert("F").point(lambda value: value * scale + shift).convert("L")
    if frame.mode in ("RGBA", "LA", "PA") or "transparency" in frame.info:
        layer = frame.convert("RGBA")
        frame = Image.new("RGBA", layer.size, "white")
        frame.alpha_composite(layer)
    frame = frame.convert("RGB")
    frame.thumbnail((_MAX_SIDE, _MAX_SIDE))
    return frame


def _too_large() -> str:
    return f"The picture has more than {_MAX_PIXELS // 1_000_000} million pixels; make it smaller."
