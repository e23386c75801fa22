"""What the tests of loaders share."""

from pathlib import Path

from ingest.load import load
from ingest.load.document import LoadedDocument


def read(name: str, content: bytes | str) -> LoadedDocument:
    document = load(Path(name), content.encode() if isinstance(content, str) else content)
    for section in document.sections:
        assert 0 <= section.start < section.end <= len(document.text)
        assert document.text[section.start : section.end].strip()
    return document


def sections(document: LoadedDocument) -> list[tuple[str, str]]:
    return [(s.heading, document.text[s.start : s.end].strip()) for s in document.sections]
