import asyncio
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


def test_a_log_that_is_no_database_is_a_plain_sentence(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    path.write_text("this is not SQLite" * 100)
    with pytest.raises(ConfigurationError, match="can't be used"):
        Log(path)


def test_writes_that_wait_for_a_lock_too_long_fail_and_later_ones_do_not(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    log = Log(path, lock_seconds=0.2)
    kept, lost = completion(), [completion() for _ in range(8)]

    async def at_once(records: list[CompletionRecord]) -> list[object]:
        return await asyncio.gather(
            *(log.write_completion(record) for record in records), return_exceptions=True
        )

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        results = asyncio.run(at_once(lost))
        assert {type(result) for result in results} == {StorageFailed}
        assert "database is locked" in str(results[0])
        with pytest.raises(StorageFailed):
            asyncio.run(log.check())
        other.execute("ROLLBACK")
    asyncio.run(log.check())
    write(log, kept)
    assert [record.id for record in log.completions()] == [kept.id]
    log.close()


def test_an_answer_that_was_only_queued_and_is_lost_stops_those_after_it(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    log = Log(path, acknowledge="queued", lock_seconds=0.1)

    async def run() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await log.write_completion(completion())
            with pytest.raises(StorageFailed):
                while True:
                    await log.check()
                    await asyncio.sleep(0.01)
        await log.check()

    asyncio.run(run())
    log.close()


READ_ONLY = """
import sys
from pathlib import Path
from contract.errors import ConfigurationError
from feedback.log import Log
log = Log(Path(sys.argv[1]))
try:
    log.check_writable()
except ConfigurationError as error:
    print(len(list(log.completions())), error.message)
"""


def test_a_log_that_can_only_be_read_is_read_but_no_server_starts_on_it(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    log = Log(path)
    write(log, completion())
    log.close()
    path.chmod(0o444)
    command = [sys.executable, "-c", READ_ONLY, str(path)]
    if os.geteuid() == 0:
        # Root may write everything, unless it gives up that right.
        command = ["setpriv", "--bounding-set=-dac_override", *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("1 ") and "can't be written" in done.stdout, done.stderr


def test_only_the_owner_may_read_the_log(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.sqlite")
    write(log, completion())
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
