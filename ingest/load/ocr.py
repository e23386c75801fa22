"""Text in pictures, by RapidOCR: English and Chinese, with the models that its wheel brings.

An optional extra: without it pictures and scanned pages are named in the report and not read. Nothing
is fetched; the models are files of the package.
"""

from __future__ import annotations

import logging
import time
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL import Image

from ingest.load.lines import Line, page_text, paragraphs

HOW_TO_INSTALL = "install plumbline[ocr] (`make ocr`) to have it read"
# Text is recognised line by line until a page has taken this long, in seconds of the processor.
PAGE_SECONDS = 60.0
_MIN_SCORE = 0.5
# Lines are looked for in a picture of this side (their cost grows with its area), and read in full size.
_DETECT_SIDE = 1280
# Height to width: more upright boxes than lying ones, and the page lies on its side.
_UPRIGHT = 1.5
_PROBES = 4
_PROBE_WIDTH = 10
_MIN_SIDE = 12

Quad = list[tuple[float, float]]


def available() -> bool:
    """Whether the extra is installed."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def read_picture(picture: Image.Image) -> tuple[list[str], bool]:
    """The paragraphs of a picture, whichever of its four sides is up, and whether these are all.

    Raises:
        ImportError: the extra is not installed.
    """
    deadline = time.process_time() + PAGE_SECONDS
    if min(picture.size) < _MIN_SIDE:
        return [], True
    picture = picture.convert("RGB")
    quads = _find(picture)
    if sum(_is_upright(quad) for quad in quads) * 2 > len(quads):
        picture, quads = _turned(picture, quads, Image.Transpose.ROTATE_90)
    if quads and _is_upside_down(picture, quads):
        picture, quads = _turned(picture, quads, Image.Transpose.ROTATE_180)
    lines = []
    whole = True
    for quad in quads:
        whole = time.process_time() < deadline
        if not whole:
            break
        text, score = _recognise(_cropped(picture, quad))
        if text.strip() and score >= _MIN_SCORE:
            xs, ys = [x for x, _ in quad], [y for _, y in quad]
            lines.append(Line(text.strip(), min(xs), min(ys), max(xs), max(ys)))
    return paragraphs(page_text(lines)), whole


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR

    engine = RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.max_side_len": 10_000,
            "Det.limit_type": "max",
            "Det.limit_side_len": _DETECT_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return engine


def _pixels(picture: Image.Image) -> Any:
    # The models were trained on pictures with the blue channel first.
    return np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])


def _find(picture: Image.Image) -> list[Quad]:
    """The corners of each line of text, clockwise from the corner at its upper left."""
    found = _engine()(_pixels(picture), use_det=True, use_cls=False, use_rec=False)
    boxes = getattr(found, "boxes", None)
    return [] if boxes is None else [[(float(x), float(y)) for x, y in box] for box in boxes]


def _recognise(picture: Image.Image) -> tuple[str, float]:
    read = _engine()(_pixels(picture), use_det=False, use_cls=False, use_rec=True)
    texts, scores = getattr(read, "txts", None), getattr(read, "scores", None)
    return (str(texts[0]), float(scores[0])) if texts and scores else ("", 0.0)


def _is_upright(quad: Quad) -> bool:
    width, height = _size(quad)
    return height > _UPRIGHT * width


def _size(quad: Quad) -> tuple[float, float]:
    (ax, ay), (bx, by), (cx, cy), _ = quad
    return float(np.hypot(bx - ax, by - ay)), float(np.hypot(cx - bx, cy - by))


def _turned(
    picture: Image.Image, quads: list[Quad], turn: Image.Transpose
) -> tuple[Image.Image, list[Quad]]:
    """The picture and the corners after a turn; corners again clockwise from the upper left."""
    width, height = picture.size
    if turn == Image.Transpose.ROTATE_180:
        turned = [[(width - x, height - y) for x, y in quad[2:] + quad[:2]] for quad in quads]
    else:
        turned = [[(y, width - x) for x, y in quad[1:] + quad[:1]] for quad in quads]
    return picture.transpose(turn), turned


def _is_upside_down(picture: Image.Image, quads: list[Quad]) -> bool:
    """Read the widest lines both ways and compare how sure the model is."""
    score = 0.0
    for quad in sorted(quads, key=lambda quad: -_size(quad)[0])[:_PROBES]:
        line = _cropped(picture, quad)
        line = line.crop((0, 0, min(line.width, _PROBE_WIDTH * line.height), line.height))
        score += _recognise(line)[1] - _recognise(line.transpose(Image.Transpose.ROTATE_180))[1]
    return score < 0


def _cropped(picture: Image.Image, quad: Quad) -> Image.Image:
    """The line, made level."""
    width, height = _size(quad)
    a, b, c, d = quad
    return picture.transform(
        (max(1, round(width)), max(1, round(height))),
        Image.Transform.QUAD,
        (*a, *d, *c, *b),
        resample=Image.Resampling.BICUBIC,
    )
