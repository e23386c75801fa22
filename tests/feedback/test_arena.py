"""Which version wins: the strengths against what they must be, and what counts as a comparison."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from math import exp, log1p
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from contract.access import Access
from feedback.arena import arena
from feedback.log import Log
from feedback.strengths import RIDGE, Vote, expected, groups_of, strengths
from plumbline import cli
from tests.feedback.test_log import completion, feedback, write


def votes(a: str, b: str, wins: int, losses: int, ties: int = 0) -> list[Vote]:
    shares = [1.0] * wins + [0.0] * losses + [0.5] * ties
    return [Vote(a, b, share, f"{a}{b}{n}") for n, share in enumerate(shares)]


def test_two_versions_have_the_log_odds_of_their_wins() -> None:
    found = strengths(votes("a", "b", 750, 250), ["a", "b"])
    assert found["a"].mean - found["b"].mean == pytest.approx(np.log(3), abs=1e-3)
    assert found["a"].mean == -found["b"].mean
    # Half of the difference, whose variance is that of a log-odds: 1/750 + 1/250.
    half = 1.96 * np.sqrt(1 / 750 + 1 / 250) / 2
    assert found["a"].high - found["a"].mean == pytest.approx(half, rel=2e-3)


def test_ties_count_half_to_each_side() -> None:
    tied = strengths(votes("a", "b", 4, 0, 4), ["a", "b"])
    split = strengths(votes("a", "b", 6, 2), ["a", "b"])
    assert tied["a"].mean == pytest.approx(split["a"].mean)
    even = strengths(votes("a", "b", 0, 0, 5), ["a", "b"])
    assert (even["a"].mean, expected(even["a"].mean)) == (0, 0.5)


def test_the_fit_is_that_of_brute_force() -> None:
    said = votes("a", "b", 3, 1, 1) + votes("b", "c", 2, 2) + votes("c", "a", 1, 2)
    found = strengths(said, ["a", "b", "c"])

    def loss(at: dict[str, float]) -> float:
        lost = sum(RIDGE / 2 * s * s for s in at.values())
        for vote in said:
            lead = at[vote.a] - at[vote.b]
            lost += vote.share * log1p(exp(-lead)) + (1 - vote.share) * log1p(exp(lead))
        return lost

    grid = np.arange(-1, 1.001, 0.02)
    best = min(
        ({"a": a, "b": b, "c": -a - b} for a, b in product(grid, grid)), key=lambda at: loss(at)
    )
    for name, strength in best.items():
        assert found[name].mean == pytest.approx(strength, abs=0.011)
    assert loss({name: one.mean for name, one in found.items()}) <= loss(best)


def test_who_never_lost_is_finite_and_sure_only_after_many_wins() -> None:
    once, often = (strengths(votes("a", "b", n, 0), ["a", "b"])["a"] for n in (1, 30))
    assert once.low < 0 < once.mean < once.high < 6
    assert 0 < often.low < often.mean < 6
    assert often.mean > once.mean


def test_votes_on_one_question_are_no_independent_votes() -> None:
    apart = votes("a", "b", 30, 10)
    together = [vote._replace(question=str(n // 10)) for n, vote in enumerate(apart)]
    narrow, wide = (strengths(said, ["a", "b"])["a"] for said in (apart, together))
    assert narrow.mean == wide.mean
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_intervals_hold_what_is_true_as_often_as_they_say() -> None:
    truth = {"a": 0.8, "b": 0.0, "c": -0.8}
    rng = np.random.default_rng(0)
    inside = count = 0
    for _ in range(200):
        said = []
        for n in range(60):
            a, b = rng.choice(list(truth), 2, replace=False)
            won = rng.random() < expected(truth[a] - truth[b])
            said.append(Vote(a, b, float(won), str(n)))
        found = strengths(said, list(truth))
        for name, strength in truth.items():
            inside += found[name].low <= strength <= found[name].high
            count += 1
    assert inside / count >= 0.93


def test_versions_that_nothing_connects_are_said_so() -> None:
    said = votes("a", "b", 1, 1) + votes("c", "d", 1, 0) + votes("b", "e", 1, 0)
    assert groups_of(said) == [["a", "b", "e"], ["c", "d"]]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log.sqlite")


def turn(log: Log, version: str, question: str = "How many days?", **changes: object) -> str:
    record = completion(policy_version=version, question=question, **changes)
    write(log, record)
    return record.id


def prefer(log: Log, best: str, worst: str, **body: object) -> str:
    owner = "-".join(best.split("-")[:2])
    said = feedback(owner, "pair", preferred_id=best, rejected_id=worst, **body)
    write(log, said)
    return said.id


def test_pairs_ties_and_rankings_between_versions_count(log: Log) -> None:
    a, b, c = (turn(log, version) for version in "abc")
    prefer(log, a, b)
    write(log, feedback(a, "tie", tied_ids=[b, c], value="bad"))
    write(log, feedback(a, "ranking", ranking=[f"{a}-1", [c, b]]))
    prefer(log, f"{a}-0", f"{a}-1")
    regretted = prefer(log, c, a)
    write(log, feedback(c, "comment", comment="No.", supersedes=regretted))
    turn(log, "z", question="Other?")
    prefer(log, turn(log, "verified:va-1"), a)
    with log.reading() as connection:
        found = arena(connection).to_wire()
    assert [(p["a"], p["b"], p["wins_a"], p["wins_b"], p["ties"]) for p in found["pairs"]] == [
        ("a", "b", 2, 0, 0),
        ("a", "c", 1, 0, 0),
        ("b", "c", 0, 0, 2),
    ]
    assert [one["policy_version"] for one in found["versions"]][0] == "a"
    assert {one["policy_version"]: one["comparisons"] for one in found["versions"]} == {
        "a": 3,
        "b": 4,
        "c": 3,
    }
    assert found["left_out"] == {
        "same_version": 1,
        "imported": 0,
        "verified": 1,
        "superseded": 1,
        "waiting": 0,
        "unfit": 0,
    }
    assert (found["groups"], found["comparisons"]) == (1, 5)


def test_what_a_caller_may_not_see_is_not_counted_either(log: Log) -> None:
    a, b = turn(log, "a"), turn(log, "b", labels=[["hr"]])
    imported = turn(log, "import:x", decision="import")
    prefer(log, a, b)
    prefer(log, a, imported)

    def compared(imports: bool, *labels: str) -> tuple[int, int]:
        with log.reading() as connection:
            found = arena(connection, access=Access(frozenset(labels)), imports=imports)
        return len(found.votes), found.left_out["imported"]

    assert compared(False) == (0, 0)
    assert compared(False, "hr") == (1, 0)
    assert compared(True, "hr") == (1, 1)


def test_the_command_shows_shares_groups_and_what_was_left_out(log: Log, tmp_path: Path) -> None:
    a, b, c, d = (turn(log, version) for version in "abcd")
    prefer(log, a, b)
    prefer(log, c, d)
    prefer(log, f"{a}-0", f"{a}-1")
    shown = run(tmp_path)
    for words in ("a preferred", "Group 2", "1 compare answers of one version", "win share"):
        assert words in shown
    assert len(json.loads(run(tmp_path, "--json"))["versions"]) == 4
    assert "Nobody" in run(tmp_path, "--collection", "other")


def run(folder: Path, *arguments: str) -> str:
    command: Sequence[str] = ["feedback", "wins", *arguments, "--data-dir", str(folder)]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    return result.stdout
