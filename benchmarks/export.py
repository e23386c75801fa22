"""Export of a million logged turns: memory, and time beside a plain read of the same rows.

    python -m benchmarks.export --turns 1000000 --folder /tmp/export

The log is made up: questions of 12 to 25 drawn words and answers in both languages, prompts as the server builds
them, with three of a thousand passages, two judged candidates a turn, feedback on every second one; one question
in twenty is sent again with small edits, and one text in fifty holds personal data. Each measurement is a process of
its own, so that its memory is its own.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import orjson
from rich.progress import track

from benchmarks.gateway.corpus import Vocabulary
from benchmarks.report import publish, table
from contract.messages import Message
from contract.passage import Evidence, Passage
from feedback.export import export
from feedback.log import Log
from feedback.options import Hygiene, Options
from feedback.records import CandidateRecord, CompletionRecord, FeedbackRecord
from feedback.rows import insert_completion, insert_feedback
from server.prompt import build_prompt

PRIVATE = (
    "Please call me on 0113 496 0772.",
    "Write to ann.mole@example.org.",
    "My name is Ngozi Okafor.",
    "我叫王丽华，手机 13812345678。",
)
_BATCH = 5000


@click.command()
@click.option("--turns", default=1_000_000, show_default=True)
@click.option(
    "--folder", type=click.Path(path_type=Path), required=True, help="Kept, and used again."
)
@click.option("--step", hidden=True, help="One measurement, as JSON.")
@click.option("--report/--no-report", default=True)
def main(turns: int, folder: Path, step: str | None, report: bool) -> None:
    """Measure an export side by side with a plain read."""
    path = folder / f"turns-{turns}.sqlite"
    if step is not None:
        click.echo(json.dumps(_measured(lambda: STEPS[step](path, folder))))
        return
    if not path.exists():
        _fill(path, turns)
    command = [
        sys.executable,
        "-m",
        "benchmarks.export",
        "--turns",
        str(turns),
        "--folder",
        str(folder),
    ]
    found: dict[str, dict[str, float]] = {}
    for name in STEPS:
        done = subprocess.run(
            [*command, "--step", name], stdout=subprocess.PIPE, check=True, text=True
        )
        found[name] = json.loads(done.stdout.splitlines()[-1])
        click.echo(f"{name}: {found[name]}")
    plain = found["plain read of the rows"]["cpu"]
    rows = [
        [
            name,
            f"{f['cpu']:.0f}",
            f"{f['cpu'] / plain:.2f}",
            f"{f['wall']:.0f}",
            f"{f['memory']:,.0f}",
            f"{f['rows']:,.0f}",
        ]
        for name, f in found.items()
    ]
    header = [
        f"{turns:,} turns, {path.stat().st_size / 2**30:.1f} GiB",
        "CPU s",
        "to the plain read",
        "wall s",
        "peak MiB",
        "rows written",
    ]
    publish(
        "export",
        f"python -m benchmarks.export --turns {turns} --folder …",
        table(header, rows),
        write=report,
    )


def _measured(work: Callable[[], int]) -> dict[str, float]:
    started, cpu = time.perf_counter(), time.process_time()
    rows = work()
    return {
        "rows": rows,
        "wall": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _plain(path: Path, folder: Path) -> int:
    """All columns of all rows, in the order in which an export reads them."""
    count = 0
    with closing(Log(path)) as log, log.reading() as connection:
        connection.row_factory = None
        for query in (
            "SELECT * FROM completion ORDER BY id",
            "SELECT * FROM candidate ORDER BY completion_id",
            "SELECT * FROM feedback ORDER BY completion_id",
        ):
            for _ in connection.execute(query):
                count += 1
    return count


def _exported(kind: str, hygiene: Hygiene | None) -> Callable[[Path, Path], int]:
    def work(path: Path, folder: Path) -> int:
        options = Options(kind, sources=("human", "judge"), hygiene=hygiene)  # type: ignore[arg-type]
        with closing(Log(path)) as log:
            counts = export(log, folder / "out", options, lambda *_: None)
        return sum(counts.rows.values())

    return work


STEPS: dict[str, Callable[[Path, Path], int]] = {
    "plain read of the rows": _plain,
    "export dpo, hygiene off": _exported("dpo", None),
    "export dpo, all hygiene, rows with personal data dropped": _exported("dpo", Hygiene()),
    "export sft, all hygiene, personal data redacted": _exported("sft", Hygiene(pii="redact")),
}


def _fill(path: Path, turns: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".making")
    made.unlink(missing_ok=True)
    with closing(Log(made, synchronous="NORMAL")) as log, log.writing() as connection:
        rows = _turns(turns)
        for _ in track(range(0, turns, _BATCH), "filling"):
            connection.execute("BEGIN")
            for _, (turn, said) in zip(range(_BATCH), rows):
                insert_completion(connection, turn)
                if said is not None:
                    insert_feedback(connection, said)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    made.rename(path)


def _turns(count: int) -> Iterator[tuple[CompletionRecord, FeedbackRecord | None]]:
    drawn = random.Random(1)
    words = {language: Vocabulary(language) for language in ("en", "zh")}
    chunks = {name: [words[name].chunk() for _ in range(500)] for name in words}
    asked: list[str] = []
    for number in range(count):
        language = ("en", "zh")[number % 2]
        vocabulary = words[language]
        question = f"{vocabulary.sentence()}{vocabulary.question(vocabulary.chunk())}"
        if asked and drawn.random() < 0.05:
            question = drawn.choice(asked).replace("?", "").replace("？", "").upper()
        elif len(asked) < 20_000:
            asked.append(question)
        answer = f"{vocabulary.sentence()}{vocabulary.sentence()}[1]"
        if drawn.random() < 0.02:
            answer += drawn.choice(PRIVATE)
        passages = drawn.sample(chunks[language], 3)
        yield _turn(number, language, question, [answer, vocabulary.sentence()], passages)


def _turn(
    number: int, language: str, question: str, answers: list[str], passages: list[str]
) -> tuple[CompletionRecord, FeedbackRecord | None]:
    identifier = f"chatcmpl-{number:032x}"
    judgement: dict[str, Any] = {
        "propositions": {f"proposition_{n}": 0.01 * n for n in range(20)},
        "compliance": {"full_compliance": 0.98, "partial_refusal": 0.01, "full_refusal": 0.01},
        "violations": [],
        "class": "ideal",
    }
    candidates = tuple(
        CandidateRecord(
            f"cand-{number:030x}-{n}",
            identifier,
            0,
            0,
            n,
            text,
            n == 0,
            2.0 - 2 * n,
            "ideal",
            judgement,
        )
        for n, text in enumerate(answers)
    )
    shown = tuple(
        Passage(n, f"{n:016x}", "a.md", "A", "Rules", None, 0, 0, len(text), text, 1.0)
        for n, text in enumerate(passages, 1)
    )
    asked = Message(role="user", content=question)
    prompt = build_prompt([asked], Evidence(question, language, shown))
    reply = {"id": identifier, "choices": [{"index": 0, "message": {"content": answers[0]}}]}
    turn = CompletionRecord(
        id=identifier,
        created=float(number),
        person=f"person {number % 20_000}",
        collection="default",
        question=question,
        language=language,
        request={"messages": [{"role": "user", "content": question}]},
        prompt=[dict(message) for message in prompt.messages],
        passages=[{"text": passage, "document": "a.md"} for passage in passages],
        reply=reply,
        decision="serve",
        answered=True,
        review=False,
        policy_version="policy",
        judge_version="judge",
        rubric_version="rubric",
        index_version="index",
        settings_version="settings",
        seconds=0.5,
        candidates=candidates,
    )
    if number % 2:
        return turn, None
    body = orjson.loads(
        orjson.dumps({"id": identifier, "type": "rating", "value": number % 3 != 0})
    )
    return turn, FeedbackRecord(
        f"fb-{number:032x}", 0.0, identifier, "rating", "ann", None, None, body
    )


if __name__ == "__main__":
    main()
