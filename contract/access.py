"""Who may see which document.

A document carries labels, and so does a caller. A document without labels is for everybody; one
with labels is for callers that carry at least one of them. What is not known is not admitted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from contract.errors import ConfigurationError

_LABEL = re.compile(r"[\w][\w.:@/-]{0,63}")


@dataclass(frozen=True, slots=True)
class Access:
    """The labels of a caller. `everything` is for the owner of the machine, never for a request."""

    labels: frozenset[str] = frozenset()
    everything: bool = False

    def admits(self, labels: Collection[str]) -> bool:
        """May this caller see a document with these labels?"""
        return self.everything or not labels or not self.labels.isdisjoint(labels)


PUBLIC = Access()
OWNER = Access(everything=True)


def check_labels(labels: Iterable[object]) -> tuple[str, ...]:
    """Labels, sorted, each once.

    Raises:
        ConfigurationError: one is no label: 1 to 64 letters, digits and `_ . : @ / -`.
    """
    found = set(labels)
    for label in found:
        if not isinstance(label, str) or not _LABEL.fullmatch(label):
            raise ConfigurationError(
                f"{label!r} is no label. A label has 1 to 64 letters, digits and any of _ . : @ / -."
            )
    return tuple(sorted(str(label) for label in found))


def _labels_of_a_field(labels: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return check_labels(labels)
    except ConfigurationError as error:
        raise ValueError(error.message) from error


Labels = Annotated[tuple[str, ...], AfterValidator(_labels_of_a_field)]
"""A field of labels: those that `check_labels` lets pass."""
