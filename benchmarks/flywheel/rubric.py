"""The museum's rubric: the default one, with weights that suit a house which answers in one sentence.

What changes, and why, was measured on rated answers of the untrained policy:

- `illogical_continuation_of_prompt` is at a quarter in a bare sentence of fact and near nothing when more is told. At its
  default weight it pays half a point for telling what nobody asked.
- `fully_complies` pays for the same.
"""

from __future__ import annotations

from pathlib import Path

import yaml

import rbrm.rubric

DEFAULT = Path(rbrm.rubric.__file__).parent / "rubrics" / "default.yaml"
WEIGHTS = {"illogical_continuation_of_prompt": -1.0, "fully_complies": 0.2}


def write_rubric(path: Path) -> None:
    """Write it as a file of its own, as a team would keep it."""
    rubric = yaml.safe_load(DEFAULT.read_text("utf-8"))
    rubric["name"] = "museum"
    rubric["response_types"]["comply"]["weights"] |= WEIGHTS
    text = yaml.safe_dump(rubric, allow_unicode=True, sort_keys=False)
    path.write_text(text, encoding="utf-8")
