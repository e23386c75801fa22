"""What happens between steps: progress, checkpoints that are whole, and the budget of distance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from contract.progress import Progress
from training.runs.checkpoints import checkpoint_at, mark_whole, rotate, whole_steps

# The budget of distance is found exceeded a step late, so the one before the last must still be there.
_KEPT = 3
_CHECKPOINTS = 10


class Checkpoints(TrainerCallback):  # type: ignore[misc]
    """Saves every few steps and at the end of each epoch; nothing is used that is not whole.

    Args:
        keep_epochs: keep the checkpoint of every epoch's end, to choose among them.
        together: so many steps share answers that no checkpoint has; it is saved after the last of them only.
    """

    def __init__(
        self, folder: Path, every: int | None, *, keep_epochs: bool = False, together: int = 1
    ) -> None:
        self.folder = folder
        self._every = every
        self._keep_epochs = keep_epochs
        self._together = together
        self.ends_of_epochs: set[int] = set()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        every = self._every or max(1, state.max_steps // _CHECKPOINTS)
        every = -(-every // self._together) * self._together
        ends_epoch = abs(state.epoch - round(state.epoch)) < 1e-6
        # At the end of an epoch there is something to evaluate first.
        if state.global_step % every == 0 and not ends_epoch:
            control.should_save = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.ends_of_epochs.add(state.global_step)
        if state.global_step not in whole_steps(self.folder):
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            mark_whole(checkpoint_at(self.folder, state.global_step))
            rotate(self.folder, _KEPT, self._kept(state))

    def _kept(self, state: Any) -> set[int]:
        """After a resume, the ends of earlier epochs are known from what was evaluated there."""
        if not self._keep_epochs:
            return set()
        evaluated = {e["step"] for e in state.log_history if any(n.startswith("eval_") for n in e)}
        return self.ends_of_epochs | evaluated


class Bar(TrainerCallback):  # type: ignore[misc]
    """Tells how far a run is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            self._progress("training", state.global_step, state.max_steps)


class Distance(TrainerCallback):  # type: ignore[misc]
    """Logs how far answers have come from the parent's, and stops a run that goes too far.

    The trainer logs the mean over tokens; times the mean length it is the divergence of whole answers in
    nats, KL(policy ‖ parent).

    Attributes:
        exceeded_at: the step whose answers, written by the policy before it, were too far away.
    """

    def __init__(self, budget: float | None, note: Callable[[str], None]) -> None:
        self._budget = budget
        self._note = note
        self.exceeded_at: int | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A run that was killed after it had stopped stops again, at the same step."""
        for entry in state.log_history:
            if self._budget is not None and entry.get("kl_per_answer", 0.0) > self._budget:
                self.exceeded_at = self.exceeded_at or entry["step"]

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if self.exceeded_at is not None:
            control.should_training_stop = True
        if not logs or "kl" not in logs or "completions/mean_length" not in logs:
            return
        distance = logs["kl"] * logs["completions/mean_length"]
        logs["kl_per_answer"] = distance
        if state.log_history and state.log_history[-1]["step"] == state.global_step:
            state.log_history[-1]["kl_per_answer"] = distance
        if self._budget is not None and distance > self._budget and self.exceeded_at is None:
            self.exceeded_at = state.global_step
            control.should_training_stop = True
            self._note(
                f"Stopped at step {state.global_step}: its answers were {distance:.3g} nats from the "
                f"parent's, and the budget is {self._budget:g}."
            )

    def last_within(self, steps: list[int]) -> int | None:
        """The last of these checkpoints whose answers were found within the budget, or, where it was
        never exceeded, the last of all. Step n writes its answers with the policy of step n − 1."""
        if self.exceeded_at is None:
            return steps[-1] if steps else None
        within = [step for step in steps if step + 1 < self.exceeded_at]
        return within[-1] if within else None
