import math

import numpy as np
import pytest

from training.reward_model import Ladder, accuracy, train


def ladder(good: float, bad: float) -> Ladder:
    features = np.zeros((2, 11), dtype=np.float32)
    features[:, 0] = good, bad
    return Ladder(0, features, (True,))


def test_it_learns_what_tells_good_from_bad() -> None:
    data = [ladder(1.0, 0.0), ladder(0.8, 0.3), ladder(0.6, 0.1)]
    weights = train(data)
    assert weights[0] > 0
    assert accuracy(weights, data)["accuracy"] == 1.0


def test_its_optimum_is_that_of_the_formula() -> None:
    """With one difference d the loss −log σ(w·d) + λw² has its minimum at λ·2w = d·σ(−w·d)."""
    difference, decay = 0.5, 0.01
    weight = float(train([ladder(difference, 0.0)], decay)[0])
    pull = difference / (1 + math.exp(weight * difference))
    assert 2 * decay * weight == pytest.approx(pull, rel=1e-3)
