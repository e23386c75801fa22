"""One server for all clients, whose policy answers what each test tells it to; and the clients that run in
processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.settings import Settings
from server.app import create_app
from server.wiring import build
from tests.clients.program import Program, node_program, python_program
from tests.conftest import listening
from tests.scripted_policy import ScriptedPolicy


@pytest.fixture(scope="session")
def upstream(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ScriptedPolicy, str]]:
    """A scripted policy, and the URL of a Plumbline that serves it."""
    policy = ScriptedPolicy()
    folder = tmp_path_factory.mktemp("clients")
    with listening(policy.app) as policy_url:
        policy.url = f"{policy_url}/v1"
        given = {"data_dir": folder, "index_dir": data_dir / "index", "policy.url": policy.url}
        with listening(create_app(build(Settings().replace(given)))) as url:
            yield policy, url


@pytest.fixture
def policy(upstream: tuple[ScriptedPolicy, str]) -> ScriptedPolicy:
    """The scripted policy, as if it were new."""
    policy, _ = upstream
    policy.reset()
    return policy


@pytest.fixture
def scripted_url(policy: ScriptedPolicy, upstream: tuple[ScriptedPolicy, str]) -> str:
    """The Plumbline that serves it."""
    return upstream[1]


@pytest.fixture(scope="session")
def langchain() -> Iterator[Program]:
    with python_program("langchain_cases.py") as program:
        yield program


@pytest.fixture(scope="session")
def litellm() -> Iterator[Program]:
    with python_program("litellm_cases.py") as program:
        yield program


@pytest.fixture(scope="session")
def npm() -> Iterator[Program]:
    with node_program("openai_cases.mjs") as program:
        yield program
