"""Which version answers a turn: the one in service, the candidate for its share, or the one asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from contract.candidate import Policy
from contract.chat import NOBODY, ChatRequest
from contract.errors import NotFound
from contract.promotion import BASE
from server.callers import Caller
from server.promotion.registry import WHOLE, Registry, State


class Rollout:
    """Chooses a policy for each turn, by the registry as it was read last.

    Args:
        base: the policy that the settings name.
        promoted: makes the policy of a version; None where no version can be served, whatever the
            registry says.
    """

    def __init__(
        self, base: Policy, registry: Registry, promoted: Callable[[str], Policy] | None
    ) -> None:
        self._base = base
        self._registry = registry
        self._promoted = promoted
        self._known: dict[str, Policy] = {}

    @property
    def state(self) -> State:
        """What is in service, as far as it can be."""
        return self._registry.state if self._promoted is not None else State()

    @property
    def service(self) -> Policy:
        """The policy in service."""
        return self._policy(self.state.service)

    def choose(self, request: ChatRequest, caller: Caller) -> Policy:
        """The policy that answers a whole turn, with all its attempts and candidates.

        Raises:
            NotAllowed: the request names a version, and its caller is neither rater nor admin.
            NotFound: that version is not loaded.
        """
        if request.plumbline.policy is not None:
            caller.check("rater")
            return self._pinned(request.plumbline.policy)
        state = self.state
        if state.candidate is not None and draws_candidate(state, unit_of(request, caller)):
            return self._policy(state.candidate)
        return self._policy(state.service)

    def describe(self) -> dict[str, Any]:
        """The policy in service, and all versions that a request may name."""
        return self.service.describe() | {"versions": self._versions()}

    async def check(self) -> None:
        """Return when the policy in service can answer; raise PolicyUnavailable when it can't."""
        await self.service.check()

    def _versions(self) -> list[dict[str, Any]]:
        state = self.state
        names = dict.fromkeys((state.service, state.candidate, *state.before[-1:], BASE))
        return [
            {"version": self._policy(name).version, "share": state.share_of(name)}
            | ({"base": True} if name == BASE else {})
            for name in names
            if name is not None
        ]

    def _pinned(self, name: str) -> Policy:
        names = [BASE, *self.state.wanted]
        if name in names:
            return self._policy(name)
        if name == self._base.version:
            return self._base
        raise NotFound(
            f"The policy {name!r} is not loaded here. There are {', '.join(names)}; `plumbline policy promote "
            "NAME --share 0` loads another one.",
            code="policy_not_found",
            param="plumbline.policy",
        )

    def _policy(self, name: str) -> Policy:
        if name == BASE or self._promoted is None:
            return self._base
        if name not in self._known:
            self._known[name] = self._promoted(name)
        return self._known[name]


def unit_of(request: ChatRequest, caller: Caller) -> str:
    """What keeps its version: a person; where nobody says who asks, a conversation, by its first message."""
    person = request.person(caller.name)
    if person != NOBODY:
        return f"person\0{person}"
    first = next(m.text for m in request.messages if m.role == "user")
    return f"conversation\0{first}"


def draws_candidate(state: State, unit: str) -> bool:
    """Does somebody belong to the candidate's share? Whoever does keeps belonging to it while it grows."""
    drawn = hashlib.sha256(f"{state.salt}\0{unit}".encode()).digest()[:8]
    return int.from_bytes(drawn) < state.share / WHOLE * 2**64
