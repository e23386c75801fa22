from pathlib import Path

from training.runs.curves import curves_of, final_metrics, write_curves

HISTORY = [
    {"step": 1, "epoch": 0.5, "loss": 2.0, "kl": 0.0},
    {"step": 2, "epoch": 1.0, "loss": 1.5, "kl": float("nan")},
    {"step": 2, "epoch": 1.0, "eval_loss": 1.7, "eval_runtime": 3.0},
]


def test_every_figure_has_a_curve_with_each_step_once(tmp_path: Path) -> None:
    curves = curves_of(HISTORY)
    assert curves == {"loss": [(1, 2.0), (2, 1.5)], "kl": [(1, 0.0)], "eval_loss": [(2, 1.7)]}
    assert final_metrics(curves) == {"eval_loss": 1.7, "kl": 0.0, "loss": 1.5}
    write_curves(curves, tmp_path)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
