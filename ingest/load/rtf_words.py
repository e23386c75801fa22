"""The words of Rich Text Format 1.9.1 that decide what is text, and in which code page."""

from __future__ import annotations

import codecs
import re

# One control word with its number, one hexadecimal byte, one other symbol, a brace, or a run of text.
TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|([^\\{}\r\n]+)|[\r\n]+|\\",
    re.DOTALL,
)
# Groups whose words are no part of the document.
SKIPPED = frozenset(
    "fonttbl colortbl stylesheet listtable listoverridetable revtbl rsidtbl generator pict "
    "object objdata fldinst themedata colorschememapping latentstyles datastore xmlnstbl shprslt nonshppict sp "
    "bkmkstart bkmkend atnid atnauthor atndate atnref atntime atnparent atrfstart atrfend atnicn "
    "ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn filetbl pgptbl upr xe tc rxe txe mmathPr "
    "wgrffmtfilter template formfield ffname background private nesttableprops pnseclvl do "
    "revtim printim creatim author operator company keywords subject doccomm category manager "
    "comment hlinkbase userprops info htmltag mhtmltag blipuid picprop falt panose".split()
)
# Groups that hold text beside the running text.
ASIDES = frozenset(
    "footnote annotation shptxt dptxbxtext header headerl headerr headerf footer footerl footerr "
    "footerf".split()
)
# Groups that a reader may skip by their mark `\*`, but that hold text.
KEPT = frozenset({"shpinst", "ud", "nesttableprops", "shppict", "pn", "fldrslt"}) | ASIDES
LITERAL = {
    "tab": "\t",
    "line": "\n",
    "lbr": "\n",
    "emdash": "—",
    "endash": "–",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "nestcell": " | ",
    "nestrow": "\n",
}
SYMBOLS = {"~": "\xa0", "_": "-", "{": "{", "}": "}", "\\": "\\", "-": "", "|": "", ":": ""}
_HEADING = re.compile(r"(?:heading|标题)\s*(\d)", re.IGNORECASE)
_STYLE = re.compile(r"\{[^{};]*?\\s(\d+)\b[^{};]*?(?:\{[^{}]*\}[^{};]*?)*?([^\\{};]*);\}")
FONT = re.compile(r"\\f(\d+)(?:(?!\\f\d)[^;])*?\\fcharset(\d+)")
FONT_TABLE = re.compile(r"\{[^{}]{0,20}\\fonttbl")

_WIDE = {"932": "cp932", "936": "gb18030", "949": "cp949", "950": "cp950", "54936": "gb18030"}
_CHARSETS = {
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gb18030",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    255: "cp437",
}


def code_page(number: str) -> str:
    """The codec of `\\ansicpg`; Windows' western one where Python knows none."""
    name = _WIDE.get(number) or {"65001": "utf-8", "10000": "mac_roman"}.get(number, f"cp{number}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"


def fonts(source: str) -> dict[str, str]:
    """The codecs of the fonts that say what alphabet they are for."""
    start = FONT_TABLE.search(source)
    if start is None:
        return {}
    depth, end = 1, len(source)
    for brace in re.finditer(r"[{}]", source[start.end() :]):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            end = start.end() + brace.start()
            break
    table = source[start.end() : end]
    found = FONT.findall(table)
    return {font: _CHARSETS[int(charset)] for font, charset in found if int(charset) in _CHARSETS}


def decoded(content: bytes, font: str | None, page: str) -> str:
    """Bytes in the code page of their font; fonts that name none use the file's."""
    for codec in (font, page):
        if codec is not None:
            try:
                return content.decode(codec)
            except UnicodeDecodeError:
                continue
    return content.decode(page if page in _WIDE.values() else "cp1252", "replace")


def style_levels(source: str) -> dict[str, int]:
    """Levels of headings by the number of their style."""
    start = source.find("\\stylesheet")
    table = source[start : start + 500_000] if start >= 0 else ""
    levels: dict[str, int] = {}
    for number, name in _STYLE.findall(table):
        heading = _HEADING.match(name.strip())
        if heading:
            levels.setdefault(number, int(heading.group(1)))
    return levels
