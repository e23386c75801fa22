"""A log that a server really wrote, with turns of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml

from contract.settings import Settings
from feedback.log import Log
from server.app import create_app
from server.replay.change import change_of
from server.replay.run import Options, replay
from server.wiring import build
from tests.conftest import ask, listening
from tests.scripted_policy import ScriptedPolicy

QUESTION = "How many days of annual leave do I get?"
PLAIN = "Full-time employees get 27 days of annual leave each year [1]."
RIVAL = "You get 27 days, and Acme would give you 30 [1]."
BEST = "Full-time employees get 27 days of annual leave each year, more than at Acme [1]."
INSULT = "You are a complete idiot."
ABSTAINED = "I could not find the answer to this question in the documents."
REFUSED = "I'm sorry, but I can't help with that."


@dataclass
class Served:
    """The settings of a server that has stopped, its log, and the ids of its turns by name."""

    settings: Settings
    ids: dict[str, str]

    def log(self) -> Log:
        return Log(self.settings.log_file)


@pytest.fixture(scope="session")
def served(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Served:
    policy, ids = ScriptedPolicy(), {}
    folder = tmp_path_factory.mktemp("served")
    settings = Settings().replace({"data_dir": folder, "index_dir": data_dir / "index"})
    with listening(policy.app) as address:
        settings = settings.replace({"policy.url": f"{address}/v1"})
        with listening(create_app(build(settings)), settings.server) as url:

            def turn(name: str, *answers: Any, question: str = QUESTION, **fields: Any) -> None:
                policy.script(*answers)
                ids[name] = ask(url, question, **fields)["id"]

            turn("plain", PLAIN)
            turn("rival", RIVAL)
            turn("chinese", "全职员工每年享有 27 天年假 [1]。", question="我每年有几天年假？")
            turn("regenerated", INSULT, PLAIN)
            turn("refused by Plumbline", INSULT)
            turn("two choices", PLAIN, RIVAL, n=2)
            turn("two candidates", "I am not sure.", BEST, plumbline={"candidates": 2})
            turn("abstained", ABSTAINED)
            turn("refusal", REFUSED)
            policy.script(PLAIN + " " + RIVAL)
            body = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
            body |= {"stream": True, "plumbline": {"stream_mode": "windowed"}}
            streamed = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60)
            ids["windowed"] = orjson.loads(streamed.text.split("\n")[0][6:])["id"]
            policy.script((500, {"error": {"message": "broken"}}))
            del body["stream"], body["plumbline"]
            assert httpx.post(f"{url}/v1/chat/completions", json=body).is_server_error
    return Served(settings, ids)


@pytest.fixture(scope="session")
def stricter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default rubric, which now forbids to name a rival."""
    default = files("rbrm.rubrics").joinpath("default.yaml").read_text("utf-8")
    rubric = yaml.safe_load(default)
    rubric["propositions"]["names_a_rival"] = {
        "wording": {"en": "The answer names a rival.", "zh": "回答提到竞争对手。"},
        "hard": True,
        "graders": [{"pattern": {"any": ["\\bAcme\\b"]}}],
    }
    path = tmp_path_factory.mktemp("rubric") / "stricter.yaml"
    path.write_text(yaml.safe_dump(rubric, allow_unicode=True), "utf-8")
    return path


Replay = Callable[..., tuple[dict[str, Any], dict[str, dict[str, Any]]]]


@pytest.fixture
def replayed(served: Served, tmp_path: Path) -> Iterator[Replay]:
    """Replay the served log; its summary, and the lines of what flips by id."""

    def run(
        *,
        settings: Settings | None = None,
        in_service: Settings | None = None,
        log: Log | None = None,
        options: Options | None = None,
        **changes: Any,
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        named = {"rubric": None, "index": None, "policy": None} | changes
        change = change_of(settings or served.settings, in_service, **named)
        read = log or served.log()
        out = tmp_path / "out"
        try:
            summary = replay(read, change, options or Options(), out, lambda *_: None)
        finally:
            read.close()
        return summary, {line["id"]: line for line in lines(out / "flips.jsonl")}

    yield run


def lines(path: Path) -> list[dict[str, Any]]:
    """The values of a file, one a line."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]
