"""`plumbline eval` of two tiny checkpoints, from prompts to a report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contract.evaluation import read_evaluation
from plumbline import cli
from tests.conftest import Serve
from tests.engine import adapter, chat_checkpoint, reward_checkpoint
from tests.scripted_policy import ScriptedPolicy

SCRIPT = "<script>alert('x')</script>"


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "question": f"How many days of leave does team {n} get?",
            "passages": [
                f"Team {n} gets {20 + n} days of leave.",
                "Bikes are repaired on Mondays.",
            ],
            "reference": f"{20 + n} days",
        }
        for n in range(4)
    ]
    found.append({"question": f"年假有多少天？{SCRIPT}", "passages": ["每位员工有27天年假。"]})
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]
    return [*found, {"prompt": messages, "question": "Hello?", "group": "turn-1", "cited": []}]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, an adapter on it as a finished run, a reward model, prompts."""
    folder = tmp_path_factory.mktemp("eval")
    chat_checkpoint(folder / "base", positions=1024)
    lora = adapter(folder / "run" / "adapter", seed=3)
    config = json.loads((lora / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = str(folder / "base")
    (lora / "adapter_config.json").write_text(json.dumps(config))
    (folder / "run" / "run.json").write_text(json.dumps({"name": "grpo-1", "kind": "grpo"}))
    reward_checkpoint(folder / "rm")
    lines = [json.dumps(row, ensure_ascii=False) for row in [*rows(), rows()[0]]]
    (folder / "prompts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "texts.txt").write_text("Each employee gets 27 days.\n\n每位员工有27天年假。\n")
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["eval", *map(str, arguments)])


def compare(made: Path, a: str | Path, b: str | Path, out: Path, *more: str | Path) -> Result:
    fixed = ("--prompts", made / "prompts.jsonl", "--out", out, "--max-tokens", "6")
    return run(a, b, *fixed, *more)


def without_time(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "evaluation.json").read_text("utf-8"))
    return {name: value for name, value in found.items() if name != "made"}


@pytest.fixture(scope="module")
def evaluated(made: Path) -> Path:
    out = made / "out"
    more = ("--judge-reward-model", made / "rm", "--texts", made / "texts.txt")
    result = compare(made, made / "base", made / "run", out, *more)
    assert result.exit_code == 0, result.output
    return out


def test_two_checkpoints_are_compared_end_to_end(made: Path, evaluated: Path) -> None:
    found = read_evaluation(evaluated / "evaluation.json")
    assert (found.a.name, found.b.name, found.prompts) == ("base", "grpo-1", 6)
    assert found.a.digest != found.b.digest and len(found.b.digest) == 64
    assert not found.judged_by_training_reward and "rm-rm-" in found.judge_version
    win = found.metric("win_rate")
    assert win is not None and win.count == 6 and win.difference is not None
    for name in ("reward", "pass_rate", "over_refusal", "perplexity", "length", "f1"):
        metric = found.metric(name)
        assert metric is not None and metric.difference is not None and metric.count, name
        if name != "perplexity":
            assert metric.difference.mean == pytest.approx(metric.b - metric.a, abs=2e-6)


def test_a_second_run_generates_nothing_and_says_the_same(made: Path, evaluated: Path) -> None:
    before = without_time(evaluated)
    weights = made / "run" / "adapter" / "adapter_model.safetensors"
    cached = {path.name: path.read_bytes() for path in (evaluated / "answers").iterdir()}
    more = ("--judge-reward-model", made / "rm", "--texts", made / "texts.txt")
    assert weights.exists() and len(cached) == 2
    assert compare(made, made / "base", made / "run", evaluated, *more).exit_code == 0
    assert without_time(evaluated) == before
    assert {p.name: p.read_bytes() for p in (evaluated / "answers").iterdir()} == cached

    # Drawing is another sampling, and the same one for the same seed.
    drawn = ("--temperature", "1", "--seed", "5")
    for folder in (made / "drawn", made / "again"):
        assert compare(made, made / "base", made / "run", folder, *more, *drawn).exit_code == 0
    assert without_time(made / "drawn") == without_time(made / "again") != before

    # What was broken off in the middle of a line is generated again, to the same answers.
    for path in (evaluated / "answers").iterdir():
        path.write_bytes(cached[path.name][:-10])
    assert compare(made, made / "base", made / "run", evaluated, *more).exit_code == 0
    assert without_time(evaluated) == before


def test_the_reward_can_be_that_of_the_training(
    made: Path, evaluated: Path, tmp_path: Path
) -> None:
    trained_on = ("--reward-model", made / "rm")
    result = compare(made, made / "base", made / "run", tmp_path / "out", *trained_on)
    assert result.exit_code == 0, result.output
    ours, theirs = (
        read_evaluation(folder / "evaluation.json") for folder in (tmp_path / "out", evaluated)
    )
    for name, same in (("reward/rm", False), ("reward/rules", True)):
        one, other = ours.metric(name), theirs.metric(name)
        assert one is not None and other is not None and (one.a == other.a) is same, name
    judged_by_it = (*trained_on, "--judge-reward-model", made / "rm")
    result = compare(made, made / "base", made / "run", tmp_path / "no", *judged_by_it)
    assert result.exit_code == 1 and "no second" in result.output


def test_text_in_the_report_is_escaped_and_needs_no_network(evaluated: Path) -> None:
    report = (evaluated / "report.html").read_text("utf-8")
    assert SCRIPT not in report and "&lt;script&gt;" in report
    assert "http://" not in report and "https://" not in report and "<script" not in report
    assert "<svg" in report and "Content-Security-Policy" in report


def test_answers_made_before_are_compared_and_the_training_reward_is_told(
    made: Path, tmp_path: Path
) -> None:
    for name, answer in (("old", "I don't know."), ("new", "Team 1 gets 21 days of leave [1].")):
        lines = [{"prompt": row["question"], "answer": answer} for row in rows()]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    out = tmp_path / "out"
    result = compare(made, tmp_path / "old.jsonl", tmp_path / "new.jsonl", out)
    assert result.exit_code == 0, result.output
    assert "--judge-url" in result.output
    assert read_evaluation(out / "evaluation.json").judged_by_training_reward
    assert (out.stat().st_mode & 0o777) == 0o700

    (tmp_path / "new.jsonl").write_text('{"id": "turn-1", "answer": "Hello."}\n')
    result = compare(made, tmp_path / "old.jsonl", tmp_path / "new.jsonl", tmp_path / "other")
    assert result.exit_code == 1 and "no answer to 5 of 6 prompts" in result.output
    assert not (tmp_path / "other" / "evaluation.json").exists()


def test_a_server_is_a_policy_and_keeps_what_it_answered(
    made: Path, tmp_path: Path, policy: ScriptedPolicy
) -> None:
    refused = (500, {"error": {"message": "out of memory"}})
    policy.script(*["27 days."] * 5, refused, "27 days.")
    arguments = (made, f"{policy.url}#scripted", f"{policy.url}#scripted", tmp_path / "out")
    result = compare(*arguments)
    assert result.exit_code == 1 and "1 of 6 prompts got no answer" in result.output
    assert not (tmp_path / "out" / "evaluation.json").exists()
    result = compare(*arguments, "--seed", "1")
    assert result.exit_code == 0, result.output
    assert len(policy.requests) == 7
    assert all(body["temperature"] == 0 for body in policy.requests)
    assert (
        "does not serve 'other'"
        in compare(made, f"{policy.url}#other", f"{policy.url}#scripted", tmp_path / "out").output
    )


def test_plumbline_looks_up_its_own_passages_and_is_judged_by_them(
    tmp_path: Path, serve: Serve
) -> None:
    asked = {
        "question": "How many days of parental leave do I get?",
        "reference": "80 working days",
    }
    (tmp_path / "prompts.jsonl").write_text(json.dumps(asked))
    (tmp_path / "silent.jsonl").write_text(json.dumps({"prompt": asked["question"], "answer": ""}))
    out = tmp_path / "out"
    result = compare(tmp_path, tmp_path / "silent.jsonl", f"{serve()}/v1#plumbline", out)
    assert result.exit_code == 0, result.output
    found = read_evaluation(out / "evaluation.json")
    for name in ("pass_rate", "class/good"):
        metric = found.metric(name)
        assert metric is not None and (metric.a, metric.b) == (0, 1)
    (line,) = next((out / "answers").iterdir()).read_text("utf-8").splitlines()
    assert "80 working days" in json.loads(line)["answer"] and json.loads(line)["passages"]


def test_what_is_wrong_is_said(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "There is no policy" in compare(made, "nowhere", made / "base", out).output
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("…")
    result = compare(made, made / "base", made / "run", tmp_path / "mine")
    assert result.exit_code == 1 and "not made by an evaluation" in result.output

    unfinished = shutil.copytree(made / "run", tmp_path / "unfinished")
    (unfinished / "run.json").unlink()
    assert "not finished" in compare(made, made / "base", unfinished, out).output

    card = {"name": "grpo-1", "options": {"reward_model": str(made / "rm")}}
    pleased = shutil.copytree(made / "run", tmp_path / "pleased")
    (pleased / "run.json").write_text(json.dumps(card))
    result = compare(made, made / "base", pleased, out, "--judge-reward-model", made / "rm")
    assert result.exit_code == 1 and "trained on the reward model" in result.output
    assert not (out / "evaluation.json").exists()

    result = compare(
        made, made / "base", made / "run", out, "--texts", made / "texts.txt", "--limit", "0"
    )
    assert result.exit_code == 2
