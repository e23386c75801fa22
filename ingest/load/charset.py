"""Bytes become text, whatever they were written in.

The order: byte-order mark, ISO-2022 escapes, strict UTF-8, what the document declares, UTF-8 with a
few broken bytes, the East Asian encodings by how common their characters would be, and last the
statistics of charset-normalizer for everything of one byte a character.
"""

from __future__ import annotations

import codecs
import re
from itertools import islice

from charset_normalizer import from_bytes

from contract.errors import DocumentUnreadable
from ingest.load.commonness import commonness, cyrillic, western

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
# At a tie the earlier one wins.
_EAST_ASIAN = ("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949", "utf-16-le", "utf-16-be")
_CYRILLIC = ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic")
# What people declare, and the larger set that is usually meant by it.
_MEANT = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "unicode": "utf-16",
}
_ISO_2022 = re.compile(rb"\x1b\$[@BA()C]|\x1b\([JB]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HIGH = re.compile(rb"[\x80-\xff]")

# More control characters than this and it is no text, whatever its name says.
_MAX_CONTROL_SHARE = 0.01
# Guessing reads this much from the start, the middle and the end.
_SAMPLE = 16 * 1024
# A character is common or not; true text has at least this many common ones for each that is not.
_LIKELY = 0.45
_WESTERN = 0.9
# For each byte that is broken, this many characters must be right to call it the encoding.
_RIGHT_PER_BROKEN = 20


def decode(content: bytes, declared: str = "") -> str:
    """Decode text; `declared` is the encoding that the document names itself.

    Raises:
        DocumentUnreadable: the bytes are not text in any encoding that fits.
    """
    return decode_noted(content, declared)[0]


def decode_noted(content: bytes, declared: str = "") -> tuple[str, tuple[str, ...]]:
    """Decode text, and say in sentences what of it was broken.

    Raises:
        DocumentUnreadable: the bytes are not text in any encoding that fits.
    """
    text, broken = _decode(content, declared)
    if "\0" in text:
        # What a crash or a fixed-width field leaves behind; no text means anything by it.
        text = text.replace("\0", "")
    if len(_CONTROL.findall(text)) > _MAX_CONTROL_SHARE * len(text):
        raise DocumentUnreadable("It is not text: it holds many control characters.")
    if not broken:
        return text, ()
    what = "One character" if broken == 1 else f"{broken} characters"
    return text, (f"{what} could not be decoded and stand as \ufffd.",)


def _decode(content: bytes, declared: str) -> tuple[str, int]:
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _marked(content[len(mark) :], name)
    if _ISO_2022.search(content, 0, _SAMPLE) and (text := _strict(content, "iso2022_jp_2")):
        return text, 0
    zeros = content.count(b"\0", 0, _SAMPLE)
    if zeros and (text := _wide(content)):
        return text, 0
    if (text := _strict(content, "utf-8")) is not None:
        return text, 0
    if (name := _codec(declared)) and (text := _strict(content, name)) is not None:
        return text, 0
    return _guess(content, name)


def _marked(content: bytes, name: str) -> tuple[str, int]:
    text = content.decode(name, "replace")
    broken = text.count("\ufffd") - content.count("\ufffd".encode(name))
    if broken > max(2, len(text) // _RIGHT_PER_BROKEN):
        raise DocumentUnreadable(f"Its first bytes say that it is {name.upper()}, but it is not.")
    return text, max(0, broken)


def _wide(content: bytes) -> str | None:
    """UTF-16 or -32 without a mark, by where its zero bytes are."""
    best, most = None, 0.0
    for name in _WIDE:
        sample = content[: _SAMPLE // 4 * 4]
        text = _strict(sample, name) or _strict(sample[:-2], name)
        if text and "\0" not in text:
            share = sum(c < "\u0600" or commonness(c) > 0 for c in text[:2000]) / len(text[:2000])
            if share > max(most, 0.6):
                best, most = name, share
    if best is None:
        return None
    unit = 4 if "32" in best else 2
    return _strict(content[: len(content) // unit * unit], best)


def _codec(declared: str) -> str:
    name = declared.strip().strip("\"'").lower()
    name = _MEANT.get(name, name)
    try:
        return codecs.lookup(name).name if name else ""
    except LookupError:
        return ""


def _strict(content: bytes, name: str) -> str | None:
    try:
        return content.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None


def _guess(content: bytes, declared: str) -> tuple[str, int]:
    if (found := _lenient(content, "utf-8")) is not None:
        return found
    if (found := _by_lines(content)) is not None:
        return found
    sample = _sample(content)
    name = _east_asian(sample) or _one_byte(sample) or declared
    if name and (text := _strict(content, name)) is not None:
        return text, 0
    if name and (found := _lenient(content, name)) is not None:
        return found
    raise DocumentUnreadable("Its character encoding can't be recognised.")


def _by_lines(content: bytes) -> tuple[str, int] | None:
    """Lines in several encodings, as logs and merged files have them, one of which is UTF-8."""
    lines = content.split(b"\n")
    foreign = list(islice((line for line in lines if not line.isascii()), 1000))
    whole = [text for line in foreign if (text := _strict(line, "utf-8"))]
    # Two characters of GBK may be UTF-8 by chance; many lines of many characters are not.
    sure = [text for text in whole if sum(c > "\x7f" for c in text) > 2]
    if len(sure) * 3 < len(foreign):
        return None
    texts = [_line(line) for line in lines]
    if any(text is None for text in texts):
        return None
    return "\n".join(text or "" for text in texts), 0


def _line(line: bytes) -> str | None:
    text = _strict(line, "utf-8")
    return _strict(line, _east_asian(line) or "cp1252") if text is None else text


def _lenient(content: bytes, name: str) -> tuple[str, int] | None:
    """The text with what is broken replaced, if that is little."""
    text = content.decode(name, "replace")
    broken = text.count("\ufffd")
    right = len(re.findall("[^\x00-\x7f\ufffd]", text))
    return (text, broken) if right >= _RIGHT_PER_BROKEN * broken else None


def _sample(content: bytes) -> bytes:
    """Where the text is not ASCII: up to three stretches of lines, in which no character is cut."""
    if len(content) <= 3 * _SAMPLE:
        return content
    parts = []
    for start in (0, len(content) // 2, len(content) - _SAMPLE):
        high = _HIGH.search(content, start)
        if high is None:
            continue
        first = max(content.rfind(b"\n", 0, high.start()) + 1, high.start() - _SAMPLE)
        part = content[first : first + _SAMPLE + high.start() - first]
        # A file without line ends is cut at an ASCII byte.
        last = part.rfind(b"\n") + 1 or max(part.rfind(b" "), part.rfind(b",")) + 1
        parts.append(part[:last] if last else part)
    return b"".join(parts)


def _east_asian(sample: bytes) -> str:
    """The East Asian encoding in which the text would be made of common characters, if any."""
    best, most = "", _LIKELY
    for name in _EAST_ASIAN:
        text = sample.decode(name, "replace")
        broken = text.count("\ufffd")
        if broken and broken * _RIGHT_PER_BROKEN > len(text) - broken:
            continue
        if name.startswith("utf-16") and ("\0" in text or len(sample) % 2):
            continue
        score = commonness(text)
        if score > most:
            best, most = name, score
    return best


def _one_byte(sample: bytes) -> str:
    """Cyrillic by its common letters, else by statistics."""
    if len(_HIGH.findall(sample)) * 3 > len(sample):
        scores = {name: cyrillic(sample.decode(name, "replace")) for name in _CYRILLIC}
        best = max(scores, key=lambda name: scores[name])
        if scores[best] > 0.6:
            return best
    western_share = western(sample.decode("cp1252", "replace"))
    if western_share < _WESTERN and western(sample.decode("iso8859-2", "replace")) > _WESTERN:
        return "iso8859-2"
    if western_share >= _WESTERN:
        return "cp1252"
    match = from_bytes(sample).best()
    return match.encoding if match else "cp1252"
