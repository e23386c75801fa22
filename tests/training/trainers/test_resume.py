"""A run that is killed goes on, comes to the same end, and trains nothing twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from contract.errors import ConfigurationError
from tests.conftest import ROOT
from training.runs.card import RunCard
from training.runs.checkpoints import whole_steps
from training.trainers.options import Options, PreferenceOptions, RLOptions, RMOptions, SFTOptions

Run = Callable[..., RunCard]


class Killed(Exception):
    """The process ends here."""


def options_of(kind: str, policy: Path, exports: Path, out: Path) -> Options:
    data = exports / ("grpo" if kind == "rloo" else kind)
    common = {"kind": kind, "data": data, "policy": str(policy), "out": out, "save_every": 2}
    common |= {"rank": 4, "learning_rate": 1e-3, "max_tokens": 256, "device": "cpu"}
    if kind == "sft":
        return SFTOptions(**common, epochs=2.0, batch=4)
    if kind == "rm":
        return RMOptions(**common, epochs=2.0, batch=4)
    if kind in ("grpo", "rloo"):
        common |= {"save_every": 1, "batch": 4, "generations": 2, "answer_tokens": 4}
        return RLOptions(**common, epochs=2.0, iterations=2)
    loss = "kto" if kind == "kto" else "sigmoid"
    return PreferenceOptions(**common, steps=5, batch=4, loss=loss)


@pytest.mark.parametrize("kind", ["rm", "dpo", "grpo"])
def test_an_interrupted_run_ends_as_an_unbroken_one(
    kind: str, policy: Path, exports: Path, tmp_path: Path, carry_out: Run, shared_judge: None
) -> None:
    """In the second epoch, where the order of the rows is another than in the first."""
    whole = carry_out(options_of(kind, policy, exports, tmp_path / "whole"))
    broken = options_of(kind, policy, exports, tmp_path / "broken")

    def kill(stage: str, done: int, total: int) -> None:
        if done == 5:
            raise Killed

    with pytest.raises(Killed):
        carry_out(broken, kill)
    assert not (tmp_path / "broken" / "run.json").exists()
    resumed = carry_out(broken)
    assert resumed.resumed == 4
    assert resumed.metrics == pytest.approx(whole.metrics, rel=1e-4, abs=1e-6)
    assert resumed.digest == whole.digest
    curves = [json.loads((tmp_path / n / "curves.json").read_bytes()) for n in ("whole", "broken")]
    assert [step for step, _ in curves[1]["loss"]] == [step for step, _ in curves[0]["loss"]]


def test_a_killed_process_is_taken_up_by_the_same_command(
    policy: Path, exports: Path, tmp_path: Path, carry_out: Run
) -> None:
    whole = carry_out(options_of("sft", policy, exports, tmp_path / "whole"), epochs=4.0)
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "plumbline", "train", "sft", str(exports / "sft")]
    command += ["--policy", str(policy), "--out", str(out), "--rank", "4", "--epochs", "4"]
    command += ["--learning-rate", "1e-3", "--max-tokens", "256", "--batch", "4"]
    command += ["--save-every", "2", "--device", "cpu"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 300
        while not whole_steps(out / "checkpoints") and time.monotonic() < until:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    killed = options_of("sft", policy, exports, out)
    card = carry_out(killed, epochs=4.0)
    assert 0 < card.resumed < card.steps
    assert card.metrics == pytest.approx(whole.metrics, rel=1e-2, abs=1e-4)
    curves = json.loads((out / "curves.json").read_bytes())
    assert [step for step, _ in curves["loss"]] == list(range(1, whole.steps + 1))


def test_a_finished_run_is_left_alone_and_other_options_are_refused(
    policy: Path, exports: Path, tmp_path: Path, carry_out: Run
) -> None:
    options = replace(options_of("sft", policy, exports, tmp_path / "run"), steps=1)
    first = carry_out(options)
    assert carry_out(options) == first
    assert "nothing to do" in carry_out.heard[-1]  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match=r"seed was 0 and is 1.*--fresh"):
        carry_out(options, seed=1)
    assert carry_out(options, seed=1, fresh=True).seed == 1
