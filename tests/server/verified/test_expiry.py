"""A verified answer ends with its sources, and is forgotten with what it was made of."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from feedback.answered import answered_ids
from feedback.export import export
from feedback.find import Selection as FeedbackSelection
from feedback.log import Log
from feedback.options import Options, Selection
from feedback.tally import tally
from tests.forget.test_person import forget, holds
from tests.server.verified.desk import DOCUMENTS, Desk, ask, correct, served, verify


def test_it_ends_when_a_source_changes_and_not_when_it_is_read_again(desk: Desk) -> None:
    question = "What does a lost badge cost?"
    turn = ask(desk.eve, question)
    made = verify(desk.root, turn, answer="Fifteen euros. [1]")
    path = f"/v1/verified_answers/{made['id']}"
    desk.write("unrelated.md", "# Bees\n\nThe beehives stand behind the bicycle shed.\n")
    desk.ingest()
    assert served(ask(desk.eve, question)) == made["id"]
    (desk.docs / "badges.md").touch()
    desk.ingest(rebuild=True)
    assert served(ask(desk.eve, question)) == made["id"]
    desk.write("badges.md", DOCUMENTS["badges.md"].replace("fifteen", "twenty"))
    desk.ingest()
    reply = ask(desk.eve, question)
    assert served(reply) is None
    assert "twenty" in reply["choices"][0]["message"]["content"]
    ended = desk.ann.get(path).json()
    assert ended["state"] == "expired"
    assert "badges.md has changed since" in ended["reason"]
    # What it was made from is gone: only a new turn can be verified.
    again = {"completion_id": turn["id"], "answer": "Fifteen euros. [1]"}
    refused = desk.root.post("/v1/verified_answers", json=again)
    assert (refused.status_code, refused.json()["error"]["param"]) == (409, "completion_id")
    anew = verify(desk.root, reply, answer="Twenty euros. [1]")
    assert served(ask(desk.eve, question)) == anew["id"]
    desk.write("badges.md", DOCUMENTS["badges.md"])
    desk.ingest()
    assert served(ask(desk.eve, question)) is None
    assert desk.ann.get(path).json()["state"] == "expired"


def test_a_source_that_leaves_ends_it_and_the_list_shows_that_before_anybody_asks(
    desk: Desk,
) -> None:
    question = "员工宿舍每月租金是多少？"
    made = verify(desk.root, ask(desk.eve, question), answer="每月六百元。[1]")
    (desk.docs / "dorm.md").unlink()
    desk.ingest()
    listed = desk.ann.get("/v1/verified_answers", params={"state": "in_force"}).json()["data"]
    assert made["id"] not in [one["id"] for one in listed]
    ended = desk.ann.get(f"/v1/verified_answers/{made['id']}").json()
    assert (ended["state"], "no longer in the index" in ended["reason"]) == ("expired", True)
    assert served(ask(desk.eve, question)) is None


def test_a_source_that_gets_labels_is_kept_from_those_without_them(desk: Desk) -> None:
    question = "Until when is the roof garden open?"
    made = verify(desk.root, ask(desk.eve, question), answer="Until nine. [1]")
    assert served(ask(desk.eve, question)) == made["id"]
    desk.write("garden.md.plumbline.yaml", "labels: [hr]\n")
    desk.ingest()
    assert served(ask(desk.eve, question)) is None
    assert served(ask(desk.ann, question)) == made["id"]


def test_deleting_its_turn_takes_its_words_away(desk: Desk) -> None:
    question = "Where can I find the big stapler?"
    turn = ask(desk.eve, question)
    made = verify(desk.root, turn, answer="Where the grimblewort purrs. [1]")
    assert served(ask(desk.bob, question)) == made["id"]
    assert desk.eve.delete(f"/v1/chat/completions/{turn['id']}").status_code == 200
    assert desk.ann.get(f"/v1/verified_answers/{made['id']}").status_code == 404
    assert served(ask(desk.bob, question)) is None
    with closing(sqlite3.connect(desk.data / "log.sqlite")) as connection:
        rows = connection.execute("SELECT * FROM verified_answer").fetchall()
    assert "grimblewort" not in json.dumps(rows)


def test_it_is_no_sample_of_the_policy(desk: Desk, tmp_path: Path) -> None:
    question = "What does a month of parking cost?"
    turn = ask(desk.eve, question)
    policy = turn["plumbline"]["policy_version"]
    verify(desk.root, turn, answer="The garage takes eighty euros. [1]")
    reply = ask(desk.eve, question)
    rated = {"id": reply["id"], "type": "correction", "correction": "Eighty euros a month."}
    assert desk.ann.post("/v1/feedback", json=rated).status_code == 200
    log = Log(desk.data / "log.sqlite")
    try:
        for source, expected in (("human", 1), ("judge", 0)):
            options = Options("sft", sources=(source,), hygiene=None, validation=0.0)  # type: ignore[arg-type]
            counts = export(log, tmp_path / source, options, lambda *_: None)
            path = tmp_path / source / "train.jsonl"
            rows = [json.loads(x) for x in path.read_text().splitlines()] if path.exists() else []
            own = [row for row in rows if row["group"] == reply["id"]]
            assert len(own) == expected
            if source == "judge":
                assert counts.dropped["a verified answer answered it"] >= 1
        options = Options("dpo", hygiene=None, validation=0.0)
        export(log, tmp_path / "dpo", options, lambda *_: None)
        rows = [json.loads(x) for x in (tmp_path / "dpo" / "train.jsonl").read_text().splitlines()]
        (row,) = [row for row in rows if row["group"] == reply["id"]]
        assert row["rejected"][0]["content"] == "The garage takes eighty euros. [1]"
        assert row["rejected_policy_version"] is None
        assert reply["id"] not in set(answered_ids(log, Selection()))
        with log.reading() as connection:
            counted = tally(connection, FeedbackSelection()).to_wire()
        assert counted["verified_answers"]["served"] >= 1
        assert not [name for name in counted["policies"] if name.startswith("verified:")]
        assert policy in counted["policies"]
    finally:
        log.close()
    metrics = desk.root.get("/metrics").text
    assert 'plumbline_decisions_total{decision="serve",policy_version="verified"}' in metrics
    assert "verified:va-" not in metrics


def test_forgetting_reaches_it(desk: Desk) -> None:
    """Last: it takes documents and persons away."""
    lift, lunch = ask(desk.eve, "Who services our lift?"), ask(desk.eve, "What is the lunch price?")
    by_ann = correct(desk.ann, lunch, "Four euros, says the wobbleflorin. [1]")
    of_lunch = verify(desk.root, lunch, feedback_id=by_ann)
    of_lift = verify(desk.root, lift, answer="A zanzifrobble from Ulm. [1]")
    assert served(ask(desk.bob, "What is the lunch price?")) == of_lunch["id"]
    assert holds(desk.data, "wobbleflorin", "zanzifrobble")
    done = forget(desk.data, "--user", "ann")
    assert (done["complete"], done["counts"]["verified"]) == (True, 1)
    assert not holds(desk.data, "wobbleflorin")
    assert served(ask(desk.bob, "What is the lunch price?")) is None
    assert served(ask(desk.bob, "Who services our lift?")) == of_lift["id"]
    done = forget(desk.data, "--document", str(desk.docs / "lift.md"))
    assert done["complete"] is True
    assert not holds(desk.data, "zanzifrobble")
    assert desk.root.get(f"/v1/verified_answers/{of_lift['id']}").status_code == 404
