"""Clients that can't live in Plumbline's own environment: each runs in a process of its own, reads cases
from its standard input, a JSON object on each line, and answers each with a line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PACKAGES = HERE.parents[1] / ".clients" / "python"
NODE_PACKAGES = HERE / "node_modules"

# What such a library would look up or report somewhere else, it does not.
_QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "LANGSMITH_TRACING": "false",
    "DO_NOT_TRACK": "1",
}


class CaseFailed(Exception):
    """A client raised an error; `kind` is its class, `status` that of HTTP."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.kind = error["type"]
        self.status = error.get("status")


class Program:
    """A running client."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, case: str, url: str, **arguments: Any) -> Any:
        """Run a case against a server, and give what it returns.

        Raises:
            CaseFailed: it raised.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"case": case, "base_url": f"{url}/v1", **arguments})
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the client ended; its standard error above says why"
        said = json.loads(answer)
        if "error" in said:
            raise CaseFailed(said["error"])
        return said["result"]


def python_command(*arguments: str) -> tuple[list[str], dict[str, str]]:
    """A command, and its environment, in which LangChain and LiteLLM can be imported."""
    _require(PACKAGES / "litellm", "LangChain and LiteLLM are not installed")
    environment = os.environ | _QUIET | {"PYTHONPATH": str(PACKAGES)}
    return [sys.executable, *arguments], environment


def node_command(*arguments: str) -> tuple[list[str], dict[str, str]]:
    """A command, and its environment, for a JavaScript that imports npm's openai."""
    node = shutil.which("node")
    _require(NODE_PACKAGES / "openai", "npm's openai is not installed")
    if node is None:
        _missing("Node.js is not installed")
    return [str(node), *arguments], dict(os.environ)


@contextmanager
def python_program(name: str) -> Iterator[Program]:
    """A program of this folder, in the environment of LangChain and LiteLLM."""
    with _running(*python_command(str(HERE / name))) as program:
        yield program


@contextmanager
def node_program(name: str) -> Iterator[Program]:
    """A program of this folder for Node.js."""
    with _running(*node_command(str(HERE / name))) as program:
        yield program


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[Program]:
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=HERE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Program(process)
    finally:
        process.communicate(timeout=30)


def _require(path: Path, reason: str) -> None:
    if not path.exists():
        _missing(reason)


def _missing(reason: str) -> None:
    """Skip loudly where a client is not installed; where it must be (CI=1), fail."""
    reason += ": run `make clients`. What speaks of it is untested."
    if os.environ.get("CI") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
