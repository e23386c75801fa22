"""Answers that a model server reads before they are exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import ConfigurationError, PolicyUnavailable
from feedback.export import export
from feedback.log import Log
from feedback.options import Options, Quality
from tests.conftest import free_port
from tests.feedback.test_hygiene import liked
from tests.scripted_policy import ScriptedPolicy


def rows(tmp_path: Path, log: Log, quality: Quality) -> tuple[int, dict]:
    options = Options("sft", validation=0.0, quality=quality)
    counts = export(log, tmp_path / "out", options, lambda *_: None)
    return sum(counts.rows.values()), dict(+counts.dropped_rows)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    log = Log(tmp_path / "log.sqlite")
    for question in ("Where do visitors park?", "打印机在哪里？"):
        liked(log, question, language="zh" if ord(question[0]) > 255 else "en")
    return log


def test_answers_with_a_low_grade_are_left_out(
    policy: ScriptedPolicy, tmp_path: Path, log: Log
) -> None:
    policy.script("4", "Grade: 2")
    found = rows(tmp_path, log, Quality(url=policy.url, min_grade=3.0))
    assert found == (1, {"the model's grade": 1})
    asked = "".join(request["messages"][0]["content"] for request in policy.requests)
    assert "Where do visitors park?" in asked and "打分" in asked


def test_a_grade_that_is_none_is_an_error_and_no_file(
    policy: ScriptedPolicy, tmp_path: Path, log: Log
) -> None:
    policy.script("I would rather not say.")
    with pytest.raises(PolicyUnavailable, match="no grade"):
        rows(tmp_path, log, Quality(url=policy.url, min_grade=3.0))
    assert not (tmp_path / "out").exists()


def test_a_server_without_perplexity_or_models_is_said(
    policy: ScriptedPolicy, tmp_path: Path, log: Log
) -> None:
    for url in (policy.url, f"http://127.0.0.1:{free_port()}/v1"):
        with pytest.raises((PolicyUnavailable, ConfigurationError), match="model server"):
            rows(tmp_path, log, Quality(url=url, perplexity=(1.0, 50.0)))
