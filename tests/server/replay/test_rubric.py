"""A new rubric, or new settings, over logged answers."""

from __future__ import annotations

import json
import stat
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi import FastAPI, HTTPException, Request

from contract.errors import ConfigurationError
from contract.ids import uuid7
from feedback.answered import drawn
from feedback.log import Log
from feedback.options import Selection
from feedback.records import CompletionRecord
from plumbline import cli
from server.replay.change import change_of
from server.replay.run import Options, replay
from tests.conftest import listening
from tests.feedback.test_log import write
from tests.server.replay.conftest import BEST, INSULT, RIVAL, Replay, Served, lines


def test_the_same_rubric_flips_nothing(replayed: Replay, served: Served) -> None:
    summary, flips = replayed(in_service=served.settings)
    assert flips == {}
    assert summary["turns"] == len(served.ids)
    assert summary["reward"]["difference"] == pytest.approx(0, abs=1e-5)
    assert summary["decided_otherwise_in_the_log"] == 0


def test_what_is_newly_forbidden_flips_exactly_the_turns_that_say_it(
    replayed: Replay, served: Served, stricter: Path
) -> None:
    summary, flips = replayed(rubric=stricter)
    found = {name: flips[i] for name, i in served.ids.items() if i in flips}
    assert set(found) == {"rival", "two choices", "two candidates", "windowed"}
    (choice,) = found["rival"]["choices"]
    assert (choice["before"]["decision"], choice["after"]["decision"]) == ("serve", "try again")
    (change,) = found["rival"]["propositions"]
    assert (change["name"], change["sentence"]) == ("names_a_rival", RIVAL)
    assert choice["after"]["violations"] == ["names_a_rival"]
    assert [c["changed"] for c in found["two choices"]["choices"]] == [[], ["decision"]]
    (streamed,) = found["windowed"]["choices"]
    assert streamed["after"]["decision"] == "refuse (hard_refuse)"
    assert summary["decisions"]["serve"] == {
        "refuse (hard_refuse)": 1,
        "serve": 6,
        "try again": 2,
    }
    # No server of a policy was there to be asked.
    assert summary["cost"]["policy"] is None
    assert summary["cost"]["judge_seconds"] > 0


def test_another_candidate_is_served(replayed: Replay, served: Served, stricter: Path) -> None:
    _, flips = replayed(rubric=stricter)
    ((choice,), before) = flips[served.ids["two candidates"]]["choices"], BEST
    assert choice["before"]["answer"] == before
    assert choice["after"]["answer"] == "I am not sure."
    assert choice["changed"][0] == "answer"


def test_differences_come_from_the_change_and_not_from_other_versions(
    replayed: Replay, served: Served, stricter: Path, tmp_path: Path
) -> None:
    known = copied(served, "rival")
    old = replace(known, rubric_version="older", decision="refuse", candidates=known.candidates)
    log = Log(tmp_path / "older.sqlite")
    write(log, old)
    summary, flips = replayed(log=log, rubric=stricter)
    (choice,) = flips[old.id]["choices"]
    assert choice["before"]["reward"] == pytest.approx(known.candidates[0].reward, abs=1e-4)
    assert choice["before"]["decision"] == "serve"
    assert summary["decided_otherwise_in_the_log"] == 1


def test_a_judge_that_failed_in_the_log_is_asked_again(
    replayed: Replay, served: Served, tmp_path: Path
) -> None:
    known = copied(served, "plain")
    error = {"error": {"message": "too slow", "code": "judge_failed"}}
    (candidate,) = known.candidates
    failed = replace(candidate, judgement=error, reward=None, completion_class=None)
    log = Log(tmp_path / "failed.sqlite")
    write(log, replace(known, decision="refuse", candidates=(failed,)))
    summary, flips = replayed(log=log, in_service=served.settings)
    assert (summary["turns"], summary["failed"], flips) == (1, 0, {})
    assert summary["decided_otherwise_in_the_log"] == 1


def test_another_reward_model_that_fails_on_some_answers(
    replayed: Replay, served: Served, tmp_path: Path
) -> None:
    with listening(reward_server(breaks_on="Acme")) as url:
        settings = served.settings.replace({"judge.reward_url": url})
        summary, _ = replayed(settings=settings, in_service=served.settings)
    failed = lines(tmp_path / "out" / "failed.jsonl")
    named = {served.ids[n] for n in ("rival", "two choices", "two candidates", "windowed")}
    assert {line["id"] for line in failed} == named
    assert summary["failures"] == {"JudgeUnavailable": 4}
    assert summary["turns"] == len(served.ids) - 4
    assert summary["reward"]["after"] != pytest.approx(summary["reward"]["before"], abs=0.1)


