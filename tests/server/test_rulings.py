"""What people rule of answers: taken, checked, read back, forgotten, and what the judge learns from it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner, Result

from contract.ids import uuid7
from feedback.forget import Found, erase_found
from feedback.log import Log
from feedback.records import CandidateRecord, CompletionRecord
from plumbline import cli
from tests.conftest import Serve, ask
from tests.feedback.test_export import TOPICS, rows
from tests.feedback.test_log import completion, feedback, write
from tests.server.test_feedback import QUESTION, given, read, refused
from tests.server.test_feedback import give as post

GOOD, BAD = "Each employee gets 27 days for {}.", "You stupid fool, ask somebody else about {}."


def turn(number: int, texts: tuple[str, ...] = (GOOD, BAD)) -> CompletionRecord:
    """A turn about one of some topics, whose verdicts find everybody polite."""
    topic = TOPICS[number % len(TOPICS)]
    record = completion(question=f"How many days do I get for {topic}?", id=f"chatcmpl-{uuid7()}")
    verdict = {
        "propositions": {"insulting_language": 0.1, "grounded": 0.9},
        "response_type": {"comply": 0.9, "hard_refuse": 0.1},
        "class": "ideal",
    }
    candidates = [
        CandidateRecord(
            *(f"{record.id}-{n}", record.id, 0, 0, n, text.format(topic), n == 0, 1.0, "ideal"),
            judgement=verdict,
        )
        for n, text in enumerate(texts)
    ]
    passages = [{"text": f"Each employee gets 27 days for {topic}."}]
    return replace(record, candidates=tuple(candidates), passages=passages)


def rule(log: Log, record: CompletionRecord, **said: object) -> None:
    write(log, feedback(record.id, "ruling", **said))


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def lines(folder: Path) -> list[dict]:
    text = (folder / "train.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_ruling_is_stored_superseded_listed_and_counted(serve: Serve, tmp_path: Path) -> None:
    url = serve()
    reply = ask(url, QUESTION, plumbline={"show_candidates": True})
    (candidate, *_) = (c["id"] for c in reply["plumbline"]["candidates"])
    body = {"id": reply["id"], "type": "ruling", "rater": "ann"}
    agrees = given(url, body)["id"]
    overrules = {
        "candidate_id": candidate,
        "propositions": {"grounded": False},
        "class": "unacceptable",
        "supersedes": agrees,
    }
    given(url, body | overrules)
    first, second = read(url, reply["id"])
    assert (first["state"], second["state"]) == ("superseded", "counts")
    assert overrules.items() <= second.items()
    listed = run("feedback", "list", "--type", "ruling", "--data-dir", tmp_path).output
    assert "agrees with the judge" in listed
    assert "grounded no, class unacceptable" in listed
    counted = run("feedback", "stats", "--json", "--data-dir", tmp_path).output
    assert json.loads(counted)["feedback"] == {"ruling": 2}


def test_a_ruling_that_says_nothing_sensible_is_refused_by_its_field(serve: Serve) -> None:
    url = serve()
    for ruling, param in (
        ({"propositions": {"groundde": True}}, "propositions"),
        ({"propositions": {"grounded": "yes"}}, "propositions.grounded"),
        ({"propositions": {}}, "propositions"),
        ({"class": "good"}, "class"),
        ({"value": True}, "value"),
        ({"type": "rating", "value": True, "class": "ideal"}, "class"),
        ({"type": "comment", "comment": "x", "propositions": {"grounded": True}}, "propositions"),
    ):
        body = {"id": f"chatcmpl-{uuid7()}", "type": "ruling"} | ruling
        refused(post(url, body), 400, param)


def test_propositions_of_an_older_rubric_can_be_ruled_on_where_it_judged(
    serve: Serve, tmp_path: Path
) -> None:
    url = serve()
    record = completion(id=f"chatcmpl-{uuid7()}")
    judged = replace(record.candidates[0], judgement={"propositions": {"was_kind": 0.4}})
    write(Log(tmp_path / "log.sqlite"), replace(record, candidates=(judged,)))
    body = {"id": record.id, "type": "ruling", "propositions": {"was_kind": True}}
    assert given(url, body)["status"] == "stored"
    elsewhere = body | {"id": ask(url, QUESTION)["id"]}
    assert "was_kind" in refused(post(url, elsewhere), 400, "propositions")


def test_rulings_reach_the_judge_by_the_files_that_its_commands_read(
    serve: Serve, tmp_path: Path
) -> None:
    url = serve()
    log = Log(tmp_path / "log.sqlite")
    turns = [turn(number) for number in range(12)]
    write(log, *turns)
    for record in turns:
        polite, rude = (c.id for c in record.candidates)
        ruling = {"id": record.id, "type": "ruling"}
        given(url, ruling | {"propositions": {"insulting_language": False}, "class": "ideal"})
        insulted = {"propositions": {"insulting_language": True}, "class": "unacceptable"}
        given(url, ruling | {"candidate_id": rude} | insulted)
    data = ("--data-dir", tmp_path)
    labels, ladders, head = (tmp_path / name for name in ("labels", "ladders", "head"))

    run("export", "labels", "--out", labels, *data)
    (first, *_) = found = lines(labels)
    assert len(found) == 12
    assert [label["class"] for label in first["labels"]] == ["ideal", "unacceptable"]
    report = json.loads(run("rubric", "agree", labels / "train.jsonl", "--json").stdout)
    assert report["propositions"]["insulting_language"]["answers"] == 24
    assert report["propositions"]["insulting_language"]["positives"] == 12
    assert report["classes"]["answers"] == 24
    assert report["skipped_lines"] == 0

    run("export", "ladders", "--out", ladders, *data)
    fitted = json.loads(run("rubric", "fit", ladders / "train.jsonl", "--json").stdout)
    assert fitted["comply"]["prompts"] == 12

    run("export", "labels", "--proposition", "insulting_language", "--out", head, *data)
    made = tmp_path / "rude.safetensors"
    assert "24" in run("rubric", "train", head / "train.jsonl", "--out", made).stdout
    assert made.is_file()
    assert "rubric train" in (head / "README.md").read_text("utf-8")
    for kind in ("rm", "dpo", "kto", "sft"):
        assert rows(log, tmp_path / kind, kind=kind) == [], "a ruling is no preference"


def test_a_ruling_that_only_agrees_says_what_the_judge_said(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.sqlite")
    record = turn(0)
    write(log, record)
    rule(log, record)
    (row,) = rows(log, tmp_path / "out", kind="labels")
    assert row["labels"] == [
        {"propositions": {"insulting_language": False, "grounded": True}, "class": "ideal"}
    ]
    assert row["answers"] == [record.candidates[0].text]
    assert row["messages"] == [{"role": "user", "content": record.question}]


def test_of_several_raters_most_decide_and_of_one_the_last_word(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.sqlite")
    record = turn(0)
    write(log, record)
    for rater, grounded, kind in (
        ("ann", True, "ideal"),
        ("ann", False, "illogical"),
        ("bob", False, "unacceptable"),
        ("eve", True, None),
    ):
        said = {"rater": rater, "propositions": {"grounded": grounded}} | (
            {"class": kind} if kind else {}
        )
        rule(log, record, **said)
    (row,) = rows(log, tmp_path / "out", kind="labels")
    assert row["labels"] == [{"propositions": {"grounded": False}}], "of the classes none leads"
    assert rows(log, tmp_path / "ladders", kind="ladders") == []


def test_personal_data_stay_out_of_labels_and_ladders(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.sqlite")
    record = turn(0, (GOOD, "Write to jane.roe@example.org about {}."))
    write(log, record)
    rule(log, record, **{"class": "ideal"})
    rule(log, record, candidate_id=record.candidates[1].id, **{"class": "unacceptable"})
    for kind in ("labels", "ladders"):
        out = tmp_path / kind
        run("export", kind, "--out", out, "--pii", "redact", "--data-dir", tmp_path)
        text = (out / "train.jsonl").read_text("utf-8")
        assert "jane.roe" not in text
        assert "[MAIL]" in text


def test_rulings_come_from_people_only(tmp_path: Path) -> None:
    Log(tmp_path / "log.sqlite").close()
    for wrong in (("labels", "--source", "judge"), ("dpo", "--proposition", "grounded")):
        arguments = ["export", *wrong, "--out", str(tmp_path / "x"), "--data-dir", str(tmp_path)]
        assert CliRunner().invoke(cli, arguments).exit_code != 0
    assert not (tmp_path / "x").exists()


def test_of_a_forgotten_rater_the_bare_ruling_stays(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.sqlite")
    record = turn(0)
    write(log, record)
    said = {"propositions": {"grounded": False}, "comment": "I am Ann.", "rater": "ann"}
    rule(log, record, **said)
    (stored,) = log.feedback()
    with log.writing() as connection:
        erase_found(connection, Found([], [stored.id]), "")
    (left,) = log.feedback()
    assert left.body == {"propositions": {"grounded": False}}
    assert left.rater is None
