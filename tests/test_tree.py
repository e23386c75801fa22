"""The README's picture of the tree is true, and the command line is as it is documented."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from plumbline import COMMANDS, cli

ROOT = Path(__file__).parent.parent


def tracked_folders() -> set[str]:
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return {file.split("/")[0] + "/" for file in files if "/" in file and not file.startswith(".")}


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_readme_shows_every_folder_and_no_other(readme: str) -> None:
    text = (ROOT / readme).read_text("utf-8")
    block = text.split("```text")[1].split("```")[0]
    shown = {
        line.split()[0] for line in block.splitlines() if line and line.split()[0].endswith("/")
    }
    assert shown == tracked_folders()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.output) > 200


def test_the_version_is_shown() -> None:
    assert "plumbline" in CliRunner().invoke(cli, ["--version"]).output
