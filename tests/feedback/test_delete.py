"""A deleted turn is gone: from every reading, from exports, and from the bytes on the disk."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from contract.errors import NotFound
from contract.ids import uuid7
from feedback.export import export
from feedback.log import Log
from feedback.migrations import MIGRATIONS
from feedback.options import KINDS, Options
from feedback.records import CandidateRecord, CompletionRecord
from plumbline import cli
from tests.feedback.test_log import completion, feedback, write


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    opened = Log(tmp_path / "log.sqlite")
    yield opened
    opened.close()


def do(work: Coroutine[Any, Any, object]) -> object:
    return asyncio.run(work)  # type: ignore[arg-type]


def telltale(mark: str, size: int = 1) -> CompletionRecord:
    """A turn that says the same word in every place that can hold a text."""
    text = f"{mark} " * size
    message = {"role": "user", "content": text}
    identifier = f"chatcmpl-{uuid7()}"
    return completion(
        id=identifier,
        person=mark,
        question=text,
        request={"model": "plumbline", "messages": [message], "metadata": {"team": mark}},
        prompt=[message],
        passages=[{"text": text}],
        reply={"choices": [{"message": {"content": text}}], "metadata": {"team": mark}},
        candidates=(
            CandidateRecord(
                f"{identifier}-0",
                identifier,
                0,
                0,
                0,
                text,
                True,
                2.0,
                "ideal",
                {"evidence": {"apology": text}},
                tool_calls=[{"function": {"name": "f", "arguments": text}}],
                reasoning=text,
            ),
        ),
    )


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


def test_no_byte_of_a_deleted_turn_stays_on_the_disk(tmp_path: Path, log: Log) -> None:
    record = telltale("xylophone")
    said = feedback(
        record.id,
        "correction",
        correction="xylophone",
        rater="xylophone",
        idempotency_key="xylophone",
    )
    write(log, completion(), record, said, completion())
    assert b"xylophone" in on_disk(tmp_path / "log.sqlite")
    do(log.delete(record.id, by="root"))
    assert b"xylophone" not in on_disk(tmp_path / "log.sqlite")


def test_the_same_in_a_log_of_many_turns_of_all_sizes(tmp_path: Path, log: Log) -> None:
    dice = random.Random(5)
    gone, kept = [], []
    for number in range(400):
        record = telltale(f"mark{number:04d}x", dice.choice([1, 5, 40, 400, 3000]))
        (gone if dice.random() < 0.5 else kept).append((number, record))
        said = feedback(record.id, "correction", correction=f"mark{number:04d}x")
        write(log, record, said)
    for _, record in gone:
        do(log.delete(record.id))
    found = on_disk(tmp_path / "log.sqlite")
    assert [n for n, _ in gone if f"mark{n:04d}x".encode() in found] == []
    for _, record in kept:
        assert log.completion(record.id).candidates == record.candidates


def test_what_a_reader_holds_back_is_wiped_when_it_has_gone(tmp_path: Path, log: Log) -> None:
    record = telltale("xylophone")
    write(log, record)
    with log.reading() as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM completion").fetchone()
        do(log.delete(record.id))
        with pytest.raises(NotFound):
            log.completion(record.id)
        write(log, completion())
    log.close()
    assert b"xylophone" not in on_disk(tmp_path / "log.sqlite")


def test_a_deleted_turn_is_found_nowhere_and_still_counted(log: Log) -> None:
    record, other = telltale("xylophone"), completion()
    write(log, record, other, feedback(record.id, "rating", value=True))
    before = log.counts()
    do(log.delete(record.id))
    with pytest.raises(NotFound):
        log.completion(record.id)
    assert [r.id for r in log.completions()] == [other.id]
    assert log.completion_of_candidate(f"{record.id}-0") is None
    assert list(log.feedback()) == list(log.feedback(completion_id=record.id)) == []
    assert log.counts() == before | {"deleted": {"completions": 1}}
    with pytest.raises(NotFound):
        do(log.delete(record.id))
    with pytest.raises(NotFound):
        do(log.set_metadata(record.id, {"a": "b"}))


def test_feedback_on_a_deleted_turn_is_refused(log: Log) -> None:
    record = completion()
    write(log, record)
    do(log.delete(record.id))
    with pytest.raises(NotFound):
        write(log, feedback(record.id, "correction", correction="28 days."))


def test_a_write_that_is_refused_does_not_fail_its_batch(log: Log) -> None:
    record = completion()

    async def run() -> list[object]:
        work = [log.delete("chatcmpl-none"), log.write_completion(record)]
        return await asyncio.gather(*work, return_exceptions=True)

    refused, stored = do(run())  # type: ignore[misc]
    assert isinstance(refused, NotFound)
    assert stored is None
    assert log.has_completion(record.id)


@pytest.mark.parametrize("kind", KINDS)
def test_no_export_holds_a_deleted_turn(tmp_path: Path, log: Log, kind: str) -> None:
    gone, kept = telltale("xylophone"), completion()
    elsewhere = feedback(kept.id, "pair", preferred_id=f"{gone.id}-0", rejected_id=f"{kept.id}-1")
    said = feedback(gone.id, "correction", correction="xylophone")
    ranked = feedback(kept.id, "ranking", ranking=[f"{kept.id}-0", f"{kept.id}-1"])
    rated = feedback(kept.id, "rating", value=True)
    write(log, gone, kept, elsewhere, said, ranked, rated)
    do(log.delete(gone.id))
    sources = ("human",) if kind == "openai-dpo" else ("human", "judge")
    options = Options(kind, sources, min_margin=0.1)  # type: ignore[arg-type]
    counts = export(log, tmp_path / "out", options, lambda *_: None)
    files = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert sum(counts.rows.values()) > 0
    assert all(b"xylophone" not in content for content in files.values())
    assert orjson.loads(files[tmp_path / "out" / "card.json"])["dropped_turns"] == {
        "the turn was deleted": 1
    }


def test_the_command_line_shows_nothing_of_a_deleted_turn(tmp_path: Path, log: Log) -> None:
    record = telltale("xylophone")
    write(log, record, feedback(record.id, "correction", correction="xylophone"))
    do(log.delete(record.id))
    log.close()

    def run(*arguments: str) -> tuple[int, str]:
        folder = ["--data-dir", str(tmp_path)]
        result = CliRunner().invoke(cli, ["feedback", *arguments, *folder])
        return result.exit_code, result.output

    assert run("list") == run("list", "--json") == (0, "")
    code, shown = run("show", record.id)
    assert (code, "xylophone" in shown) == (1, False)
    code, shown = run("stats")
    assert code == 0
    assert "1 turns, which count above" in shown
    assert "xylophone" not in shown


def test_metadata_are_replaced_and_searched(log: Log) -> None:
    one = completion(reply={"metadata": {"team": "hr", "a.b[0]": "x"}})
    other = completion(reply={"metadata": None})
    write(log, one, other)

    def found(**pairs: str) -> set[str]:
        return {record.id for record in log.completions(metadata=pairs)}

    assert found(team="hr") == found(**{"a.b[0]": "x", "team": "hr"}) == {one.id}
    do(log.set_metadata(other.id, {"team": "hr"}))
    assert found(team="hr") == {one.id, other.id}
    do(log.set_metadata(one.id, {}))
    assert found(team="hr") == {other.id}
    assert log.completion(one.id).metadata == {}


@pytest.mark.parametrize("schema", range(1, len(MIGRATIONS)))
def test_a_turn_of_every_earlier_schema_can_be_deleted(tmp_path: Path, schema: int) -> None:
    path = tmp_path / "log.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for step in MIGRATIONS[:schema]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {schema}")
        record = telltale("xylophone")
        columns = [row[1] for row in connection.execute("PRAGMA table_info(completion)")]
        values = [getattr(record, name, None) for name in columns]
        stored = [orjson.dumps(v).decode() if isinstance(v, dict | list) else v for v in values]
        connection.execute(
            f"INSERT INTO completion VALUES ({', '.join('?' * len(columns))})", stored
        )
    log = Log(path)
    assert log.completion(record.id).metadata == {"team": "xylophone"}
    do(log.delete(record.id))
    assert b"xylophone" not in on_disk(path)
    log.close()
