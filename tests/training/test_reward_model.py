import math

import numpy as np
import pytest

from rbrm.reward_model import feature_names
from training.reward_model import DECAY, Ladder, train, validate

DIMENSIONS = 4
SIZE = len(feature_names(DIMENSIONS))


def ladder(good: float, *bad: float, group: str = "0") -> Ladder:
    features = np.zeros((1 + len(bad), SIZE), dtype=np.float32)
    features[:, 0] = good, *bad
    return Ladder("instructions", "en", group, features, (1, *(2 for _ in bad)))


def test_it_learns_what_tells_good_from_bad() -> None:
    data = [ladder(1.0, 0.0, group=str(n)) for n in range(10)]
    assert train(data, DIMENSIONS)[0] > 0
    figures = validate(data, DIMENSIONS)["instructions/en"]
    assert figures["accuracy"] == figures["accuracy_chosen_shorter"] == 1.0
    assert figures["longer_wins"] == 0.0


def test_its_optimum_is_that_of_the_formula() -> None:
    """With K − 1 equal differences d the loss −log σ(w·d) + λw² has its minimum at 2λw = d·σ(−w·d),
    however many answers the prompt has: its pairs share one weight."""
    for rejected in ((0.0,), (0.0, 0.0, 0.0)):
        data = [ladder(1.0, *rejected)]
        deviation = float(data[0].features[:, 0].std())
        weight = float(train(data, DIMENSIONS)[0]) * deviation
        difference = 1.0 / deviation
        pull = difference / (1 + math.exp(weight * difference))
        assert 2 * DECAY["scalar"] * weight == pytest.approx(pull, rel=2e-3)
