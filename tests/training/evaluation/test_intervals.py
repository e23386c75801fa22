import math

import pytest

from contract.intervals import wilson
from training.evaluation.intervals import (
    bootstrap,
    mean_difference,
    pass_at_k,
    share_difference,
)


def test_the_interval_of_a_share_is_wilsons() -> None:
    found = wilson(8, 10)
    assert found.mean == 0.8
    assert (found.low, found.high) == pytest.approx((0.490162, 0.943318), abs=1e-6)


def test_the_interval_of_none_or_all_begins_at_the_end() -> None:
    assert wilson(0, 20).low == 0 and wilson(20, 20).high == 1
    assert wilson(0, 20).high == pytest.approx(1 - wilson(20, 20).low)
    with pytest.raises(ValueError):
        wilson(0, 0)


def test_paired_shares_give_the_published_example() -> None:
    """Newcombe 1998: 36 both, 12 and 2 one of them, 0 neither: 0.2, from 0.0569 to 0.3404."""
    b = [True] * 36 + [True] * 12 + [False] * 2
    a = [True] * 36 + [False] * 12 + [True] * 2
    found = share_difference(a, b)
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((0.2, 0.0569, 0.3404), abs=5e-5)


def test_nothing_seen_to_differ_is_not_proof() -> None:
    found = share_difference([False] * 10, [False] * 10)
    reach = 1.959964**2 / (10 + 1.959964**2)
    assert found is not None
    assert (found.low, found.mean, found.high) == pytest.approx((-reach, 0, reach), abs=1e-6)
    assert share_difference([], []) is None


def test_means_are_compared_by_students_t_over_pairs() -> None:
    found = mean_difference([1, 2, 3], [2, 4, 6])
    assert found is not None
    reach = 4.302653 / math.sqrt(3)
    assert (found.low, found.mean, found.high) == pytest.approx((2 - reach, 2, 2 + reach), abs=1e-5)
    assert mean_difference([1], [2]) is None


def test_pass_at_k_is_unbiased_and_does_not_overflow() -> None:
    assert pass_at_k(5, 2, 2) == pytest.approx(1 - 3 / 10)
    assert pass_at_k(10, 3, 1) == pytest.approx(0.3)
    assert pass_at_k(4, 0, 4) == 0 and pass_at_k(4, 1, 4) == 1
    exact = 1 - math.comb(1999, 900) / math.comb(2000, 900)
    assert pass_at_k(2000, 1, 900) == pytest.approx(exact, abs=1e-9)
    with pytest.raises(ValueError):
        pass_at_k(3, 1, 4)


def test_a_bootstrap_is_the_same_for_a_seed() -> None:
    values = [0.0, 1.0, 2.0, 3.0, 10.0]

    def mean(rows: object) -> float:
        return sum(values[i] for i in rows) / len(values)  # type: ignore[attr-defined]

    found = bootstrap(5, mean, seed=3)
    assert found == bootstrap(5, mean, seed=3)
    assert found.low < found.mean == 3.2 < found.high
