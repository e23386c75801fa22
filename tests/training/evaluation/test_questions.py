from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contract.passage import Chunk
from contract.settings import RetrievalSettings
from ingest.build import Ingest
from plumbline import cli
from tests.scripted_policy import ScriptedPolicy
from text.encoder import Encoder
from training.evaluation import questions
from training.evaluation.asking import Written, parse

LEAVE = (
    "Every employee gets 27 working days of annual leave. Days that are left over at the end of the year "
    "expire on the last day of March, unless the head of department agrees in writing."
)
BIKES = (
    "Company bicycles stand in the cellar of the northern building. The workshop repairs them on Mondays "
    "between nine and twelve; bring the key and the number on the frame."
)
MEALS = "食堂每天中午十一点半到下午一点半开放，员工凭工牌就餐，每餐补贴十五元。周五供应素食，访客需要提前一天在前台登记。"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    for name, text in (("leave", LEAVE), ("bikes", BIKES), ("meals", MEALS)):
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    Ingest(folder / "index", encoder, RetrievalSettings()).run([folder], "default")
    return folder / "index"


def run(index: Path, out: Path, *more: str, **environment: str) -> Result:
    arguments = ["eval", "questions", "--index", str(index), "--out", str(out), *more]
    return CliRunner().invoke(cli, arguments, env=environment)


def answer_by_passage(policy: ScriptedPolicy, written: dict[str, tuple[str, str]]) -> None:
    """The server looks which passage it is shown, as a model would."""

    def script() -> object:
        said = policy.requests[-1]["messages"][-1]["content"]
        question, answer = next(pair for part, pair in written.items() if part in said)
        return json.dumps({"question": question, "answer": answer}, ensure_ascii=False)

    policy._next = script  # type: ignore[assignment,method-assign]


def test_questions_about_each_document_in_both_languages(
    index: Path, tmp_path: Path, policy: ScriptedPolicy
) -> None:
    written = {
        "annual leave": ("How many days of annual leave do employees get?", "27 working days"),
        "bicycles": ("When does the workshop repair company bicycles?", "on Mondays"),
        "食堂": ("食堂每餐补贴多少钱？", "十五元"),
    }
    answer_by_passage(policy, written)
    out = tmp_path / "questions.jsonl"
    result = run(index, out, "--policy-url", policy.url, "-n", "3")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert {row["reference"] for row in rows} == {"27 working days", "on Mondays", "十五元"}
    for row in rows:
        assert row["passage"] in (LEAVE, BIKES, MEALS) and row["reference"] in row["passage"]
        assert row["cited"] and set(row["cited"]) <= set(row["passages"])
        assert Path(row["document"]).suffix == ".txt"
    assert {row["language"] for row in rows} == {"en", "zh"}
    assert policy.requests[0]["response_format"]["type"] == "json_schema"
    again = tmp_path / "again.jsonl"
    assert run(index, again, "--policy-url", policy.url, "-n", "3").exit_code == 0
    assert again.read_bytes() == out.read_bytes()


def test_what_is_dropped_is_counted(index: Path, tmp_path: Path, policy: ScriptedPolicy) -> None:
    written = {
        "annual leave": ("How many days of annual leave do employees get?", "30 working days"),
        "bicycles": ("How many days of annual leave do employees get?", "on Mondays"),
        "食堂": ("食堂每餐补贴多少钱？", "十五元"),
    }
    answer_by_passage(policy, written)
    one = {"PLUMBLINE_RETRIEVAL__K": "1"}
    result = run(index, tmp_path / "q.jsonl", "--policy-url", policy.url, "-n", "3", **one)
    assert result.exit_code == 0, result.output
    assert "1 questions about 1 documents" in result.output
    assert f"1 because {questions.NOT_IN_PASSAGE}" in result.output
    assert f"1 because {questions.NOT_FOUND}" in result.output
    assert "asked for" in result.output


def test_a_server_that_knows_no_schemas_is_asked_without(
    index: Path, tmp_path: Path, policy: ScriptedPolicy
) -> None:
    def script() -> object:
        body = policy.requests[-1]
        if "response_format" in body:
            return (400, {"error": {"message": "response_format is not supported"}})
        return 'Sure:\n```json\n{"question": "食堂每餐补贴多少钱？", "answer": "十五元"}\n```'

    policy._next = script  # type: ignore[assignment,method-assign]
    result = run(index, tmp_path / "q.jsonl", "--policy-url", policy.url, "-n", "1")
    assert result.exit_code == 0, result.output
    assert "1 questions" in result.output


def test_without_a_policy_nothing_is_made_up(index: Path, tmp_path: Path) -> None:
    result = run(index, tmp_path / "q.jsonl")
    assert result.exit_code == 1 and "--policy-url" in result.output
    assert not (tmp_path / "q.jsonl").exists()


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("How many days of annual leave are there?", "27 working days", ""),
        ("Are there 27 working days of annual leave?", "27 working days", questions.GIVEN_AWAY),
        ("When does leave expire according to the passage?", "March", questions.POINTS_AT_TEXT),
        ("年假有多少天？", "27 working days", questions.OTHER_LANGUAGE),
        ("Until when can leave be taken?", "the end of May", questions.NOT_IN_PASSAGE),
        ("How long is the annual leave of employees?", "27 working days", questions.DUPLICATE),
    ],
)
def test_bad_tests_are_told(question: str, answer: str, reason: str) -> None:
    chunk = Chunk(1, "d", "leave.txt", "leave", 0, 0, len(LEAVE), None, "", LEAVE)
    before = ["How long is annual leave of an employee?"]
    assert questions.fault(chunk, Written(question, answer), before) == reason
    assert questions.fault(chunk, None, before) == questions.NO_QUESTION


@pytest.mark.parametrize(
    "reply",
    [
        '{"question": "Q?", "answer": "A"}',
        'Here: {"note": 1} and {"question": "Q?", "answer": "A"}.',
        "Question: Q?\nAnswer: A",
        "问题：Q?\n\n答案：A",
    ],
)
def test_questions_are_found_in_whatever_form(reply: str) -> None:
    assert parse(reply) == Written("Q?", "A")


def test_other_replies_hold_no_question() -> None:
    assert parse("I can't do that.") is None
    assert parse('{"question": "", "answer": "A"}') is None
