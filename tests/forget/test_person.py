"""A person is forgotten: in every place of the log, down to the bytes, and nobody else is."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from contract.errors import NotFound
from feedback.export import export
from feedback.log import Log
from feedback.options import KINDS, Options
from feedback.records import CompletionRecord
from plumbline import cli
from tests.feedback.test_delete import telltale
from tests.feedback.test_log import completion, feedback, write

ANN = "ann.marlow@example.com"
ENGLISH = "xylophone concerto at midnight"
CHINESE = "王晓雯的育儿假从五月三日开始"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    opened = Log(tmp_path / "log.sqlite")
    yield opened
    opened.close()


def forget(folder: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    options = ["--data-dir", str(folder), "--wait", "20", "--json", "--yes"]
    result = CliRunner().invoke(cli, ["forget", *options, *arguments])
    assert result.exit_code == code, result.output
    lines = [line for line in result.output.splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if lines else {}


def on_disk(folder: Path) -> bytes:
    return b"\n".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def holds(folder: Path, *texts: str) -> bool:
    content = on_disk(folder)
    forms = {form for text in texts for form in (text, json.dumps(text)[1:-1])}
    return any(form.encode() in content for form in forms)


def of_ann(text: str, **changes: object) -> CompletionRecord:
    """A turn of Ann's that says `text` wherever a text may stand."""
    return replace(telltale(text), **({"person": ANN, "created": time.time()} | changes))  # type: ignore[arg-type]


def test_no_byte_of_a_person_stays_and_nobody_else_loses_any(tmp_path: Path, log: Log) -> None:
    others = [completion(person=f"bob{n}", created=float(n)) for n in range(30)]
    mine = [of_ann(f"{text} {n}") for n, text in enumerate([ENGLISH, CHINESE] * 20)]
    by_user = of_ann(ENGLISH, person="s-1", request={"user": ANN, "messages": []})
    by_key = of_ann(CHINESE, person="somebody", made_by=ANN)
    on_mine = feedback(mine[0].id, "correction", correction=CHINESE, rater="bob1")
    rating = feedback(
        others[0].id, "rating", value=True, rater=ANN, comment=ENGLISH, idempotency_key=ANN
    )
    words = feedback(others[1].id, "correction", correction=CHINESE, rater=ANN)
    early = feedback("chatcmpl-not-yet", "rating", value=3, rater=ANN, comment=CHINESE)
    bobs = feedback(others[1].id, "rating", value=False, rater="bob2", comment="Too long.")
    for records in (others[:15], mine, [by_user, by_key], others[15:]):
        write(log, *records)
    write(log, on_mine, rating, words, early, bobs)
    before = log.counts()
    assert holds(tmp_path, ENGLISH) and holds(tmp_path, CHINESE) and holds(tmp_path, ANN)

    done = forget(tmp_path, "--user", ANN, "--by", "root")

    assert not holds(tmp_path, ENGLISH, CHINESE, ANN)
    assert done["complete"] and done["proof"]["found"] == 0
    assert done["proof"]["stretches"] > 40 and done["proof"]["files"] >= 1
    assert done["counts"] == {
        "turns": 42,
        "candidates": 42,
        "feedback": 1,
        "feedback_given": 3,
    }
    assert "2 of the turns were made" not in str(done["notes"])
    assert "1 of the turns were made with the key" in str(done["notes"])
    assert log.counts() == before | {"deleted": {"completions": 42}}
    assert list(log.completions()) == sorted(others, key=lambda record: record.id)
    left = {row.id: row for row in log.feedback()}
    assert set(left) == {rating.id, early.id, bobs.id}
    assert left[bobs.id] == bobs
    assert (left[rating.id].rater, left[rating.id].body) == (None, {"value": True})
    assert left[early.id].body == {"value": 3}


@pytest.mark.parametrize("kind", KINDS)
def test_no_export_to_come_holds_a_forgotten_person(tmp_path: Path, log: Log, kind: str) -> None:
    kept, mine = completion(), of_ann(ENGLISH)
    rated = feedback(kept.id, "rating", value=True, rater=ANN, comment=CHINESE)
    said = feedback(kept.id, "correction", correction=CHINESE, rater=ANN)
    ranked = feedback(kept.id, "ranking", ranking=[f"{kept.id}-0", f"{kept.id}-1"], rater=ANN)
    write(log, kept, mine, rated, said, ranked, feedback(mine.id, "rating", value=True))
    forget(tmp_path, "--user", ANN)
    sources = ("human",) if kind == "openai-dpo" else ("human", "judge")
    options = Options(kind, sources, min_margin=0.1)  # type: ignore[arg-type]
    counts = export(log, tmp_path / "out", options, lambda *_: None)
    assert sum(counts.rows.values()) > 0
    assert not holds(tmp_path / "out", ENGLISH, CHINESE, ANN)


