"""The examples in docs/clients.md and the README do what they say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from tests.clients.program import HERE, node_command, python_command

ROOT = HERE.parents[1]
FENCE = re.compile(r"```(python|js|sh)\n(.*?)```", re.DOTALL)
ADDRESS = "http://127.0.0.1:8000"

EXAMPLES = FENCE.findall((ROOT / "docs" / "clients.md").read_text("utf-8"))
README = [
    found
    for name in ("README.md", "README.zh-CN.md")
    for found in FENCE.findall((ROOT / name).read_text("utf-8"))
    if found[0] == "python"
]


def test_there_is_an_example_for_each_client() -> None:
    assert [language for language, _ in EXAMPLES] == ["python", "js", "python", "python", "sh"]
    assert len(README) == 2


@pytest.mark.parametrize(("language", "code"), [*EXAMPLES, *README])
def test_an_example_works_as_it_stands(server_url: str, language: str, code: str) -> None:
    code = code.replace(ADDRESS, server_url)
    environment = None
    if language == "js":
        command, environment = node_command("--input-type=module", "--eval", code)
    elif language == "sh":
        command = [shutil.which("bash") or "sh", "-c", code]
    elif "import openai" in code:
        command = [sys.executable, "-c", code]
    else:
        command, environment = python_command("-c", code)
    done = subprocess.run(
        command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert re.search("80 working days|80 个工作日|最多 5 天", done.stdout), done.stdout
