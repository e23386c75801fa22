"""Replay of logged turns with a new rubric: speed beside the judge alone, memory, and calls to the policy.

    OMP_NUM_THREADS=1 python -m benchmarks.replay --turns 1000 --folder /tmp/replay

The log is made up: questions in both languages, three passages, two answers a turn, judged by the default rubric. The new one
forbids a word that some of the answers hold. The rival is a plain loop that judges the same answers in the same
batches, and decides nothing. Each measurement is a process of its own, so that its memory is its own; they run at the same
time. CPU time is compared, which others on the machine disturb least; it counts reading log, rubrics and weights on both sides.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import click
import yaml
from rich.progress import track

from benchmarks.gateway.corpus import Vocabulary
from benchmarks.report import publish, table
from contract.settings import Settings
from contract.verdict import Verdict
from feedback.answered import answered_ids
from feedback.log import Log
from feedback.options import Selection
from feedback.records import CandidateRecord, CompletionRecord
from feedback.rows import insert_completion
from rbrm.assembly import build_judge
from rbrm.judge import Judge
from server.parts import question_of
from server.replay.change import change_of
from server.replay.logged import Logged
from server.replay.run import Options
from server.replay.run import replay as run_replay
from text.encoder import Encoder

_TOGETHER = 16
_FEW = 100
_STEPS = {
    "judge alone": "judge",
    "replay": "replay",
    f"replay of the newest {_FEW}": "few",
}


@click.command()
@click.option("--turns", default=1000, show_default=True)
@click.option(
    "--folder", type=click.Path(path_type=Path), required=True, help="Kept, and used again."
)
@click.option("--step", hidden=True, help="One measurement, as JSON.")
@click.option("--report/--no-report", default=True)
def main(turns: int, folder: Path, step: str | None, report: bool) -> None:
    """Measure a replay side by side with the judge alone."""
    log = folder / f"log-{turns}.sqlite"
    if step is not None:
        click.echo(json.dumps(_measured(step, log, folder)))
        return
    if not log.exists():
        _fill(log, turns)
        _forbidding(folder / "rubric.yaml")
    found: dict[str, dict[str, float]] = {}
    command = [sys.executable, "-m", "benchmarks.replay", "--turns", str(turns)]
    # At the same time, so that whatever else the machine does disturbs all alike.
    running = {
        name: subprocess.Popen(
            [*command, "--folder", str(folder), "--step", wanted],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, wanted in _STEPS.items()
    }
    for name, process in running.items():
        said, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"{name} failed")
        found[name] = json.loads(said.splitlines()[-1])
        click.echo(f"{name}: {found[name]}")
    alone = found["judge alone"]["cpu"]
    rows = [
        [
            name,
            f"{f['cpu']:.0f}",
            f"{alone / f['cpu']:.2f}" if f["turns"] == turns else "",
            f"{f['wall']:.0f}",
            f"{f['memory']:,.0f}",
            f"{f['flipped']:,.0f}" if _STEPS[name] != "judge" else "",
            f"{f['asked']:,.0f}",
        ]
        for name, f in found.items()
    ]
    header = [
        f"{turns:,} turns, two answers each",
        "CPU s",
        "speed to the judge alone",
        "wall s",
        "peak MiB",
        "turns that flip",
        "calls to the policy",
    ]
    publish(
        "replay",
        f"OMP_NUM_THREADS=1 python -m benchmarks.replay --turns {turns} --folder …",
        table(header, rows),
        write=report,
    )


def _measured(step: str, log: Path, folder: Path) -> dict[str, float]:
    Encoder().encode(["What is imported late is there before the clock starts."])
    started, cpu = time.perf_counter(), time.process_time()
    found = _alone(log) if step == "judge" else _replayed(step, log, folder)
    return found | {
        "wall": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _alone(path: Path) -> dict[str, float]:
    """The judge in a loop over batches of the same answers."""
    with closing(Log(path)) as log:
        ids = answered_ids(log, Selection())
        turns = [Logged.of(log.completion(found)) for found in ids]
    asked = [
        (
            question_of(turn.request, turn.evidence, lambda: True),
            [candidate.text for candidate in turn.record.candidates],
        )
        for turn in turns
    ]
    judge = build_judge(Settings().judge, Encoder())
    for first in range(0, len(asked), _TOGETHER):
        batch = asked[first : first + _TOGETHER]
        for one, encoded in zip(batch, judge.encode(batch), strict=True):
            judge.conclude(judge.ask(judge.read(*one, encoded=encoded)))
    return {"turns": len(turns), "flipped": 0, "asked": 0}


def _replayed(step: str, path: Path, folder: Path) -> dict[str, float]:
    settings = Settings().replace({"log_path": path, "policy.url": "http://127.0.0.1:9/v1"})
    change = change_of(settings, None, rubric=folder / "rubric.yaml", index=None, policy=None)
    options = Options(limit=_FEW if step == "few" else None)
    with closing(Log(path)) as log:
        summary = run_replay(log, change, options, folder / f"out-{step}", lambda *_: None)
    policy = summary["cost"]["policy"]
    return {
        "turns": summary["turns"],
        "flipped": summary["flipped"],
        "asked": policy["requests"] if policy else 0,
    }


def _forbidding(path: Path) -> None:
    """The default rubric, with one more thing that must never be said."""
    rubric = _default()
    rubric["propositions"]["names_a_rival"] = {
        "wording": {"en": "The answer names a rival.", "zh": "回答提到竞争对手。"},
        "hard": True,
        "graders": [{"pattern": {"any": ["Acme"]}}],
    }
    path.write_text(yaml.safe_dump(rubric, allow_unicode=True), "utf-8")


def _default() -> dict[str, Any]:
    text = files("rbrm.rubrics").joinpath("default.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def _fill(path: Path, turns: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".making")
    made.unlink(missing_ok=True)
    judge = build_judge(Settings().judge, Encoder())
    with closing(Log(made, synchronous="NORMAL")) as log, log.writing() as connection:
        records = _turns(turns)
        for _ in track(range(0, turns, _TOGETHER), "filling"):
            connection.execute("BEGIN")
            for record in _judged(judge, list(islice(records, _TOGETHER))):
                insert_completion(connection, record)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    made.rename(path)


def _judged(judge: Judge, records: list[CompletionRecord]) -> Iterator[CompletionRecord]:
    turns = [Logged.of(record) for record in records]
    asked = [
        (
            question_of(turn.request, turn.evidence, lambda: True),
            [candidate.text for candidate in turn.record.candidates],
        )
        for turn in turns
    ]
    for record, one, encoded in zip(records, asked, judge.encode(asked), strict=True):
        verdicts = judge.conclude(judge.read(*one, encoded=encoded))
        best = max(range(len(verdicts)), key=lambda i: verdicts[i].reward)
        yield replace(
            record,
            judge_version=judge.version,
            rubric_version=judge.rubric.fingerprint,
            decision="serve" if verdicts[best].acceptable else "refuse",
            candidates=tuple(
                _with(candidate, verdict, number == best)
                for number, (candidate, verdict) in enumerate(zip(record.candidates, verdicts))
            ),
        )


def _with(candidate: CandidateRecord, verdict: Verdict, served: bool) -> CandidateRecord:
    return replace(
        candidate,
        judgement=verdict.to_wire(),
        reward=verdict.reward,
        completion_class=verdict.completion_class,
        served=served,
    )


def _turns(count: int) -> Iterator[CompletionRecord]:
    words: dict[str, Vocabulary] = {language: Vocabulary(language) for language in ("en", "zh")}
    for number in range(count):
        language = ("en", "zh")[number % 2]
        vocabulary = words[language]
        passages = [vocabulary.chunk() for _ in range(3)]
        answers = ["".join(vocabulary.sentence() for _ in range(4)) + "[1]" for _ in range(2)]
        if number % 10 == 0:
            answers[0] += " Acme."
        yield _turn(number, language, vocabulary.question(passages[0]), answers, passages)


def _turn(
    number: int, language: str, question: str, answers: list[str], passages: list[str]
) -> CompletionRecord:
    identifier = f"chatcmpl-{number:032x}"
    asked = [{"role": "user", "content": question}]
    message = {"message": {"content": answers[0]}, "finish_reason": "stop"}
    candidates = tuple(
        CandidateRecord(
            f"cand-{number:030x}-{place}", identifier, 0, 0, place, text, False, None, None, {}
        )
        for place, text in enumerate(answers)
    )
    return CompletionRecord(
        id=identifier,
        created=float(number),
        person=f"person {number % 100}",
        collection="default",
        question=question,
        language=language,
        request={"model": "plumbline", "messages": asked},
        prompt=asked,
        passages=[{"number": n, "text": text} for n, text in enumerate(passages, 1)],
        reply={"id": identifier, "choices": [message]},
        decision="serve",
        answered=True,
        review=False,
        policy_version="policy",
        judge_version="",
        rubric_version="",
        index_version="index",
        settings_version="settings",
        seconds=0.5,
        candidates=candidates,
    )


if __name__ == "__main__":
    main()
