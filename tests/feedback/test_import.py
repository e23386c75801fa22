"""What people said elsewhere comes in from files, and goes out as training data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from contract.ids import uuid7
from feedback.log import Log
from plumbline import cli
from tests.conftest import Serve, ask
from tests.feedback.test_export import rows, said

Asked = list[dict[str, str]]


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@pytest.fixture
def bring(tmp_path: Path) -> Callable[..., Result]:
    """Import a file with these lines (text, or values that become JSON)."""

    def run(lines: list[Any] | str | bytes, *options: str, name: str = "file.jsonl") -> Result:
        file = tmp_path / name
        if isinstance(lines, list):
            dumped = (x if isinstance(x, str) else json.dumps(x, ensure_ascii=False) for x in lines)
            lines = "".join(f"{line}\n" for line in dumped)
        file.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
        arguments = ["feedback", "import", str(file), "--data-dir", str(tmp_path), *options]
        return CliRunner().invoke(cli, arguments)

    return run


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log.sqlite")


def exported(log: Log, tmp_path: Path, kind: str, **options: Any) -> list[dict[str, Any]]:
    return rows(log, tmp_path / f"out-{uuid7()}", kind=kind, **options)


def test_a_team_starts_cold_with_demonstrations(tmp_path: Path, bring: Any) -> None:
    demonstrations = [
        {"prompt": "How long is the notice period?", "completion": "Three months.", "rater": "ann"},
        {"prompt": "试用期多久？", "completion": "六个月。"},
        {"messages": [user("Hi"), assistant("Hello."), user("And lunch?"), assistant("5 euros.")]},
        {"instruction": "Translate.", "input": "Urlaub", "output": "leave"},
        {"use_case": "onboarding", "prompt": "Greet a new colleague.", "completion": "Welcome!"},
    ]
    result = bring(demonstrations, "--rater", "bob", "--source-name", "pilot")
    assert (result.exit_code, "5 added" in result.output) == (0, True), result.output
    log = Log(tmp_path / "log.sqlite")
    found = {row["prompt"][-1]["content"]: row for row in exported(log, tmp_path, "sft")}
    assert said(found["试用期多久？"], "completion") == "六个月。"
    assert found["And lunch?"]["prompt"] == [user("Hi"), assistant("Hello."), user("And lunch?")]
    assert found["Translate.\n\nUrlaub"]
    assert {row["source"] for row in found.values()} == {"human"}
    raters = {row.rater for row in log.feedback()}
    assert raters == {"ann", "bob"}
    assert {record.policy_version for record in log.completions()} == {"import:pilot"}
    for kind in ("dpo", "kto"):
        assert exported(log, tmp_path, kind) == [], "nobody was compared with anybody"


def test_few_shots_are_as_many_examples_each_with_the_others_before_it(
    tmp_path: Path, bring: Any, log: Log
) -> None:
    shots = [{"question": q, "answer": a} for q, a in (("好", "+"), ("糟", "-"), ("行", "0"))]
    assert bring([{"instruction": "Rate the mood.", "examples": shots}]).exit_code == 0
    found = {row["prompt"][-1]["content"]: row for row in exported(log, tmp_path, "sft")}
    assert found.keys() == {"好", "糟", "行"}
    middle = found["糟"]
    assert middle["prompt"] == [
        {"role": "system", "content": "Rate the mood."},
        *(user("好"), assistant("+"), user("行"), assistant("0")),
        user("糟"),
    ]
    assert said(middle, "completion") == "-"
    sets = [(record.metadata or {})["few_shot_set"] for record in log.completions()]
    assert len(set(sets)) == 1, "so that they can be kept on one side of a split"


def test_a_ranked_set_of_k_becomes_all_its_pairs(tmp_path: Path, bring: Any, log: Log) -> None:
    ranked = ["a", "b", "c", "d"]
    bring([{"prompt": "Q?", "ranked": ranked}, {"prompt": "R?", "ranked": ["x", ["y", "z"]]}])
    found = exported(log, tmp_path, "rm")
    pairs = [(said(row, "chosen"), said(row, "rejected")) for row in found]
    expected = [(a, b) for n, a in enumerate(ranked) for b in ranked[n + 1 :]]
    assert sorted(pairs) == sorted([*expected, ("x", "y"), ("x", "z")])
    groups = {row["group"] for row in found}
    assert len(groups) == 2
    for group in groups:
        assert sum(row["weight"] for row in found if row["group"] == group) == pytest.approx(1)


ASKED = [user("Is lunch paid?")]
PAIRS: dict[str, tuple[dict[str, Any], Asked]] = {
    "texts": ({"prompt": "Is lunch paid?", "chosen": "Yes.", "rejected": "No."}, ASKED),
    "trl, with the prompt": (
        {"prompt": ASKED, "chosen": [assistant("Yes.")], "rejected": [assistant("No.")]},
        ASKED,
    ),
    "trl, the prompt inside": (
        {"chosen": [*ASKED, assistant("Yes.")], "rejected": [*ASKED, assistant("No.")]},
        ASKED,
    ),
    "prompt and whole conversations": (
        {
            "prompt": "Is lunch paid?",
            "messages": [*ASKED, assistant("Yes.")],
            "chosen": [*ASKED, assistant("Yes.")],
            "rejected": [*ASKED, assistant("No.")],
            "score_chosen": 9.0,
        },
        ASKED,
    ),
    "transcripts": (
        {
            "chosen": "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Is lunch paid?\n\nAssistant: Yes.",
            "rejected": "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Is lunch paid?\n\nAssistant: No.",
        },
        [user("Hi"), assistant("Hello"), user("Is lunch paid?")],
    ),
    "openai": (
        {
            "input": {"messages": ASKED, "tools": [], "parallel_tool_calls": True},
            "preferred_output": [assistant("Yes.")],
            "non_preferred_output": [assistant("No.")],
        },
        ASKED,
    ),
    "a system message": (
        {
            "prompt": [{"role": "system", "content": "Be kind."}, *ASKED],
            "chosen": [*ASKED, assistant("Yes.")],
            "rejected": [*ASKED, assistant("No.")],
        },
        [{"role": "system", "content": "Be kind."}, *ASKED],
    ),
}


@pytest.mark.parametrize("shape", PAIRS)
def test_pairs_come_in_many_shapes(tmp_path: Path, bring: Any, log: Log, shape: str) -> None:
    fields, prompt = PAIRS[shape]
    result = bring([fields])
    assert result.exit_code == 0, result.output
    (row,) = exported(log, tmp_path, "dpo")
    assert row["prompt"] == prompt
    assert (said(row, "chosen"), said(row, "rejected")) == ("Yes.", "No.")
    assert (row["source"], row["kind"], row["weight"]) == ("human", "pair", 1)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([True, False], [True, False]),
        ([5, 3, 1], [True, None, False]),
        ([1, 0], [True, False]),
        (["good", "ok", "bad"], [True, None, False]),
    ],
)
def test_ratings_are_thumbs_or_stars_as_the_whole_file_tells(
    tmp_path: Path, bring: Any, log: Log, labels: list[Any], expected: list[bool | None]
) -> None:
    lines = [{"prompt": f"{n}?", "completion": "x", "label": v} for n, v in enumerate(labels)]
    assert bring(lines).exit_code == 0
    found = {row["prompt"][0]["content"]: row["label"] for row in exported(log, tmp_path, "kto")}
    assert found == {f"{n}?": label for n, label in enumerate(expected) if label is not None}


@pytest.mark.parametrize("labels", [[1, 1], [0, 4], [7]])
def test_numbers_on_no_known_scale_are_refused(bring: Any, log: Log, labels: list[int]) -> None:
    lines = [{"prompt": f"{n}?", "completion": "x", "label": v} for n, v in enumerate(labels)]
    assert bring(lines).exit_code == 3
    assert list(log.completions()) == []


def test_a_file_that_is_imported_again_adds_nothing(tmp_path: Path, bring: Any, log: Log) -> None:
    lines = [
        {"prompt": "Q?", "completion": "A."},
        {"prompt": "Q?", "ranked": ["a", "b"], "rater": "ann"},
        {"prompt": "Q?", "ranked": ["b", "a"], "rater": "bob"},
    ]
    assert "3 added" in bring(lines).output
    before = (list(log.completions()), list(log.feedback()))
    again = bring(lines[::-1], "--source-name", "elsewhere")
    assert "0 added, 3 there already" in again.output
    assert (list(log.completions()), list(log.feedback())) == before
    assert len(before[0]) == 2, "two raters of the same answers speak of one turn"
    assert {row["source"] for row in exported(log, tmp_path, "dpo")} == {"human"}


def test_what_was_deleted_does_not_come_back(tmp_path: Path, bring: Any, log: Log) -> None:
    lines = [{"prompt": "Q?", "completion": "xylophone"}]
    bring(lines)
    asyncio.run(log.delete(next(iter(log.completions())).id))
    assert "0 added" in bring(lines).output
    assert list(log.completions()) == []
    assert b"xylophone" not in (tmp_path / "log.sqlite").read_bytes()


BAD: list[tuple[Any, str]] = [
    ("{not json", "not valid JSON"),
    ('["a list"]', "no JSON object"),
    ({"text": "x"}, "columns (text)"),
    ({"prompt": "Q?", "completion": "  "}, "completion is empty"),
    ({"prompt": [assistant("A")], "completion": "B"}, "end with the user's message"),
    ({"prompt": "Q?", "ranked": ["a"]}, "2 to 16"),
    ({"prompt": "Q?", "ranked": ["a", "a"]}, "twice"),
    ({"prompt": "Q?", "chosen": "a", "rejected": "a"}, "the same"),
    ({"chosen": "a", "rejected": "b"}, "prompt is missing"),
    (
        {"chosen": [user("1"), assistant("a")], "rejected": [user("2"), assistant("b")]},
        "before their last answer",
    ),
    ({"prompt": "Q?", "chosen": [user("R?"), assistant("a")], "rejected": "b"}, "belong together"),
    ({"prompt": "Q?", "completion": "A", "label": "great"}, "label must be"),
    ({"use_case": "faq", "prompt": "Q?"}, "completion is missing"),
    ({"instruction": "Do.", "examples": []}, "examples must be"),
    ({"messages": [{"role": "robot", "content": "x"}, assistant("y")]}, "messages[0]"),
    ({"prompt": "Q?", "completion": "A", "rater": "x" * 201}, "rater has more than"),
    ('{"prompt": "Q?", "completion": "A", "tools": ' + "[" * 2000 + "}", "not valid JSON"),
]


def test_each_bad_line_is_named_and_the_good_ones_are_stored(bring: Any, log: Log) -> None:
    good = {"prompt": "Q?", "completion": "A."}
    lines = [good, "", *(line for line, _ in BAD), good | {"prompt": "Last?"}]
    result = bring(lines)
    assert result.exit_code == 3
    assert f"2 added, {len(BAD)} rows failed" in result.output
    told = [line for line in result.stderr.splitlines() if "file.jsonl:" in line]
    for number, ((_, reason), line) in enumerate(zip(BAD, told, strict=True), 3):
        assert f"file.jsonl:{number}: " in line
        assert reason in line
    assert {record.question for record in log.completions()} == {"Q?", "Last?"}


def test_the_format_can_be_said(bring: Any, log: Log) -> None:
    line = {"prompt": "Sort the mail.", "completion": "billing", "label": "class 7"}
    assert bring([line]).exit_code == 3
    assert bring([line], "--format", "demonstrations").exit_code == 0
    assert "ranked is missing" in bring([line], "--format", "rankings").stderr


def test_a_json_array_is_read_element_by_element(bring: Any, log: Log) -> None:
    lines = [{"prompt": f"问题 {n}？", "completion": "x" * 3000} for n in range(1000)]
    result = bring(json.dumps(lines, ensure_ascii=False, indent=1), name="all.json")
    assert "1000 added" in result.output, result.output
    broken = json.dumps(lines[:2])[:-30]
    result = bring(broken, name="broken.json")
    assert (result.exit_code, "1 there already" in result.output) == (3, True)
    assert "broken.json:2: " in result.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_of_spreadsheets_are_read(
    tmp_path: Path, bring: Any, log: Log, encoding: str, delimiter: str
) -> None:
    header = delimiter.join(("prompt", "completion", "label"))
    lines = [
        delimiter.join(('"年假几天？\n请简短。"', '"27 天。"', "TRUE")),
        delimiter.join(('"Is ""lunch"" paid?"', "No.", "FALSE")),
        delimiter.join(("?", "", "TRUE")),
    ]
    text = "\r\n".join([header, *lines]) + "\r\n"
    result = bring(text.encode(encoding), name="table.csv")
    assert result.exit_code == 3
    assert "table.csv:5: " in result.stderr
    labels = {r["prompt"][0]["content"]: r["label"] for r in exported(log, tmp_path, "kto")}
    assert labels == {"年假几天？\n请简短。": True, 'Is "lunch" paid?': False}


def test_ranked_answers_in_a_table_are_json(tmp_path: Path, bring: Any, log: Log) -> None:
    text = 'prompt,ranked\nQ?,"[""a"", [""b"", ""c""]]"\n'
    assert bring(text, name="t.csv").exit_code == 0
    assert len(exported(log, tmp_path, "rm")) == 2


def test_programs_get_json_and_a_dry_run_stores_nothing(bring: Any, log: Log) -> None:
    lines = [{"prompt": "Q?", "completion": "A.", "score": 3}, {"prompt": "Q?"}]
    result = bring(lines, "--json", "--dry-run")
    assert result.exit_code == 3
    told = json.loads(result.stdout)
    assert told["rows"] == 2
    assert (told["added"], told["failed"], told["dry_run"]) == (1, 1, True)
    assert told["unread_columns"] == ["score"]
    assert list(log.completions()) == []


def test_imported_turns_are_for_their_owner_and_admins(
    serve: Serve, tmp_path: Path, bring: Any
) -> None:
    file = tmp_path / "keys.yaml"
    keys = {}
    for name, role in (("ann", "reader"), ("bob", "rater"), ("root", "admin")):
        arguments = ["keys", "create", name, "--role", role, "--file", str(file)]
        key = CliRunner().invoke(cli, arguments).stdout.strip()
        keys[name] = {"authorization": f"Bearer {key}"}
    url = serve(server__keys_file=file)
    line = {"prompt": "What does the chief earn?", "completion": "914,000 euros."}
    assert bring([line], "--owner", "ann").exit_code == 0
    (record,) = Log(tmp_path / "log.sqlite").completions()
    path = f"{url}/v1/chat/completions"

    def listed(name: str, **query: str) -> list[str]:
        found = httpx.get(path, headers=keys[name], params=query)
        return [c["id"] for c in found.json()["data"]]

    assert [listed(name) for name in keys] == [[], [], []]
    assert [listed(name, order="desc") for name in keys] == [[], [], []]
    of_source = [listed(name, model="import:file") for name in keys]
    assert of_source == [[record.id], [], [record.id]]
    statuses = {n: httpx.get(f"{path}/{record.id}", headers=keys[n]).status_code for n in keys}
    assert statuses == {"ann": 200, "bob": 404, "root": 200}
    for place in ("messages", ""):
        assert (
            httpx.get(f"{path}/{record.id}/{place}".rstrip("/"), headers=keys["bob"]).status_code
            == 404
        )
    rating = {"id": record.id, "type": "rating", "value": True}
    given = {
        n: httpx.post(f"{url}/v1/feedback", json=rating, headers=keys[n]).status_code
        for n in ("bob", "root")
    }
    assert given == {"bob": 404, "root": 200}
    stored = httpx.get(f"{path}/{record.id}", headers=keys["ann"]).json()
    assert stored["choices"][0]["message"]["content"] == "914,000 euros."


def test_an_import_goes_into_the_log_of_a_running_server(serve: Serve, bring: Any) -> None:
    url = serve()
    bring([{"prompt": f"Q{n}?", "completion": "A."} for n in range(2000)])
    reply = ask(url, "How many days of parental leave do I get?")
    listed = httpx.get(f"{url}/v1/chat/completions", params={"limit": 100}).json()["data"]
    assert [c["id"] for c in listed] == [reply["id"]]
