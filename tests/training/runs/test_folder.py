import subprocess
import sys
from pathlib import Path

import pytest

from contract.errors import ConfigurationError
from tests.conftest import ROOT
from training.runs.folder import open_run

ASKED = {"seed": 0}


def test_a_folder_with_other_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("text")
    with (
        pytest.raises(ConfigurationError, match="new folder"),
        open_run(tmp_path, ASKED, fresh=True),
    ):
        pass
    assert (tmp_path / "thesis.tex").exists()


def test_two_processes_never_train_in_one_folder(tmp_path: Path) -> None:
    run = tmp_path / "run"
    other = "from pathlib import Path; from training.runs.folder import open_run\n"
    other += f"with open_run(Path({str(run)!r}), {{'seed': 0}}): pass"
    with open_run(run, ASKED):
        done = subprocess.run(
            [sys.executable, "-c", other], cwd=ROOT, capture_output=True, text=True
        )
    assert "Another process is training" in done.stderr
