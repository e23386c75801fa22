"""Do the sources of a verified answer still say what they said? The index in service tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contract.access import Access
from contract.passage import Chunk, Passage, Source, Sources
from feedback.verified import VerifiedRecord


@dataclass(frozen=True, slots=True)
class Standing:
    """What the index says of a verified answer.

    Attributes:
        passages: what it rests on, as it stands in the index now; empty where it does not stand.
        expired: why it is over; empty where it is not, or where an index that is not the newest can't tell.
        labels: of each labelled source, as they are now.
    """

    passages: tuple[Passage, ...] = ()
    expired: str = ""
    labels: tuple[tuple[str, ...], ...] = ()

    def admits(self, access: Access) -> bool:
        """Does it stand, and may this caller see all of its sources?"""
        return bool(self.passages) and all(access.admits(group) for group in self.labels)


def standing(record: VerifiedRecord, sources: Sources) -> Standing:
    """Hold a verified answer against an index. One that is not the newest keeps it from being served and ends
    nothing: what it was made from may be newer."""
    for source in record.sources:
        there = sources.documents.get(source["document_id"])
        if there is not None and there.content_hash == source["content_hash"]:
            continue
        if not sources.newest:
            return Standing()
        what = "is no longer in the index" if there is None else "has changed since"
        return Standing(expired=f"{source['path']} {what}")
    passages = []
    for wire in record.passages:
        there = sources.documents[wire["document_id"]]
        passage = passage_now(wire, there)
        if passage is None:
            over = f"{wire['document']} is read in another way since"
            return Standing(expired=over if sources.newest else "")
        passages.append(passage)
    labels = {s.labels for s in sources.documents.values() if s.labels}
    return Standing(tuple(passages), labels=tuple(sorted(labels)))


def passage_now(wire: Mapping[str, Any], source: Source) -> Passage | None:
    """A logged passage as its document has it now, with the chunk that it is found in; None where the same
    words do not stand in the same place."""
    passage = Passage.of_wire(wire)
    inside = [c for c in source.chunks if c.start < passage.end and passage.start < c.end]
    if not inside or _bare(_text(inside, passage)) != _bare(passage.text):
        return None
    same = [c for c in inside if c.ordinal == passage.ordinal]
    chunk = (same or sorted(inside, key=lambda c: -_shared(c, passage)))[0]
    return replace(
        passage,
        ordinal=chunk.ordinal,
        title=chunk.title,
        heading=chunk.heading,
        page=chunk.page,
        labels=source.labels,
    )


def _text(chunks: Sequence[Chunk], passage: Passage) -> str:
    text, end = "", passage.start
    for chunk in chunks:
        text += chunk.text[max(0, end - chunk.start) : max(0, passage.end - chunk.start)]
        end = max(end, chunk.end)
    return text


def _shared(chunk: Chunk, passage: Passage) -> int:
    return min(chunk.end, passage.end) - max(chunk.start, passage.start)


def _bare(text: str) -> str:
    return "".join(text.split())
