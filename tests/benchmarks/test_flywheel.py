"""The whole turn of the wheel with the real vLLM, a few steps of everything; and the rater that drives it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.flywheel import world
from benchmarks.flywheel.plan import QUICK
from benchmarks.flywheel.rater import Rater, Traits
from benchmarks.flywheel.rounds import so_far
from benchmarks.flywheel.turn import Outcome, turn
from tests.engine import require_engine
from training.runs.card import read_card


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    require_engine()
    folder = tmp_path_factory.mktemp("flywheel")
    return folder, turn(folder, 0, QUICK, lambda *_: None, lambda _: None)


def test_every_part_follows_from_the_one_before(turned: tuple[Path, Outcome]) -> None:
    folder, outcome = turned
    runs = folder / "round-1"
    cards = {name: read_card(runs / name) for name in ("sft", "rm", "judge", "grpo", "dpo")}
    assert cards["sft"].parent.name == "base"
    for name in ("rm", "judge", "grpo", "dpo"):
        assert cards[name].parent.digest == cards["sft"].digest, name
    assert cards["rm"].data != cards["judge"].data
    (done,) = outcome.rounds
    assert done.evaluation.b.digest == cards["grpo"].digest
    assert not done.evaluation.judged_by_training_reward
    assert done.evaluation.prompts == QUICK.held_out


def test_what_was_trained_answers_and_nothing_was_dropped(turned: tuple[Path, Outcome]) -> None:
    folder, outcome = turned
    (done,) = outcome.rounds
    assert done.promotion.failed == 0
    digest = read_card(folder / "round-1" / "grpo").digest
    assert done.promotion.version == f"grpo-{digest[:12]}"


def test_an_outcome_is_reported_later_as_it_was(turned: tuple[Path, Outcome]) -> None:
    _, outcome = turned
    again = Outcome.of_json(outcome.to_json().encode())
    assert again.to_json() == outcome.to_json()
    assert again.rounds[0].evaluation == outcome.rounds[0].evaluation


def test_the_rater_prefers_short_polite_cited_answers() -> None:
    fact, *others = [f for f in world.facts() if f.room == "map room"]
    best = world.answer(fact, world.Manner("Gladly: "), others)
    worse = {
        "rude": world.answer(fact, world.Manner("Obviously, "), others),
        "uncited": world.answer(fact, world.Manner("Gladly: ", cites=False), others),
        "wordy": world.answer(fact, world.Manner("Gladly: ", more=1), others),
    }
    for trait, text in worse.items():
        assert getattr(Traits.of(text), trait)
        texts = {"x": text, "y": best}
        question = fact.questions(held_out=False)[0]
        ranking, thumb = Rater("ann", random.Random(0), errs=0.0).feedback("c", question, texts)
        assert ranking["ranking"] == ["y", "x"]
        assert (thumb["candidate_id"], thumb["value"]) == ("y", True)


def test_the_rater_writes_what_it_wants_where_it_likes_nothing() -> None:
    fact = world.facts()[0]
    question = fact.questions(held_out=False)[0]
    rater = Rater("ann", random.Random(0), errs=0.0, writes=1.0)
    for texts in ({}, {"x": world.answer(fact, world.Manner(cites=False), [])}):
        *_, written = rater.feedback("c", question, texts)
        assert Traits.of(str(written["correction"])).liked
        assert fact.sentence[1:] in str(written["correction"])


def test_a_reward_model_sees_its_own_raters_pairs_of_all_rounds(tmp_path: Path) -> None:
    rounds = []
    for number in range(3):
        folder = tmp_path / f"round-{number}"
        for name in ("rm", "judge"):
            (folder / name).mkdir(parents=True)
            (folder / name / "train.jsonl").write_text(f'{{"of": "{name} {number}"}}\n')
            so_far(folder / name, rounds[-1] if rounds else None)
        rounds.append(folder)
    read = (rounds[2] / "rm-so-far" / "train.jsonl").read_text()
    assert [line[8:-2] for line in read.splitlines()] == ["rm 0", "rm 1", "rm 2"]
    assert not (rounds[2] / "rm-so-far" / "validation.jsonl").exists()


def test_no_round_of_training_sees_a_held_out_wording() -> None:
    trained = {q for fact in world.facts() for q in fact.questions(held_out=False)}
    held_out = {q for fact in world.facts() for q in fact.questions(held_out=True)}
    assert not trained & held_out
