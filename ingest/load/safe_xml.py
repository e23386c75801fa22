"""The one XML parser for files of others."""

from __future__ import annotations

from lxml import etree


def xml_parser() -> etree.XMLParser:
    """A parser that expands no entity, loads nothing, and goes on after an error as far as it can."""
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        recover=True,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
