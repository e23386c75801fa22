"""Exported files train in TRL as they are: a small model of the suite's own, one step in each trainer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import load_dataset

from feedback.export import export
from feedback.log import Log
from feedback.options import KINDS, Hygiene, Options
from tests.conftest import ROOT
from tests.engine import chat_checkpoint, reward_checkpoint
from tests.feedback.test_log import candidate, completion, feedback, write

ASKED = {
    "How do I reset the pump?": ("Press the red button [1].", "No idea."),
    "Who signs the travel form?": ("Your manager does [1].", "Somebody."),
    "What is for lunch on Friday?": ("Fish [1].", "Food."),
    "水泵怎么重启？": ("按红色按钮[1]。", "不知道。"),
    "谁签出差单？": ("你的经理[1]。", "有人。"),
    "打印机在哪里？": ("在三楼[1]。", "在楼里。"),
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of export of one small log, in both languages."""
    folder = tmp_path_factory.mktemp("exports")
    log = Log(folder / "log.sqlite")
    for question, (good, bad) in ASKED.items():
        record = completion(question=question)
        best = candidate(record.id, 0, good, 2.0, served=True)
        worst = candidate(record.id, 1, bad, -1.0)
        write(log, completion(id=record.id, question=question, candidates=(best, worst)))
        ids = {"preferred_id": best.id, "rejected_id": worst.id}
        write(log, feedback(record.id, "pair", rater="ann", **ids))
        write(log, feedback(record.id, "rating", value=True))
    for kind in KINDS:
        options = Options(kind, validation=0.2, hygiene=Hygiene())
        export(log, folder / kind, options, lambda *_: None)
    return folder


def test_every_kind_trains_one_step_unchanged(exports: Path, tmp_path: Path) -> None:
    chat, reward = chat_checkpoint(tmp_path / "chat"), reward_checkpoint(tmp_path / "reward")
    program = Path(__file__).with_name("one_step.py")
    done = subprocess.run(
        [sys.executable, str(program), str(chat), str(reward), str(exports)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"kind"')]
    rows = {"sft": 6, "rm": 6, "dpo": 6, "kto": 12, "grpo": 6}
    assert {f["kind"]: f["rows"] for f in found} == rows
    assert all(f["finite"] for f in found)


def test_openais_file_loads(exports: Path) -> None:
    files = [str(path) for path in sorted((exports / "openai-dpo").glob("*.jsonl"))]
    data = load_dataset("json", data_files=files, split="train")
    assert len(data) == 6
    assert set(data.column_names) == {"input", "preferred_output", "non_preferred_output"}
