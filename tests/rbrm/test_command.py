import json
from pathlib import Path

from click.testing import CliRunner

from plumbline import cli


def judge(tmp_path: Path, *lines: str) -> tuple[int, list[dict]]:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n".join(lines) + "\n", "utf-8")
    result = CliRunner().invoke(cli, ["judge", str(source), "--out", str(out)])
    return result.exit_code, [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def test_both_forms_of_a_line_give_the_agreed_keys(tmp_path: Path) -> None:
    single = {"prompt": [{"role": "user", "content": "How long?"}], "completion": "Two weeks."}
    several = {"messages": [{"role": "user", "content": "几天？"}], "answers": ["两天。", "滚开！"]}
    code, lines = judge(tmp_path, json.dumps(single), json.dumps(several))
    assert code == 0
    assert [len(line["answers"]) for line in lines] == [1, 2]
    first = lines[0]["answers"][0]
    keys = {
        "propositions",
        "response_type",
        "compliance",
        "harm",
        "class",
        "reward",
        "rm",
        "rbr",
        "decision",
    }
    assert keys <= set(first)
    assert first["reward"] == round(first["rm"] + first["rbr"], 6)
    assert [a["decision"] for a in lines[1]["answers"]] == ["serve", "refuse"]


def test_a_bad_line_stands_in_its_place_and_exits_with_3(tmp_path: Path) -> None:
    good = json.dumps({"prompt": "How long?", "completion": "Two weeks."})
    code, lines = judge(tmp_path, good, "not json", '{"prompt": "x"}', "", good)
    assert code == 3
    assert ["error" in line for line in lines] == [False, True, True, True, False]
    messages = [line["error"]["message"] for line in lines if "error" in line]
    assert all(f"in.jsonl:{n}: " in m for n, m in zip((2, 3, 4), messages, strict=True))


def test_rubric_check_says_what_is_unjudged(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["rubric", "check"])
    assert result.exit_code == 0
    assert "en: all judged" in result.output
    assert "zh: all judged" in result.output


def test_rubric_check_names_the_line_of_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: x\nversion: '1'\npropositions:\n  a:\n    wording: {en: A.}\n")
    result = CliRunner().invoke(cli, ["rubric", "check", str(path)])
    assert result.exit_code == 1
    assert "bad.yaml:5: propositions.a.wording.zh" in result.output
