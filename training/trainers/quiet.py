"""Libraries that train speak a lot; a run says itself what a person should know."""

from __future__ import annotations

import logging
import warnings

import datasets
import transformers


def be_quiet() -> None:
    """No bars, notes or warnings of theirs; errors are raised as ever."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    for name in ("trl", "peft", "accelerate", "torch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(transformers|trl|peft|accelerate|torch|datasets)\b")