def test_settings_of_the_decision_are_a_change_too(replayed: Replay, served: Served) -> None:
    once = served.settings.replace({"decision.attempts": 1})
    _, flips = replayed(settings=once, in_service=served.settings)
    assert set(flips) == {served.ids["regenerated"]}
    ((choice,),) = [line["choices"] for line in flips.values()]
    assert choice["after"]["decision"] == "refuse (hard_refuse)"
    assert choice["after"]["answer"] == INSULT


def test_only_the_owner_reads_the_folder_and_no_text_is_printed(
    served: Served, stricter: Path, tmp_path: Path
) -> None:
    out = tmp_path / "replay-1"
    arguments = ["replay", "--rubric", str(stricter), "--out", str(out)]
    arguments += ["--data-dir", str(served.settings.data_dir)]
    ran = CliRunner().invoke(cli, arguments)
    assert ran.exit_code == 0, ran.output
    assert "the policy was not asked" in ran.output
    assert "Acme" not in ran.output + (out / "summary.json").read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert len((out / "flips.jsonl").read_text("utf-8").splitlines()) == 4
    again = CliRunner().invoke(cli, [*arguments, "--json", "--sample", "3", "--seed", "7"])
    assert json.loads(again.stdout)["turns"] == 3


def test_a_limit_takes_the_newest_turns(replayed: Replay, served: Served, stricter: Path) -> None:
    summary, flips = replayed(rubric=stricter, options=Options(limit=2))
    assert (summary["turns"], set(flips)) == (2, {served.ids["windowed"]})
    nothing = Options(Selection(policies=("another",)))
    assert replayed(rubric=stricter, options=nothing)[0]["turns"] == 0


def test_a_sample_is_drawn_by_its_seed() -> None:
    ids = [str(number) for number in range(100)]
    one, same, other = (list(drawn(iter(ids), 100, 10, seed)) for seed in (1, 1, 2))
    assert one == same != other
    assert len(one) == len(set(one)) == 10
    assert list(drawn(iter(ids), 100, None, 0)) == ids
    often = Counter(found for seed in range(2000) for found in drawn(iter(ids[:5]), 5, 2, seed))
    assert all(700 < number < 900 for number in often.values())


def test_turns_are_read_as_they_are_judged(served: Served, tmp_path: Path) -> None:
    known = copied(served, "plain")
    path = tmp_path / "many.sqlite"
    log = Counting(path)
    write(log, *(named(known, number) for number in range(40)))
    ahead = []

    def progress(stage: str, done: int, total: int) -> None:
        ahead.append(log.read - done)

    change = change_of(served.settings, served.settings, rubric=None, index=None, policy=None)
    summary = replay(log, change, Options(), None, progress)
    log.close()
    assert (summary["turns"], log.read) == (40, 40)
    assert max(ahead) < 16


def test_nothing_to_change_is_said(served: Served) -> None:
    with pytest.raises(ConfigurationError, match="--rubric FILE, --index DIR or --policy NEW"):
        change_of(served.settings, None, rubric=None, index=None, policy=None)


class Counting(Log):
    """A log that counts the turns that are read from it."""

    read = 0

    def completion(self, *arguments: object, **options: object) -> CompletionRecord:
        self.read += 1
        return super().completion(*arguments, **options)  # type: ignore[arg-type]


def copied(served: Served, name: str) -> CompletionRecord:
    """A turn of the served log."""
    log = served.log()
    record = log.completion(served.ids[name])
    log.close()
    return record


def named(record: CompletionRecord, number: int) -> CompletionRecord:
    """The same turn once more."""
    identifier = f"chatcmpl-{uuid7()}"
    candidates = tuple(
        replace(c, id=f"{c.id}-{number}", completion_id=identifier) for c in record.candidates
    )
    return replace(record, id=identifier, candidates=candidates)


def reward_server(breaks_on: str) -> FastAPI:
    """A reward model that likes short answers, and breaks on one word."""
    app = FastAPI()

    @app.get("/v1/models")
    async def models() -> dict:
        return {"data": [{"id": "short"}]}

    @app.post("/classify")
    async def classify(request: Request) -> dict:
        answer = (await request.json())["messages"][-1]["content"]
        if breaks_on in answer:
            raise HTTPException(500)
        return {"data": [{"probs": [5 - len(answer) / 100]}]}

    return app
