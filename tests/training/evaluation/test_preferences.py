from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from contract.errors import ConfigurationError
from contract.weights import weights_digest
from tests.conftest import listening
from tests.engine import reward_checkpoint
from tests.training.evaluation.material import comparing_server, pair, verdict
from training.evaluation.judged import Pair
from training.evaluation.preferences import (
    ModelJudge,
    Preference,
    RewardInService,
    SecondRewardModel,
    check_is_another,
    check_url_is_another,
    of_orders,
    win_rate,
)
from training.evaluation.sides import Contender
from training.evaluation.votes import votes


def pairs() -> list[Pair]:
    good, bad = "You get 27 days.", "I don't know."
    return [
        pair(verdict(1), verdict(0), 0, text_a=bad, text_b=good),
        pair(verdict(0), verdict(0), 1, text_a=good, text_b=bad),
        pair(verdict(0), verdict(2), 2, text_a=good, text_b=good),
    ]


def test_a_judge_that_likes_a_place_and_not_an_answer_sees_ties() -> None:
    with listening(comparing_server(lambda first, second: 0.9)) as url:
        found = ModelJudge(f"{url}/v1", None, None).compare(pairs())
    assert [p.score for p in found] == [0.5] * 3
    assert not any(p.consistent for p in found)
    assert win_rate(found).mean == 0.5


def test_a_judge_that_reads_prefers_the_better_answer_in_either_place() -> None:
    def by_content(first: str, second: str) -> float:
        return 0.5 + 0.4 * (("27" in first) - ("27" in second))

    with listening(comparing_server(by_content)) as url:
        judge = ModelJudge(f"{url}/v1", None, None)
        assert "comparer" in judge.version and not judge.is_training_reward
        found = judge.compare(pairs())
    assert [p.score for p in found] == [1.0, 0.0, 0.5]
    assert all(p.consistent for p in found)


def test_swapped_sides_mirror() -> None:
    assert of_orders(0.2, 0.9) == Preference(1.0, pytest.approx(0.7))
    assert of_orders(0.9, 0.2) == Preference(0.0, pytest.approx(-0.7))
    swapped = [Pair(p.prompt, p.b, p.a, None) for p in pairs()]
    forth, back = (RewardInService("j").compare(side) for side in (pairs(), swapped))
    assert [p.score for p in forth] == [1 - p.score for p in back] == [0.0, 0.5, 1.0]
    assert win_rate(forth).low == pytest.approx(1 - win_rate(back).high)


def test_a_second_reward_model_judges_unless_the_candidate_was_trained_on_it(
    tmp_path: Path,
) -> None:
    folder = reward_checkpoint(tmp_path / "rm")
    judge = SecondRewardModel(folder)
    first = pairs()[0]
    forth, back = judge.compare([first, Pair(first.prompt, first.b, first.a, None)])
    assert {forth.score, back.score} == {0.0, 1.0} and not judge.is_training_reward

    check_is_another(folder, Contender("weights", "b", "b", card={"options": {"rounds": "1"}}))
    copy = shutil.copytree(folder, tmp_path / "copy")
    for card in (
        {"options": {"reward_model": str(copy)}},
        {"options": {"reward_model": "copy"}},
        {"reward": {"digest": weights_digest(folder)}},
    ):
        with pytest.raises(ConfigurationError, match="trained on another split"):
            run = tmp_path / "runs" / "grpo" / "adapter"
            check_is_another(folder, Contender("weights", "b", "b", adapter=run, card=card))
    with pytest.raises(ConfigurationError, match="judge in service"):
        check_is_another(folder, Contender("weights", "b", "b"), in_service=str(copy))
    card = {"options": {"reward_url": "http://127.0.0.1:8002"}}
    with pytest.raises(ConfigurationError, match="trained to please"):
        check_url_is_another("http://127.0.0.1:8002/v1/", Contender("weights", "b", "b", card=card))


def test_votes_of_people_count_by_turn_and_between_these_policies(tmp_path: Path) -> None:
    def row(chosen: str, rejected: str, group: str, source: str = "human") -> str:
        said = [{"role": "assistant", "content": "…"}]
        versions = {"chosen_policy_version": chosen, "rejected_policy_version": rejected}
        return json.dumps(
            {"chosen": said, "rejected": said, "group": group, "source": source} | versions
        )

    path = tmp_path / "votes.jsonl"
    lines = [row("new", "old", "1"), row("new", "old", "2"), row("old", "new", "2")]
    lines += [row("new", "old", "3", "judge"), row("new", "other", "4"), row("new", "old", "5")]
    path.write_text("\n".join(lines))
    found = votes(path, "old", "new")
    assert found.count == 3 and found.difference is not None
    assert found.difference.mean == pytest.approx(2.5 / 3, abs=1e-6)
    assert votes(path, "older", "new").difference is None
