"""What lies beside the cells of an xlsx sheet: comments and text boxes (ECMA-376, 18.7 and 20.5)."""

from __future__ import annotations

from ingest.load.package import Package, attribute, children, descendants, find


def sheet_asides(package: Package) -> dict[str, list[str]]:
    """Texts by the name of their sheet; empty for workbooks of another format."""
    main = package.main_part("xl/workbook.xml")
    parts = {relation.id: relation.target for relation in package.relations(main)}
    found: dict[str, list[str]] = {}
    if not main.endswith(".xml"):
        return found
    for sheet in children(find(package.xml(main), "sheets"), "sheet"):
        identifiers = [str(v) for k, v in sheet.attrib.items() if str(k).startswith("{")]
        for part in (parts[i] for i in identifiers if i in parts):
            found[attribute(sheet, "name")] = _texts(package, part)
    return found


def _texts(package: Package, sheet: str) -> list[str]:
    texts: list[str] = []
    for root in package.related(sheet, "comments"):
        for comment in descendants(root, "comment"):
            texts.append("".join(t.text or "" for t in descendants(comment, "t")))
    for root in package.related(sheet, "drawing"):
        for paragraph in descendants(root, "p"):
            texts.append("".join(t.text or "" for t in descendants(paragraph, "t")))
    return texts
