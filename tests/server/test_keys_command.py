"""`plumbline keys`: made, listed and withdrawn, and what people wrote into the file stays."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from plumbline import cli
from tests.conftest import Serve


def keys(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["keys", *map(str, arguments)])


def names(file: Path) -> list[str]:
    lines = keys("list", "--json", "--file", file).stdout.splitlines()
    return [json.loads(line)["name"] for line in lines]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "keys.yaml"
    for name in ("ann", "bob", "eve"):
        assert keys("create", name, "--label", "hr", "--file", file).exit_code == 0
    return file


def test_a_withdrawn_key_is_refused_by_the_running_server_at_once(file: Path, serve: Serve) -> None:
    joe = keys("create", "joe", "--file", file).stdout.strip()
    url = serve(server__keys_file=file)
    headers = {"authorization": f"Bearer {joe}"}
    assert httpx.get(f"{url}/v1/models", headers=headers).status_code == 200
    assert keys("revoke", "joe", "--file", file).exit_code == 0
    assert httpx.get(f"{url}/v1/models", headers=headers).status_code == 401
    assert names(file) == ["ann", "bob", "eve"]


@pytest.mark.parametrize("gone", ["ann", "bob", "eve"])
def test_withdrawing_a_key_leaves_the_comments_of_the_others(file: Path, gone: str) -> None:
    lines = []
    for line in file.read_text().splitlines(keepends=True):
        if line.startswith("- name: "):
            lines.append(f"# why {line.removeprefix('- name: ')}")
        lines.append(line)
    file.write_text("# the keys of our team\n" + "".join(lines) + "# the end\n")
    assert keys("revoke", gone, "--file", file).exit_code == 0
    left = [name for name in ("ann", "bob", "eve") if name != gone]
    text = file.read_text()
    assert names(file) == left
    assert text.startswith("# the keys of our team\n")
    assert text.endswith("# the end\n")
    assert all(f"# why {name}\n- name: {name}\n" in text for name in left)


def test_a_key_in_a_file_of_another_form_can_be_withdrawn_too(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    entries = ", ".join(f"{{name: k{i}, sha256: {'abc'[i] * 64}}}" for i in range(3))
    file.write_text(f"keys: [{entries}]\n")
    assert keys("revoke", "k1", "--file", file).exit_code == 0
    assert names(file) == ["k0", "k2"]


def test_withdrawing_the_last_key_lets_nobody_in(tmp_path: Path, serve: Serve) -> None:
    file = tmp_path / "keys.yaml"
    key = keys("create", "ann", "--file", file).stdout.strip()
    url = serve(server__keys_file=file)
    keys("revoke", "ann", "--file", file)
    headers = {"authorization": f"Bearer {key}"}
    assert httpx.get(f"{url}/v1/models", headers=headers).status_code == 401
    assert names(file) == []


def test_an_unknown_name_is_told_which_there_are(file: Path, tmp_path: Path) -> None:
    result = keys("revoke", "zoe", "--file", file)
    assert result.exit_code == 1
    assert "ann, bob, eve" in result.output
    assert keys("revoke", "zoe", "--file", tmp_path / "none.yaml").exit_code == 1


def test_limits_are_listed(file: Path) -> None:
    limits = ("--requests-per-minute", 60, "--tokens-per-day", 1_000_000)
    assert keys("create", "bot", *limits, "--file", file).exit_code == 0
    assert "60 requests per minute, 1000000 tokens per day" in keys("list", "--file", file).stdout
    last = json.loads(keys("list", "--json", "--file", file).stdout.splitlines()[-1])
    assert last["limits"] == {
        "requests_per_minute": 60,
        "tokens_per_minute": None,
        "tokens_per_day": 1_000_000,
    }
    assert "null" not in file.read_text()
    assert keys("create", "bad", "--tokens-per-minute", 0, "--file", file).exit_code == 2


def test_new_is_another_name_of_create(file: Path) -> None:
    assert keys("new", "old-hand", "--file", file).stdout.startswith("pl-")
    assert names(file)[-1] == "old-hand"
