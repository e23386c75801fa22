"""Ratings in files: true and false, good, ok and bad, or numbers whose scale the whole file tells."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from feedback.imports.messages import Unfit

Label = bool | int | str

_WORDS: dict[str, Label] = {"true": True, "false": False, "good": "good", "ok": "ok", "bad": "bad"}


def label_of(value: Any, column: str) -> Label:
    """A label as it stands in a row; a number is not yet on a scale."""
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _WORDS:
            return _WORDS[word]
        if word.removeprefix("-").isdecimal():
            return int(word)
    raise Unfit(f"{column} must be true or false, good, ok or bad, or 1 to 5, and not {value!r}")


class Scale:
    """What the numbers in a file mean: 0 and 1 are thumbs, 1 to 5 are stars."""

    def __init__(self, numbers: Collection[int] = ()) -> None:
        self._numbers = frozenset(numbers)

    def rating(self, label: Label, column: str) -> Label:
        """A label as a rating.

        Raises:
            Unfit: the numbers of the file are on no scale that is known here.
        """
        if isinstance(label, bool) or not isinstance(label, int):
            return label
        if column == "stars":
            numbers = frozenset({label})
        else:
            numbers = self._numbers | {label}
            if numbers == {1}:
                raise Unfit(
                    f"every {column} of this file is 1, which may be a thumb up or one star of five; write "
                    "true, or call the column stars"
                )
        if numbers <= {0, 1} and column != "stars":
            return bool(label)
        if not numbers <= {1, 2, 3, 4, 5}:
            raise Unfit(
                f"the numbers of {column} go from {min(numbers)} to {max(numbers)}, and only 1 to 5 "
                "(stars) and 0 and 1 (thumbs) are known"
            )
        return label
