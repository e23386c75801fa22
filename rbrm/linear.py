"""Linear heads by weighted least squares, solved on the kernel side.

There are some hundred to some thousand examples and ten thousand features, so the n × n system is the
small one. Features come in blocks; a *family* is how much each block counts, and cross-validation
chooses the family, the ridge and the weight of our own examples for each head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix

from contract.passage import Vector
from rbrm.grams import unit_weights

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

Family = Mapping[str, float]
FAMILIES: dict[str, Family] = {
    "cues": {"cues": 1, "shape": 0.3, "relation": 0.3},
    "grams": {"cues": 1, "grams": 1, "shape": 0.2},
    "encoding": {"encoding": 1, "shape": 0.1, "relation": 0.1},
    "hybrid": {"encoding": 0.7, "cues": 1, "shape": 0.3, "relation": 0.3, "grams": 1},
    "hybrid_encoding": {"encoding": 1, "cues": 0.5, "shape": 0.2, "relation": 0.6, "grams": 0.5},
    "hybrid_question": {
        "encoding": 0.7,
        "cues": 1,
        "shape": 0.3,
        "relation": 0.3,
        "grams": 1,
        "question": 0.3,
    },
}
RIDGES = (0.4, 2.0)
_MAX_CLASS_WEIGHT = 12.0
_BIAS = 0.3
# From so many examples on, three folds tell as much as five.
_MANY = 1500


@dataclass(frozen=True)
class Features:
    """Examples as rows: `dense` (n, D) standardised block by block, `grams` (n, G) unit rows.

    `scale` and `shift` lead from raw dense features to standardised ones; `idf` is (G,).
    """

    dense: Array
    grams: csr_matrix
    blocks: Mapping[str, slice]
    scale: Array
    shift: Array
    idf: Array

    @classmethod
    def of(
        cls, dense: Vector, buckets: Sequence[Index], blocks: Mapping[str, slice], size: int
    ) -> Features:
        """Standardise raw rows; the encoding is left as it is, a unit vector."""
        rows = dense.astype(np.float64)
        shift, scale = rows.mean(axis=0), rows.std(axis=0)
        scale = np.where(scale > 1e-6, 1 / np.maximum(scale, 1e-6), 0.0)
        for name, block in blocks.items():
            if name in ("encoding", "question"):
                shift[block], scale[block] = 0.0, 1.0
            else:
                scale[block] /= np.sqrt(block.stop - block.start)
        frequency = np.zeros(size)
        for found in buckets:
            frequency[found] += 1
        idf = np.log((1 + len(buckets)) / (1 + frequency)) + 1
        # Not in the training rows: nothing was learnt about it.
        idf[frequency < 2] = 0.0
        return cls((rows - shift) * scale, weighted_grams(buckets, idf), blocks, scale, shift, idf)

    def kernel(self, family: Family) -> Array:
        """(n, n) inner products under a family; single precision halves the time of every solve."""
        total = np.full((len(self.dense), len(self.dense)), _BIAS)
        for name, weight in family.items():
            if name == "grams":
                total += weight * np.asarray((self.grams @ self.grams.T).todense())
            else:
                rows = self.dense[:, self.blocks[name]]
                total += weight * (rows @ rows.T)
        return total.astype(np.float32)

    def primal(self, family: Family, dual: Array, rows: Index) -> tuple[Array, Array, float]:
        """Weights on raw features: dense (D,), grams (G,) and bias."""
        dense = np.zeros(self.dense.shape[1])
        for name, weight in family.items():
            if name != "grams":
                block = self.blocks[name]
                dense[block] = weight * (self.dense[rows, block].T @ dual)
        grams = np.zeros(len(self.idf))
        if "grams" in family:
            grams = family["grams"] * np.asarray(self.grams[rows].T @ dual).ravel()
        raw = dense * self.scale
        return raw, grams, float(_BIAS * dual.sum() - raw @ self.shift)


def weighted_grams(buckets: Sequence[Index], idf: Array) -> csr_matrix:
    """Unit rows of inverse document frequencies: (n, G)."""
    values = [unit_weights(found, idf) for found in buckets]
    edges = np.cumsum([0, *(len(found) for found in buckets)])
    columns = np.concatenate([*buckets, np.zeros(0, dtype=np.int64)])
    return csr_matrix(
        (np.concatenate([*values, np.zeros(0)]), columns, edges), (len(buckets), len(idf))
    )


def solve(kernel: Array, rows: Index, labels: Mask, base: Array, ridge: float) -> Array:
    """Dual weights (len(rows),) for targets ±1, both classes weighing the same in sum."""
    positive = float((base[rows] * labels[rows]).sum() / base[rows].sum())
    weight = np.where(labels[rows], 0.5 / max(positive, 1e-3), 0.5 / max(1 - positive, 1e-3))
    weight = base[rows] * np.minimum(weight, _MAX_CLASS_WEIGHT)
    system = kernel[np.ix_(rows, rows)]
    system[np.diag_indices_from(system)] += (ridge / weight).astype(system.dtype)
    targets = np.where(labels[rows], 1.0, -1.0).astype(system.dtype)
    factor = cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(cho_solve(factor, targets, check_finite=False), dtype=np.float64)


def folds(groups: Index, count: int) -> Iterator[tuple[Mask, Mask]]:
    """(train, test) masks; a group is never split. Deterministic: group number modulo count."""
    for number in range(count):
        test = groups % count == number
        yield ~test, test


def out_of_fold(
    kernel: Array, rows: Index, labels: Mask, base: Array, groups: Index, ridge: float
) -> Array:
    """A score for each of `rows` from weights that have not seen its group."""
    scores = np.zeros(len(rows))
    for train, test in folds(groups[rows], 5 if len(rows) < _MANY else 3):
        seen, unseen = rows[train], rows[test]
        if len(unseen):
            dual = solve(kernel, seen, labels, base, ridge)
            scores[test] = kernel[np.ix_(unseen, seen)] @ dual
    return scores


def best_threshold(scores: Array, labels: Mask) -> tuple[float, float]:
    """The mean of accuracy, balanced accuracy and F1 at the best threshold, and that threshold."""
    order = np.argsort(-scores)
    hits = np.cumsum(labels[order])
    alarms = np.cumsum(~labels[order])
    positives, negatives = labels.sum(), (~labels).sum()
    accuracy = (hits + negatives - alarms) / len(labels)
    balanced = (hits / max(1, positives) + (negatives - alarms) / max(1, negatives)) / 2
    f1 = 2 * hits / (hits + alarms + positives)
    value = (accuracy + balanced + f1) / 3
    best = int(value.argmax())
    following = scores[order[min(best + 1, len(order) - 1)]]
    return float(value[best]), float((scores[order[best]] + following) / 2)


def slope_of(scores: Array, labels: Mask, threshold: float) -> float:
    """The steepness a of σ(a·(score − threshold)) that fits the labels best (one-parameter Platt)."""
    candidates = np.geomspace(0.5, 20, 40)
    margins = np.where(labels, 1, -1) * (scores - threshold)
    losses = [np.logaddexp(0, -slope * margins).mean() for slope in candidates]
    return float(candidates[int(np.argmin(losses))])
