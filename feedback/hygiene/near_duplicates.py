"""Which of a million prompts ask nearly the same: signatures find who may, a comparison decides."""

from __future__ import annotations

from collections.abc import Callable

from feedback.hygiene.request import Request, may_be_same, same_request
from feedback.hygiene.runs import Rivals, runs_to_read
from feedback.hygiene.signatures import BANDS, Signatures
from feedback.hygiene.sketches import May

# A band that very many prompts share says nothing; each is then compared with so many that differ.
_MOST_LEADERS = 12


class Groups:
    """Which prompts belong together (union-find)."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def find(self, number: int) -> int:
        """The first prompt of a group."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    def join(self, one: int, other: int) -> None:
        """Put two prompts, and all that belong to them, together."""
        first, second = sorted((self.find(one), self.find(other)))
        self._parent[second] = first


def near_duplicates(
    signatures: Signatures,
    text_of: Callable[[int], str],
    alike: Callable[[Request, Request], bool] = same_request,
    may: May = may_be_same,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Groups:
    """Group the prompts that `alike` takes for the same.

    Args:
        text_of: the normalised prompt of a number; asked for only where two have to be compared.
        may: False for pairs that `alike` would not take for the same, as far as sketches tell.
    """
    groups = Groups(len(signatures))
    known = _Known(text_of)
    for number, band in enumerate(signatures.bands(), 1):
        for run, rivals in runs_to_read(band, signatures.sketches, may):
            _group_run(run, rivals, groups, known, alike)
        progress(number, BANDS)
    return groups


def _group_run(
    run: list[int],
    rivals: Rivals,
    groups: Groups,
    known: _Known,
    alike: Callable[[Request, Request], bool],
) -> None:
    """Join the prompts of a run that ask the same; each is compared with the first of those that differ."""
    leaders: list[int] = []
    for number in run:
        own = groups.find(number)
        if own in leaders:
            continue
        for leader in leaders:
            if number not in rivals(leader) or groups.find(leader) == own:
                continue
            if known.differ(leader, number):
                continue
            if alike(known.request(leader), known.request(number)):
                groups.join(leader, number)
                break
            known.note(leader, number)
        else:
            if len(leaders) < _MOST_LEADERS:
                leaders.append(own if own in run else number)


class _Known:
    """Prompts that were read lately, and pairs that were found to differ."""

    _PROMPTS, _PAIRS = 20_000, 500_000

    def __init__(self, text_of: Callable[[int], str]) -> None:
        self._text_of = text_of
        self._requests: dict[int, Request] = {}
        self._differ: set[tuple[int, int]] = set()

    def request(self, number: int) -> Request:
        found = self._requests.get(number)
        if found is None:
            if len(self._requests) == self._PROMPTS:
                self._requests.clear()
            found = self._requests[number] = Request.of_normal(self._text_of(number))
        return found

    def differ(self, one: int, other: int) -> bool:
        return (one, other) in self._differ

    def note(self, one: int, other: int) -> None:
        if len(self._differ) == self._PAIRS:
            self._differ.clear()
        self._differ.add((one, other))
