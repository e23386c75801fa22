import pytest

from rbrm.logic import Formula, FormulaError


def test_a_formula_holds_as_it_reads() -> None:
    formula = Formula.parse("(a or b) and not c")
    assert formula.names == {"a", "b", "c"}
    assert formula.holds({"a": False, "b": True, "c": False})
    assert not formula.holds({"a": True, "b": True, "c": True})


def test_its_probability_is_a_product() -> None:
    assert Formula.parse("a and not b").probability({"a": 0.5, "b": 0.2}) == pytest.approx(0.4)
    assert Formula.parse("a or b").probability({"a": 0.5, "b": 0.2}) == pytest.approx(0.6)


@pytest.mark.parametrize(
    "source", ["a +", "f(a)", "a < b", "a and 1", "__import__('os')", "a if b else c"]
)
def test_anything_else_is_no_formula(source: str) -> None:
    with pytest.raises(FormulaError):
        Formula.parse(source)
