"""Text of charts and diagrams in office documents (ECMA-376 part 1, section 21)."""

from __future__ import annotations

from ingest.load.package import Element, attribute, children, descendants, find

_CATEGORIES = ("cat", "xVal")
_VALUES = ("val", "yVal")
_MAX_POINTS = 10_000


def chart_rows(root: Element | None) -> list[list[str]]:
    """A chart as a table: the names of the series above, a row for each category."""
    series = list(descendants(root, "ser"))
    names = [" ".join(_points(one, ("tx",)).values()) for one in series]
    values = [_points(one, _VALUES) for one in series]
    categories: dict[int, str] = {}
    for one in series:
        categories = {**_points(one, _CATEGORIES), **categories}
    title = "".join(t.text or "" for t in descendants(_title(root), "t")).strip()
    if not series:
        return [[title]] if title else []
    indices = sorted(set(categories).union(*values))
    rows = [[categories.get(i, ""), *(column.get(i, "") for column in values)] for i in indices]
    return [[title, *names], *rows]


def diagram_lines(root: Element | None) -> list[str]:
    """The texts of a SmartArt diagram, in the order in which they were entered."""
    lines = []
    for point in descendants(root, "pt"):
        for paragraph in descendants(find(point, "t"), "p"):
            lines.append("".join(t.text or "" for t in descendants(paragraph, "t")))
    return [line for line in lines if line.strip()]


def _title(root: Element | None) -> Element | None:
    return next(iter(descendants(root, "title")), None)


def _points(series: Element, names: tuple[str, ...]) -> dict[int, str]:
    found: dict[int, str] = {}
    for name in names:
        for point in descendants(find(series, name), "pt"):
            index = attribute(point, "idx")
            value = "".join(v.text or "" for v in children(point, "v")).strip()
            if index.isdigit() and int(index) < _MAX_POINTS and value:
                found.setdefault(int(index), value)
    return found
