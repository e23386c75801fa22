import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from contract.access import PUBLIC, Access
from contract.errors import ConfigurationError, NotFound, StorageFailed
from contract.ids import uuid7
from feedback.log import Log
from feedback.migrations import MIGRATIONS
from feedback.records import CandidateRecord, CompletionRecord, FeedbackRecord

ROOT = Path(__file__).parents[2]


def completion(**changes: object) -> CompletionRecord:
    identifier = str(changes.pop("id", f"chatcmpl-{uuid7()}"))
    asked = [{"role": "user", "content": changes.get("question", "How many days?")}]
    values: dict = {
        "id": identifier,
        "created": 1.0,
        "person": "unknown",
        "collection": "default",
        "question": "How many days?",
        "language": "en",
        "request": {"messages": asked},
        "prompt": asked,
        "passages": [{"text": "27 days."}],
        "reply": {"choices": [{"message": {"content": "27 days."}}]},
        "decision": "serve",
        "answered": True,
        "review": False,
        "policy_version": "p",
        "judge_version": "j",
        "rubric_version": "r",
        "index_version": "i",
        "settings_version": "s",
        "seconds": 0.1,
        "candidates": (
            candidate(identifier, 0, "27 days.", 2.0, served=True),
            candidate(identifier, 1, "Many days.", 0.5),
        ),
    }
    return CompletionRecord(**{**values, **changes})


def candidate(
    owner: str, ordinal: int, text: str, reward: float, served: bool = False
) -> CandidateRecord:
    return CandidateRecord(
        f"{owner}-{ordinal}",
        owner,
        0,
        0,
        ordinal,
        text,
        served,
        reward,
        "ideal",
        {"reward": reward},
    )


def feedback(owner: str, kind: str, **body: object) -> FeedbackRecord:
    return FeedbackRecord(
        f"fb-{uuid7()}",
        1.0,
        owner,
        kind,
        body.get("rater"),
        body.get("idempotency_key"),  # type: ignore[arg-type]
        body.get("supersedes"),
        body,  # type: ignore[arg-type]
    )


def write(log: Log, *records: CompletionRecord | FeedbackRecord) -> None:
    async def run() -> None:
        for record in records:
            if isinstance(record, CompletionRecord):
                await log.write_completion(record)
            else:
                await log.write_feedback(record)

    asyncio.run(run())


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log.sqlite")


def test_a_turn_reads_back_as_it_was_written(log: Log) -> None:
    record = completion()
    write(log, record)
    assert log.completion(record.id) == record
    assert [r.id for r in log.completions()] == [record.id]


def test_an_unknown_turn_is_not_found(log: Log) -> None:
    with pytest.raises(NotFound):
        log.completion("chatcmpl-none")


def test_the_same_idempotency_key_is_stored_once(log: Log) -> None:
    record = completion()
    first = feedback(record.id, "rating", value=True, idempotency_key="k")
    again = feedback(record.id, "rating", value=False, idempotency_key="k")
    write(log, record, first, again)
    assert [row.id for row in log.feedback()] == [first.id]


def test_superseded_feedback_is_kept_but_not_counted(log: Log) -> None:
    record = completion()
    first = feedback(record.id, "rating", value=True)
    second = feedback(record.id, "rating", value=False, supersedes=first.id)
    write(log, record, first, second)
    assert [row.id for row in log.feedback()] == [second.id]
    assert len(list(log.feedback(include_superseded=True))) == 2


def test_one_bad_row_does_not_fail_its_batch(log: Log) -> None:
    record = completion()

    async def run() -> list[object]:
        writes = [log.write_completion(r) for r in (record, record, completion())]
        return await asyncio.gather(*writes, return_exceptions=True)

    results = asyncio.run(run())
    assert [type(result) for result in results] == [type(None), StorageFailed, type(None)]
    assert len(list(log.completions())) == 2


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from feedback.log import Log\n"
        "from tests.feedback.test_log import completion\n"
        "async def run():\n"
        "    log = Log(Path(sys.argv[1]))\n"
        "    while True:\n"
        "        records = [completion() for _ in range(5)]\n"
        "        await asyncio.gather(*(log.write_completion(r) for r in records))\n"
        "        print(*(r.id for r in records), flush=True)\n"
        "asyncio.run(run())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = [process.stdout.readline() for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += process.stdout.readlines()
    ids = {i for line in acknowledged if line.endswith("\n") for i in line.split()}
    process.wait()
    process.stdout.close()
    stored = {record.id for record in Log(path).completions()}
    assert len(ids) >= 100
    assert ids <= stored


def test_a_log_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path, record = tmp_path / "log.sqlite", completion()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        MIGRATIONS[0](connection)
        connection.execute("PRAGMA user_version = 1")
        columns = [row[1] for row in connection.execute("PRAGMA table_info(completion)")]
        values = [getattr(record, name) for name in columns]
        stored = [json.dumps(v) if isinstance(v, dict | list) else v for v in values]
        marks = ", ".join("?" * len(columns))
        connection.execute(f"INSERT INTO completion VALUES ({marks})", stored)
    old = Log(path).completion(record.id, access=PUBLIC)
    assert (old.question, old.labels) == (record.question, [])


def test_a_turn_is_shown_to_who_may_see_each_labelled_passage(log: Log) -> None:
    public, both = completion(), completion(labels=[["hr"], ["board", "sales"]])
    write(log, public, both)
    for labels, seen in (
        ((), {public.id}),
        (("hr",), {public.id}),
        (("hr", "sales"), {public.id, both.id}),
    ):
        access = Access(frozenset(labels))
        assert {r.id for r in log.completions(access=access)} == seen
    with pytest.raises(NotFound):
        log.completion(both.id, access=PUBLIC)


def test_a_log_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    Log(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(ConfigurationError, match="newer Plumbline"):
        Log(path)


def test_a_log_that_is_no_database_is_a_plain_sentence(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    path.write_text("this is not SQLite" * 100)
    with pytest.raises(ConfigurationError, match="can't be used"):
        Log(path)
