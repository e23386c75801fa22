"""Two rankings become one, so that neither ruins the other.

Scores are scaled to 0–1 within each side and added by weight. Rank fusion was measured and left out:
with an encoder that does not know the language it halves recall (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Mapping


def fuse(
    dense: Mapping[int, float], lexical: Mapping[int, float], dense_weight: float
) -> dict[int, float]:
    """Weighted sum of min-max scaled scores; an id that one side lacks has 0 from it."""
    if not dense:
        return _scaled(lexical)
    if not lexical:
        return _scaled(dense)
    near, common = _scaled(dense), _scaled(lexical)
    return {
        i: dense_weight * near.get(i, 0.0) + (1 - dense_weight) * common.get(i, 0.0)
        for i in near.keys() | common.keys()
    }


def _scaled(scores: Mapping[int, float]) -> dict[int, float]:
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {i: (score - low) / (high - low) for i, score in scores.items()}
