import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contract.errors import ConfigurationError
from feedback.export import export
from feedback.log import Log
from feedback.options import Options
from plumbline import cli
from tests.feedback.test_log import candidate, completion, feedback, write

TOPICS = (
    "leave budgets laptops parking visas invoices pensions trains lunches keys heating onboarding audits "
    "printers travel insurance mentoring backups meetings contracts"
).split()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log.sqlite")


def rows(log: Log, folder: Path, **options: object) -> list[dict]:
    plain = {"validation": 0.0, "hygiene": None}
    export(log, folder, Options(**plain | options), lambda *_: None)  # type: ignore[arg-type]
    file = folder / "train.jsonl"
    return (
        [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []
    )


def said(row: dict, column: str) -> str:
    (message,) = row[column]
    assert message["role"] == "assistant"
    return message["content"]


def test_a_ranking_becomes_all_pairs_with_one_weight_in_all(log: Log, tmp_path: Path) -> None:
    record = completion()
    texts = ["good", "fair", "poor"]
    ranked = [candidate(record.id, i, text, float(-i)) for i, text in enumerate(texts)]
    record = completion(id=record.id, candidates=tuple(ranked))
    write(log, record, feedback(record.id, "ranking", ranking=[c.id for c in ranked]))
    found = rows(log, tmp_path / "out", kind="rm")
    pairs = [(said(row, "chosen"), said(row, "rejected")) for row in found]
    assert pairs == [("good", "fair"), ("good", "poor"), ("fair", "poor")]
    assert sum(row["weight"] for row in found) == pytest.approx(1)
    assert [row["reward_margin"] for row in found] == [1, 2, 1]
    assert {row["group"] for row in found} == {record.id}


def test_rows_hold_what_the_judge_reads_of_a_turn(log: Log, tmp_path: Path) -> None:
    asked = [
        {"role": "user", "content": "How many weeks?"},
        {"role": "assistant", "content": "Five [1]."},
        {"role": "user", "content": "And how many days?"},
    ]
    request = {"messages": asked, "plumbline": {"response_type": "safe_refuse"}}
    record = completion(question="And how many days?", request=request)
    write(log, record, feedback(record.id, "correction", correction="27 [1]."))
    for kind in ("rm", "dpo", "grpo"):
        (row, *_) = rows(log, tmp_path / kind, kind=kind)
        assert (row["question"], row["previous"]) == ("And how many days?", "Five [1].")
    assert row["response_type"] == "safe_refuse"


def test_human_and_judge_preferences_never_mix_silently(log: Log, tmp_path: Path) -> None:
    record = completion()
    write(log, record, feedback(record.id, "correction", correction="Twenty-seven."))
    assert [r["source"] for r in rows(log, tmp_path / "h", kind="dpo")] == ["human"]
    assert [r["source"] for r in rows(log, tmp_path / "j", kind="dpo", sources=("judge",))] == [
        "judge"
    ]
    both = rows(log, tmp_path / "b", kind="dpo", sources=("human", "judge"))
    assert sorted(r["source"] for r in both) == ["human", "judge"]


def test_a_judge_needs_a_margin(log: Log, tmp_path: Path) -> None:
    write(log, completion())
    assert len(rows(log, tmp_path / "a", kind="dpo", sources=("judge",), min_margin=1.4)) == 1
    assert not rows(log, tmp_path / "b", kind="dpo", sources=("judge",), min_margin=1.6)


def test_the_judge_never_prefers_what_may_not_be_served(log: Log, tmp_path: Path) -> None:
    record = completion()
    bad = candidate(record.id, 2, "You idiot, 27 days.", 9.0)
    bad = replace(bad, judgement={"violations": ["insulting_language"]})
    write(log, completion(id=record.id, candidates=(*record.candidates, bad)))
    (row,) = rows(log, tmp_path / "out", kind="dpo", sources=("judge",))
    assert said(row, "chosen") == "27 days."


def test_opinions_that_cancel_out_are_no_label(log: Log, tmp_path: Path) -> None:
    record = completion()
    ratings = [
        feedback(record.id, "rating", value=v, rater=r) for v, r in ((True, "a"), (False, "b"))
    ]
    write(log, record, *ratings)
    export(log, tmp_path / "out", Options("kto"), lambda *_: None)
    assert not list((tmp_path / "out").glob("*.jsonl"))


def test_sft_kto_and_grpo_rows(log: Log, tmp_path: Path) -> None:
    liked, disliked = completion(), completion(question="Why?")
    write(log, liked, disliked)
    write(log, feedback(liked.id, "rating", value=5), feedback(disliked.id, "rating", value="bad"))
    (sft,) = rows(log, tmp_path / "sft", kind="sft")
    assert said(sft, "completion") == "27 days."
    labels = {row["group"]: row["label"] for row in rows(log, tmp_path / "kto", kind="kto")}
    assert labels == {liked.id: True, disliked.id: False}
    (grpo,) = rows(log, tmp_path / "grpo", kind="grpo")
    assert (grpo["reference"], grpo["passages"]) == ("27 days.", ["27 days."])


def test_a_tie_is_two_marks_and_no_pair(log: Log, tmp_path: Path) -> None:
    good, bad = completion(), completion(question="Why?")
    write(log, good, bad)
    for record, value in ((good, "good"), (bad, "bad")):
        ids = [one.id for one in record.candidates]
        write(log, feedback(record.id, "tie", tied_ids=ids, value=value))
    found = rows(log, tmp_path / "kto", kind="kto")
    labels = [(row["group"], row["label"]) for row in found]
    assert sorted(labels) == sorted([(good.id, True), (bad.id, False)] * 2)
    for kind in ("rm", "dpo", "sft"):
        assert rows(log, tmp_path / kind, kind=kind) == []


def test_feedback_that_came_before_its_turn_counts(log: Log, tmp_path: Path) -> None:
    record = completion()
    write(log, feedback(record.id, "correction", correction="Twenty-seven."), record)
    assert len(rows(log, tmp_path / "out", kind="dpo")) == 1


def test_two_turns_of_one_question_can_be_compared(log: Log, tmp_path: Path) -> None:
    one, two = completion(), completion()
    draft = candidate(two.id, 0, "No idea.", 0.0, served=True)
    two = completion(id=two.id, candidates=(draft,), policy_version="newer")
    write(log, one, two, feedback(one.id, "pair", preferred_id=one.id, rejected_id=two.id))
    (row,) = rows(log, tmp_path / "out", kind="dpo")
    assert (said(row, "chosen"), said(row, "rejected")) == ("27 days.", "No idea.")
    versions = (row["chosen_policy_version"], row["rejected_policy_version"])
    assert versions == (one.policy_version, "newer")


def test_the_same_log_and_seed_give_the_same_bytes(log: Log, tmp_path: Path) -> None:
    for number, topic in enumerate(TOPICS):
        record = completion(question=f"What do we know about {topic}?", person=f"person {number}")
        write(log, record, feedback(record.id, "correction", correction="Better."))
    for name in ("one", "two"):
        export(log, tmp_path / name, Options("dpo", validation=0.3), lambda *_: None)
    for file in ("train.jsonl", "validation.jsonl", "card.json", "README.md"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert (tmp_path / "one" / "validation.jsonl").stat().st_size > 0


def test_the_card_counts_what_was_left_out(log: Log, tmp_path: Path) -> None:
    write(log, completion(), completion(decision="error"))
    export(log, tmp_path / "out", Options("dpo"), lambda *_: None)
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["turns_read"] == 2
    assert card["dropped_turns"] == {"nobody has said anything about it": 1, "the turn failed": 1}


@pytest.mark.parametrize("kind", ["file", "link"])
def test_an_out_that_is_no_folder_is_a_plain_sentence(log: Log, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    out.write_text("mine") if kind == "file" else out.symlink_to(tmp_path)
    with pytest.raises(ConfigurationError, match="not a folder"):
        export(log, out, Options("dpo"), lambda *_: None)


def test_a_folder_of_somebody_else_is_not_replaced(log: Log, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationError, match="not made by an export"):
        export(log, tmp_path / "out", Options("dpo"), lambda *_: None)
    assert (tmp_path / "out" / "thesis.txt").exists()


def test_an_export_is_replaced_and_said_so_but_nothing_else_in_its_folder(
    log: Log, tmp_path: Path
) -> None:
    write(log, completion())
    out = tmp_path / "out"

    def run() -> Result:
        command = ["export", "dpo", "--source", "judge", "--out", str(out), "--data-dir"]
        return CliRunner().invoke(cli, [*command, str(tmp_path)])

    assert "replaced: " not in run().output
    assert "replaced: the export that was in" in run().output
    (out / "adapter").mkdir()
    refused = run()
    assert refused.exit_code == 1 and "also adapter" in refused.output
    assert (out / "adapter").is_dir() and (out / "card.json").is_file()
