import json
from pathlib import Path

from click.testing import CliRunner

from plumbline import cli


def run(data_dir: Path, *arguments: object) -> tuple[int, str]:
    command = [str(a) for a in arguments] + ["--index", str(data_dir / "index")]
    result = CliRunner().invoke(cli, command)
    return result.exit_code, result.output


def test_queries_give_a_line_each_in_the_agreed_keys(data_dir: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": "a", "query": "parental leave"}\n{"id": 2, "query": "年假"}\n')
    code, output = run(data_dir, "search", "--queries", queries, "--json", "-k", "3")
    lines = [json.loads(line) for line in output.splitlines()]
    assert code == 0
    assert [line["id"] for line in lines] == ["a", 2]
    assert all(len(line["hits"]) == 3 for line in lines)
    assert set(lines[0]["hits"][0]) == {"document", "chunk", "score", "text"}


def test_a_bad_line_stands_in_its_place(data_dir: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": 1, "query": "leave"}\nnot json\n{"id": 3, "query": "pay"}\n')
    code, output = run(data_dir, "search", "--queries", queries, "--json")
    lines = [json.loads(line) for line in output.splitlines()]
    assert code == 3
    assert [line.get("id") for line in lines] == [1, None, 3]
    assert "error" in lines[1]


def test_the_index_can_be_looked_into(data_dir: Path) -> None:
    assert "is whole" in run(data_dir, "index", "verify")[1]
    assert "22" in run(data_dir, "index", "stats")[1]
    manifest = json.loads(run(data_dir, "index", "stats", "--json")[1])
    assert manifest["chunks"] > 100
    document = Path(__file__).parents[2] / "examples" / "handbook" / "parental-leave.md"
    assert "80 working days" in run(data_dir, "index", "text", document)[1]


def test_a_missing_index_is_a_plain_sentence(tmp_path: Path) -> None:
    code, output = run(tmp_path, "search", "anything")
    assert code == 1
    assert output.startswith("Error: There is no index")


def test_a_document_is_shown_as_it_was_read(tmp_path: Path) -> None:
    body = "\n".join(f"Rule {n}: item {n} is allowed on day {n}." for n in range(80))
    (tmp_path / "rules.md").write_text(f"# Rules\n\nFirst words.\n\n## Items\n\n{body}\n")
    assert run(tmp_path, "ingest", tmp_path / "rules.md")[0] == 0
    shown = run(tmp_path, "index", "text", tmp_path / "rules.md")[1]
    assert [line for line in shown.splitlines() if line] == [
        "Rules",
        "First words.",
        "Items",
        *body.splitlines(),
    ]
    assert "── chunk 1" in run(tmp_path, "index", "text", "--chunks", tmp_path / "rules.md")[1]
