"""Who gets which version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contract.access import PUBLIC
from contract.chat import ChatRequest
from contract.errors import NotAllowed, NotFound
from server.callers import Caller, Role
from server.policy.rollout import Rollout
from server.promotion.registry import Registry, State

USERS = 1_000


class Named:
    """A policy of which only the version matters here."""

    deterministic = True

    def __init__(self, version: str) -> None:
        self.version = version

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody should ask for {name}")


def rollout(tmp_path: Path, state: State) -> Rollout:
    registry = Registry(tmp_path / "policies.json")
    registry.state = state
    return Rollout(Named("tiny"), registry, Named)


def asked(user: str | None = None, text: str = "Hello", **options: Any) -> ChatRequest:
    messages = [{"role": "user", "content": text}]
    return ChatRequest(
        model="plumbline",
        messages=messages,
        user=user,
        plumbline=options,  # type: ignore[arg-type]
    )


def caller(role: Role = "reader", name: str = "") -> Caller:
    return Caller(name, PUBLIC, role)


def drawn(chosen: Rollout) -> set[str]:
    """The users who get the candidate."""
    users = [f"user-{number}" for number in range(USERS)]
    return {u for u in users if chosen.choose(asked(u), caller()).version == "new"}


@pytest.mark.parametrize("share", [1.0, 10.0, 50.0])
def test_users_are_drawn_in_the_share_that_was_asked_for(tmp_path: Path, share: float) -> None:
    state = State().promoted("new", share)
    expected = USERS * share / 100
    # Four standard deviations of a binomial count: one run in some 16,000 lies outside.
    spread = 4 * (expected * (1 - share / 100)) ** 0.5
    assert abs(len(drawn(rollout(tmp_path, state))) - expected) <= spread


def test_a_user_keeps_the_version_also_while_its_share_grows(tmp_path: Path) -> None:
    ten = State().promoted("new", 10)
    before = drawn(rollout(tmp_path, ten))
    assert drawn(rollout(tmp_path, ten)) == before
    fifty = ten.promoted("new", 50)
    assert before < drawn(rollout(tmp_path, fifty))
    assert drawn(rollout(tmp_path, fifty.promoted("new", 0))) == set()


def test_another_rollout_draws_other_users(tmp_path: Path) -> None:
    first = drawn(rollout(tmp_path, State().promoted("new", 20)))
    again = State().promoted("new", 20).rolled_back().promoted("new", 20)
    assert drawn(rollout(tmp_path, again)) != first


def test_a_conversation_of_nobody_keeps_its_version_by_its_first_message(tmp_path: Path) -> None:
    chosen = rollout(tmp_path, State().promoted("new", 50))
    for number in range(50):
        first = chosen.choose(asked(text=f"Question {number}"), caller()).version
        messages = [
            {"role": "user", "content": f"Question {number}"},
            {"role": "assistant", "content": "An answer."},
            {"role": "user", "content": "And then?"},
        ]
        going_on = ChatRequest(model="plumbline", messages=messages)  # type: ignore[arg-type]
        assert chosen.choose(going_on, caller()).version == first


def test_whoever_sends_no_user_is_told_by_the_key(tmp_path: Path) -> None:
    chosen = rollout(tmp_path, State().promoted("new", 50))
    found = {chosen.choose(asked(text=str(n)), caller(name="ann")).version for n in range(20)}
    assert len(found) == 1


def test_raters_may_name_a_version_and_readers_may_not(tmp_path: Path) -> None:
    chosen = rollout(tmp_path, State().promoted("new", 0))
    assert chosen.choose(asked(policy="new"), caller("rater")).version == "new"
    assert chosen.choose(asked(policy="base"), caller("admin")).version == "tiny"
    assert chosen.choose(asked(policy="tiny"), caller("admin")).version == "tiny"
    with pytest.raises(NotAllowed, match="role rater"):
        chosen.choose(asked(policy="new"), caller("reader"))
    with pytest.raises(NotFound, match="base, new"):
        chosen.choose(asked(policy="../new"), caller("rater"))


def test_the_version_in_service_is_what_all_others_get(tmp_path: Path) -> None:
    state = State().promoted("old", 100).promoted("new", 30)
    chosen = rollout(tmp_path, state)
    versions = {chosen.choose(asked(f"user-{n}"), caller()).version for n in range(100)}
    assert versions == {"old", "new"}
    assert chosen.service.version == "old"
