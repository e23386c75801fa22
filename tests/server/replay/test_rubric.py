"""A new rubric, or new settings, over logged answers."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from contract.errors import ConfigurationError
from feedback.log import Log
from feedback.options import Selection
from plumbline import cli
from server.replay import judging
from server.replay.change import change_of
from server.replay.run import Options
from tests.feedback.test_log import write
from tests.server.replay.conftest import Replay, Served


def test_the_same_rubric_flips_nothing(replayed: Replay, served: Served) -> None:
    from rbrm.rubric import load_rubric  # noqa

    summary, flips = replayed(in_service=served.settings)
    assert flips == {}
    assert summary["turns"] == len(served.ids)
    assert summary["reward"]["difference"] == pytest.approx(0, abs=1e-5)
    assert summary["decided_otherwise_in_the_log"] == 0


def test_what_is_newly_forbidden_flips_exactly_the_turns_that_say_it(
    replayed: Replay, served: Served, stricter: Path
) -> None:
    summary, flips = replayed(rubric=stricter)
    names = {served.ids[n]: n for n in served.ids}
    assert {names[i] for i in flips} == {"rival", "two choices", "two candidates", "windowed"}
    print(summary, flips)
