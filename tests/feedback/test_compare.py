"""Two versions side by side, from a log."""

from __future__ import annotations

import pytest

from feedback.intervals import Mean, mean_difference, share_difference, wilson


def test_wilsons_interval_is_that_of_the_formula() -> None:
    found = wilson(8, 10)
    assert found is not None
    # (0.8 + 1.9208/10 ± 1.96·√(0.8·0.2/10 + 0.9604/100)) / (1 + 3.8415/10)
    assert (found.mean, found.low, found.high) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-4)
    none, sure = wilson(0, 20), wilson(20, 20)
    assert none is not None and none.low == 0 and none.high == pytest.approx(0.1611, abs=1e-4)
    assert sure is not None and sure.high == 1
    assert wilson(0, 0) is None


def test_the_difference_of_shares_is_newcombes() -> None:
    # Newcombe 1998, table II (a): 56/70 and 48/80, method 10: 0.0524 to 0.3339.
    found = share_difference(48, 80, 56, 70)
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_the_difference_of_means_needs_two_values_of_each() -> None:
    found = mean_difference(Mean(1.0, 4.0, 100), Mean(1.5, 4.0, 100))
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((0.5, -0.0544, 1.0544), abs=1e-4)
    assert mean_difference(Mean(1.0, 0.0, 1), Mean(1.5, 4.0, 100)) is None