def test_a_turn_in_flight_lands_without_its_texts_and_a_later_one_is_new(
    tmp_path: Path, log: Log
) -> None:
    in_flight = of_ann(ENGLISH)
    early = feedback(in_flight.id, "rating", value=True, rater="bob", comment=CHINESE)
    write(log, of_ann("an older turn of hers, long ago"), early)
    forget(tmp_path, "--user", ANN)
    write(log, in_flight)
    assert not holds(tmp_path, ENGLISH, ANN)
    with pytest.raises(NotFound):
        log.completion(in_flight.id)
    assert log.counts()["deleted"] == {"completions": 2}
    assert list(log.feedback()) == []
    later = of_ann("something new that she asked", created=time.time() + 1)
    write(log, later)
    assert log.completion(later.id).candidates == later.candidates
    verified = forget(tmp_path, "--verify")
    assert verified["complete"]
    (stone,) = verified["tombstones"]
    assert stone["counts"] == {"turns": 1, "candidates": 1, "late_turns": 1}
    assert ANN not in json.dumps(verified)


def test_what_a_reader_holds_back_is_said_and_wiped_later(tmp_path: Path, log: Log) -> None:
    write(log, of_ann(ENGLISH))
    with log.reading() as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM completion").fetchone()
        done = forget(tmp_path, "--user", ANN, "--wait", "1", code=3)
        assert done["held"] and not done["complete"]
        assert done["proof"]["remains"]
        assert not forget(tmp_path, "--verify", "--wait", "0", code=3)["complete"]
    assert forget(tmp_path, "--verify")["complete"]
    assert not holds(tmp_path, ENGLISH, ANN)


def test_others_who_say_the_same_keep_it(tmp_path: Path, log: Log) -> None:
    same = replace(telltale(ENGLISH), person="bob")
    write(log, of_ann(ENGLISH), same)
    done = forget(tmp_path, "--user", ANN)
    assert done["complete"] and done["proof"]["shared"] > 0
    assert log.completion(same.id).candidates == same.candidates


def test_a_dry_run_names_what_would_go_and_changes_nothing(tmp_path: Path, log: Log) -> None:
    hers = of_ann(ENGLISH)
    write(log, hers, completion())
    before = list(log.completions())
    would = forget(tmp_path, "--user", ANN, "--dry-run")
    assert (would["counts"]["turns"], would["tombstone"], would["proof"]) == (1, None, None)
    assert would["turns"] == [hers.id]
    command = ["forget", "--user", ANN, "--dry-run", "--data-dir", str(tmp_path)]
    assert f"turns:\n  {hers.id}\n" in CliRunner().invoke(cli, command).output
    assert list(log.completions()) == before
    assert forget(tmp_path, "--verify")["tombstones"] == []


def test_turns_of_others_that_hold_the_id_are_named(tmp_path: Path, log: Log) -> None:
    other = completion(request={"messages": [], "metadata": {"manager": ANN}}, person="bob")
    write(log, of_ann(ENGLISH), other)
    assert other.id in str(forget(tmp_path, "--user", ANN)["notes"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--user", "unknown"], "no person"),
        (["--user", "nobody-here"], "no turn and no feedback"),
        (["--user", "ann", "--verify"], "Give one of"),
        ([], "Give one of"),
        (["--document", "none.md"], "no such file"),
        (["--document", "."], "is a folder"),
        (["--allow", "none.md"], "not kept out"),
    ],
)
def test_what_can_not_be_meant_is_refused(
    tmp_path: Path, log: Log, arguments: list[str], says: str
) -> None:
    write(log, completion())
    result = CliRunner().invoke(cli, ["forget", *arguments, "--data-dir", str(tmp_path)])
    assert result.exit_code in (1, 2)
    assert says in result.output
    assert len(list(log.completions())) == 1


def test_a_wrong_folder_is_not_filled(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    result = CliRunner().invoke(cli, ["forget", "--user", "ann", "--data-dir", str(folder)])
    assert (result.exit_code, folder.exists()) == (1, False)
    assert "--data-dir" in result.output


def test_people_read_what_was_done(tmp_path: Path, log: Log) -> None:
    write(log, of_ann(ENGLISH))
    arguments = ["forget", "--yes", "--user", ANN, "--data-dir", str(tmp_path), "--by", "root"]
    shown = CliRunner().invoke(cli, arguments).output
    for words in (
        "Forgotten: 1 turns",
        ": 0 found in",
        "Tombstone forget-",
        "Out of reach: exports",
    ):
        assert words in shown
    shown = CliRunner().invoke(cli, ["forget", "--verify", "--data-dir", str(tmp_path)]).output
    assert "by root: 1 turns, 1 candidates" in shown and ANN not in shown


def test_a_name_goes_from_what_its_owner_deleted(tmp_path: Path, log: Log) -> None:
    own, other = of_ann(ENGLISH), completion(person="bob")
    write(log, own, other, of_ann(CHINESE))
    asyncio.run(log.delete(own.id, by=ANN))
    asyncio.run(log.delete(other.id, by=ANN))
    assert holds(tmp_path, ANN)
    forget(tmp_path, "--user", ANN)
    assert not holds(tmp_path, ANN)
    assert orjson.loads(orjson.dumps(log.counts()))["deleted"] == {"completions": 3}


def test_nobody_is_forgotten_where_nobody_can_be_asked(tmp_path: Path, log: Log) -> None:
    write(log, of_ann(ENGLISH))
    result = CliRunner().invoke(cli, ["forget", "--user", ANN, "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "--yes" in result.output
    assert holds(tmp_path, ENGLISH)
