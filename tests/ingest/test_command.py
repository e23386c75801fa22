import json
from pathlib import Path

from click.testing import CliRunner

from plumbline import cli


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, [str(a) for a in arguments])
    return result.exit_code, result.output


def test_json_output_and_exit_code_3(tmp_path: Path) -> None:
    documents = tmp_path / "docs"
    documents.mkdir()
    (documents / "good.md").write_text("# Leave\n\nYou get 27 days.")
    (documents / "bad.pdf").write_bytes(b"%PDF broken")
    arguments = ["ingest", str(documents), "--index", str(tmp_path / "index"), "--json"]
    result = CliRunner().invoke(cli, arguments)
    report = json.loads(result.stdout)
    assert result.exit_code == 3
    assert report["counts"] == {"failed": 1, "indexed": 1}
    good = next(f for f in report["files"] if f["status"] == "indexed")
    assert set(good) == {"path", "status", "reason", "chars", "chunks"}
    assert good["path"] == str(documents / "good.md")
    assert (good["chars"], good["chunks"]) == (25, 1)


def test_text_output_names_what_failed(tmp_path: Path) -> None:
    (tmp_path / "bad.pdf").write_bytes(b"%PDF broken")
    code, output = run("ingest", tmp_path / "bad.pdf", "--index", tmp_path / "index")
    assert code == 3
    assert "bad.pdf" in output
    assert "damaged" in output.replace("\n", " ")


def test_usage_errors_exit_with_2(tmp_path: Path) -> None:
    assert run("ingest")[0] == 2
    assert run("search", "--index", tmp_path)[0] == 2
