from pathlib import Path

from training.runs.checkpoints import checkpoint_at, clean, mark_whole, rotate, whole_steps


def checkpoint(folder: Path, step: int) -> Path:
    path = checkpoint_at(folder, step)
    (path / "ref").mkdir(parents=True)
    (path / "weights").write_bytes(b"0123456789")
    (path / "ref" / "weights").write_bytes(b"01234")
    return path


def test_a_checkpoint_that_a_kill_cut_short_is_never_used(tmp_path: Path) -> None:
    mark_whole(checkpoint(tmp_path, 5))
    checkpoint(tmp_path, 10)  # killed before it was whole
    shortened = checkpoint(tmp_path, 15)
    mark_whole(shortened)
    (shortened / "ref" / "weights").write_bytes(b"01")
    assert clean(tmp_path) == checkpoint_at(tmp_path, 5)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-5"]


def test_the_last_few_stay_and_those_to_choose_among(tmp_path: Path) -> None:
    for step in range(1, 7):
        mark_whole(checkpoint(tmp_path, step))
    rotate(tmp_path, keep=2, always={3})
    assert whole_steps(tmp_path) == [3, 5, 6]
