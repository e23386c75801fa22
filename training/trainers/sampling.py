"""Drawing prompts for reinforcement so that a run that is taken up again goes on where it was."""

from __future__ import annotations

from typing import Any

from trl.trainer.utils import RepeatSampler


class EpochSampler(RepeatSampler):  # type: ignore[misc]
    """TRL's sampler with a shuffle that depends on seed and epoch alone.

    TRL's own draws each epoch's order from one stream, which begins anew in a process that resumes: it would
    see the prompts of the first epoch again.
    """

    def set_epoch(self, epoch: int) -> None:
        """Called before each epoch, also after a resume."""
        self.generator.manual_seed(self.seed * 100_003 + epoch)


class DrawsByEpoch:
    """A mixin for TRL's GRPO and RLOO trainers that draws so."""

    def _get_train_sampler(self: Any, dataset: Any = None) -> EpochSampler:
        theirs = super()._get_train_sampler(dataset)  # type: ignore[misc]
        return EpochSampler(
            data_source=theirs.data_source,
            mini_repeat_count=theirs.mini_repeat_count,
            batch_size=theirs.batch_size,
            repeat_count=theirs.repeat_count,
            shuffle=theirs.shuffle,
            seed=theirs.seed,
        )
