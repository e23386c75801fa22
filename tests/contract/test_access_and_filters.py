"""Labels admit, filters match, and what is not known is not admitted."""

import pytest
from pydantic import TypeAdapter, ValidationError

from contract.access import OWNER, PUBLIC, Access, check_labels
from contract.errors import ConfigurationError
from contract.filters import Filter

FILTER: TypeAdapter[Filter] = TypeAdapter(Filter)
HANDBOOK = {"path": "hr/leave.md", "department": "hr", "year": 2026.0, "draft": False}


def test_a_document_without_labels_is_for_everybody() -> None:
    assert PUBLIC.admits(()) and Access(frozenset({"hr"})).admits(())


def test_a_labelled_document_needs_one_of_its_labels() -> None:
    caller = Access(frozenset({"hr", "legal"}))
    assert caller.admits(("hr", "board"))
    assert not caller.admits(("board",))
    assert not PUBLIC.admits(("board",))
    assert OWNER.admits(("board",))


@pytest.mark.parametrize("label", ["", "a b", "x" * 65, 'hr" OR "1', 7, None, "-hr"])
def test_what_is_no_label_is_refused(label: object) -> None:
    with pytest.raises(ConfigurationError, match="is no label"):
        check_labels([label])


def test_labels_may_be_chinese() -> None:
    assert check_labels(["人事部", "hr", "hr"]) == ("hr", "人事部")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"type": "eq", "key": "department", "value": "hr"}, True),
        ({"type": "ne", "key": "department", "value": "hr"}, False),
        ({"type": "ne", "key": "region", "value": "eu"}, True),
        ({"type": "eq", "key": "region", "value": "eu"}, False),
        ({"type": "gte", "key": "year", "value": 2026}, True),
        ({"type": "lt", "key": "year", "value": 2026}, False),
        ({"type": "gt", "key": "year", "value": "2020"}, False),
        ({"type": "in", "key": "department", "value": ["legal", "hr"]}, True),
        ({"type": "nin", "key": "department", "value": ["legal", "hr"]}, False),
        ({"type": "eq", "key": "draft", "value": 0}, False),
        ({"type": "eq", "key": "draft", "value": False}, True),
    ],
)
def test_a_comparison(content: dict[str, object], expected: bool) -> None:
    assert FILTER.validate_python(content).matches(HANDBOOK) is expected


def test_filters_nest() -> None:
    either = {
        "type": "or",
        "filters": [
            {"type": "eq", "key": "department", "value": "legal"},
            {
                "type": "and",
                "filters": [
                    {"type": "eq", "key": "department", "value": "hr"},
                    {"type": "gt", "key": "year", "value": 2025},
                ],
            },
        ],
    }
    assert FILTER.validate_python(either).matches(HANDBOOK)


def test_a_misspelt_filter_is_refused() -> None:
    with pytest.raises(ValidationError):
        FILTER.validate_python({"type": "equals", "key": "department", "value": "hr"})
