"""One answer, one reward: from the guard that served it, the command, the route and the trainer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.forked import Forked
from contract.settings import RetrievalSettings
from feedback.export import export
from feedback.log import Log
from feedback.options import Options
from ingest.build import Ingest
from rbrm.judge import Judge
from tests.conftest import serving
from text.encoder import Encoder
from training.reward import judge_reward

DOCUMENTS = {
    "boiler.md": "# Boiler room\n\nThe boiler is started with the green lever. It needs 14 minutes to warm up.\n",
    "travel.md": "Travel forms are signed by the head of the department. Trains are booked by Miriam.\n",
    "仓库.md": "# 仓库\n\n仓库每天早上八点开门，晚上六点关门。进入仓库必须戴安全帽。\n",
}
ASKED = (
    [{"role": "user", "content": "How is the boiler started?"}],
    [{"role": "user", "content": "Who signs travel forms?"}],
    [{"role": "user", "content": "仓库几点开门？"}],
    [{"role": "user", "content": "What colour are the curtains of the opera in Vienna?"}],
    [
        {"role": "user", "content": "How is the boiler started?"},
        {"role": "assistant", "content": "The boiler is started with the green lever [1]."},
        {"role": "user", "content": "And how long does it need to warm up?"},
    ],
)


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, encoder: Encoder
) -> Iterator[tuple[str, Path]]:
    """A started server on documents of our own: its URL, and its data folder."""
    folder = tmp_path_factory.mktemp("same")
    texts = folder / "documents"
    texts.mkdir()
    for name, text in DOCUMENTS.items():
        (texts / name).write_text(text, encoding="utf-8")
    data = folder / "data"
    Ingest(data / "index", encoder, RetrievalSettings()).run([texts], "default")
    with serving(folder / "said", "--data-dir", str(data)) as (url, _):
        yield url, data


def test_guard_command_route_and_trainer_agree(
    served: tuple[str, Path], judge: Judge, tmp_path: Path
) -> None:
    url, data = served
    replies = [ask(url, messages) for messages in ASKED]
    logged = [reply["plumbline"]["verdict"]["reward"] for reply in replies]
    said = [reply["choices"][0]["message"]["content"] for reply in replies]
    rows = exported(data, tmp_path / "grpo", [reply["id"] for reply in replies])
    assert [row["question"] for row in rows] == [m[-1]["content"] for m in ASKED]
    columns = {name: [row[name] for row in rows] for name in rows[0] if name != "prompt"}
    trained = judge_reward(judge)([row["prompt"] for row in rows], said, **columns)
    assert trained == pytest.approx(logged, abs=1e-5)
    lines = [as_line(row, text) for row, text in zip(rows, said, strict=True)]
    routed = [
        httpx.post(f"{url}/v1/judge", json=line, timeout=60).json()["answers"][0]["reward"]
        for line in lines
    ]
    assert routed == pytest.approx(logged, abs=1e-5)
    assert commanded(lines, tmp_path) == pytest.approx(logged, abs=1e-5)


def ask(url: str, messages: list[dict[str, str]]) -> dict[str, Any]:
    body = {"model": "plumbline", "messages": messages}
    reply = httpx.post(f"{url}/v1/chat/completions", json=body, timeout=120).raise_for_status()
    found: dict[str, Any] = reply.json()
    return found


def exported(data: Path, out: Path, ids: list[str]) -> list[dict[str, Any]]:
    options = Options("grpo", sources=("human", "judge"), validation=0.0, hygiene=None)
    export(Log(data / "log.sqlite"), out, options, lambda *_: None)
    lines = (out / "train.jsonl").read_text(encoding="utf-8").splitlines()
    rows = {row["group"]: row for row in map(json.loads, lines)}
    return [rows[identifier] for identifier in ids]


def as_line(row: dict[str, Any], text: str) -> dict[str, Any]:
    """The row as a line of `plumbline judge`."""
    before = [{"role": "assistant", "content": row["previous"]}] if row["previous"] else []
    return {
        "messages": [*before, {"role": "user", "content": row["question"]}],
        "answers": [text],
        "passages": row["passages"],
        "response_type": row["response_type"],
        "documents_hold_answer": row["documents_hold_answer"],
    }


def commanded(lines: list[dict[str, Any]], folder: Path) -> list[float]:
    file, out = folder / "lines.jsonl", folder / "verdicts.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    command = Forked(["judge", str(file), "--out", str(out)], folder / "said")
    assert command.wait(200) == 0, command.said
    verdicts = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return [verdict["answers"][0]["reward"] for verdict in verdicts]
