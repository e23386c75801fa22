"""Two small linear fits: which one of several, and yes or no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from contract.passage import Vector


def fit_rank(
    sets: Sequence[tuple[Vector, Vector]], decay: float, prior: Mapping[int, float]
) -> Vector:
    """Softmax regression: sets of (features (s, f), gold mask (s,)) -> weights (f,).

    Weights are drawn towards `prior` (0 where it names none), which decides where the data is silent.
    """
    longest, width = max(len(y) for _, y in sets), sets[0][0].shape[1]
    x = torch.zeros(len(sets), longest, width)
    absent = torch.full((len(sets), longest), -torch.inf)
    wrong = absent.clone()
    for row, (features, gold) in enumerate(sets):
        x[row, : len(gold)] = torch.from_numpy(features)
        absent[row, : len(gold)] = 0
        wrong[row, : len(gold)] = torch.from_numpy(np.where(gold > 0, 0, -np.inf))
    centre = torch.zeros(width)
    for place, value in prior.items():
        centre[place] = value
    weights = centre.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        scores = x @ weights
        chosen = torch.logsumexp(scores + wrong, 1) - torch.logsumexp(scores + absent, 1)
        loss = decay * (weights - centre).square().sum() - chosen.mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach().numpy()


def fit_support(features: Vector, labels: Vector, decay: float) -> Vector:
    """Logistic regression, both classes weighted alike: (n, f), (n,) -> (f + 1,), bias last."""
    x = torch.cat([torch.from_numpy(features), torch.ones(len(features), 1)], 1)
    y = torch.from_numpy(labels)
    balance = torch.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    weights = torch.zeros(x.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ weights, y, balance)
        loss = loss + decay * weights[:-1].square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach().numpy()
