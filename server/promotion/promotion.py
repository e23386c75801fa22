"""Promotion and rollback: checks first, then the engines, then the registry that all processes follow."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

from contract.errors import ConfigurationError, Conflict, NotFound, PlumblineError, RequestRejected
from contract.evaluation import Evaluation
from contract.promotion import BASE, Promote, Rollback
from contract.settings import Settings
from server.engine.adapters import Adapters
from server.promotion.adapter_check import Served, Shape, check_fits
from server.promotion.gates import Gate, gates
from server.promotion.registry import Entry, Registry, State, now
from server.promotion.store import Store, Stored

_LOOK_SECONDS = 0.5
# So seldom it is looked whether the engines still have what they shall have; one that was started again
# by somebody else has not.
_ENSURE_SECONDS = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Done:
    """What a promotion came to, when it began (seconds since 1970), and the gates that were looked at."""

    state: State
    version: str
    began: float
    gates: Sequence[Gate] = ()


class Promotion:
    """Changes which versions are in service, and follows changes that other processes make.

    Args:
        adapters: of the engines; None where no adapter can be loaded.
    """

    def __init__(
        self, settings: Settings, registry: Registry, store: Store, adapters: Adapters | None
    ) -> None:
        self.registry = registry
        self.store = store
        self._settings = settings
        self._adapters = adapters
        self._ensuring = threading.Lock()
        self._following: asyncio.Task[None] | None = None

    def served(self) -> Served:
        """What the engines serve without any adapter.

        Raises:
            Conflict: there is no engine that could load one.
            PolicyUnreachable: the engine can't be reached.
        """
        listed = self._engines().served()
        base = next((model for model in listed if not model.get("parent")), {})
        engine = self._settings.engine
        rank = engine.max_lora_rank if engine.serves_adapters else None
        return Served(str(base.get("id") or ""), str(base.get("root") or ""), rank)

    def promote(self, order: Promote, who: str) -> Done:
        """Load a version everywhere and give it its share; what fails on the way changes nothing.

        Raises:
            NotFound: there is no such version.
            Conflict: it is in service already, its gates fail, or another change is under way.
            RequestRejected: it does not fit what the engines serve, or they refuse it.
            ConfigurationError: its files were changed, or something can't be written.
            PolicyUnreachable: an engine can't be reached.
        """
        self._engines()
        began = time.time()
        with self.registry.changing() as state:
            if order.name == BASE:
                self._write(
                    state.promoted(BASE, order.share),
                    _entry("promote", BASE, order.share, who, order.reason),
                )
                return Done(self.registry.state, BASE, began)
            stored = self.store.find(order.name)
            after = state.promoted(stored.version, order.share)
            evaluation = order.evaluation or self.store.evaluation(stored)
            seen = self._gates(stored, state, evaluation) if order.share > 0 else []
            forced = _passed_over(seen, order)
            self._load(stored)
            if order.evaluation is not None:
                self.store.keep_evaluation(stored, order.evaluation)
            entry = _entry("promote", stored.version, order.share, who, order.reason)
            noted = {"evaluation": _digest(evaluation), "forced": forced}
            self._write(after, entry.model_copy(update=noted))
        # An engine that was started again meanwhile has read the registry as it was before.
        self.ensure()
        return Done(self.registry.state, stored.version, began, seen)

    def rollback(self, order: Rollback, who: str) -> Done:
        """End the rollout of a candidate at once, or put back the version that was in service before.

        Raises:
            Conflict: there is nothing to go back to, or another change is under way.
            ConfigurationError: the registry can't be written.
        """
        began = time.time()
        with self.registry.changing() as state:
            after, gone = state.rolled_back(), state.candidate or state.service
            self._write(after, _entry("rollback", gone, 0.0, who, order.reason))
        with suppress(PlumblineError):  # what answers from now on was loaded before, as a rule
            self.ensure()
        return Done(self.registry.state, self.registry.state.service, began)

    def ensure(self) -> None:
        """Load what is in service into every engine that does not have it.

        Raises:
            ConfigurationError, NotFound: an engine refuses what is in service, or its files were changed or
                are gone; of other versions this is only logged.
            PolicyUnreachable: an engine can't be reached.
        """
        if self._adapters is None or not self.registry.state.wanted:
            return
        with self._ensuring:
            for version in self.registry.state.wanted:
                try:
                    self._adapters.ensure(version, partial(self.store.adapter, version))
                except (ConfigurationError, NotFound) as error:
                    if version == self.registry.state.service:
                        raise
                    _log.error("%s is not loaded: %s", version, error.message)

    def start(self) -> None:
        """Begin to follow the registry; needs a running event loop."""
        self._following = asyncio.create_task(self._follow(), name="promotion")

    async def close(self) -> None:
        """Follow no more."""
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following

    def _engines(self) -> Adapters:
        if self._adapters is None:
            raise Conflict(
                "The embedded reader has no weights that an adapter could change. Serve a model of your own "
                "(--engine vllm, or --policy-url)."
            )
        return self._adapters

    def _gates(self, stored: Stored, state: State, evaluation: Evaluation | None) -> list[Gate]:
        in_service = ""
        if state.service != BASE:
            with suppress(NotFound):
                in_service = self.store.find(state.service).digest
        return gates(
            evaluation,
            self.store.card(stored),
            digest=stored.digest,
            in_service=in_service,
            settings=self._settings.promotion,
        )

    def _load(self, stored: Stored) -> None:
        """Load a version into every engine, or into none."""
        try:
            check_fits(Shape(stored.rank, stored.base), self.served())
            # Also one that is loaded already must be as it was stored: engines load it again at a start.
            folder = self.store.adapter(stored.version)
            self._engines().ensure(stored.version, lambda: folder)
        except ConfigurationError as error:
            raise RequestRejected(error.message, code="adapter_refused", param="name") from error

    def _write(self, after: State, entry: Entry) -> None:
        entry = entry.model_copy(update={"service": after.service, "candidate": after.candidate})
        self.registry.write(after.noting(entry))
        _log.warning(
            "policy: %s of %s to %g percent by %s; in service is %s%s",
            entry.what,
            entry.version,
            entry.share,
            entry.who,
            entry.service,
            f"; forced past {', '.join(entry.forced)}" if entry.forced else "",
            extra={"detail": entry.reason},
        )

    async def _follow(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            looks += 1
            try:
                if self._look() or looks * _LOOK_SECONDS >= _ENSURE_SECONDS:
                    looks = 0
                    await asyncio.to_thread(self.ensure)
            except PlumblineError as error:
                _log.warning("engines could not be given their adapters: %s", error.message)
            except Exception:  # whoever stops following would serve what was taken back elsewhere
                _log.exception("the registry of policies could not be followed")

    def _look(self) -> bool:
        """Read the registry where it changed; True where it did."""
        changed = self.registry.refresh()
        if changed:
            state = self.registry.state
            _log.info("in service is %s, candidate %s", state.service, state.candidate or "none")
        return changed


def _entry(
    what: Literal["promote", "rollback"], version: str, share: float, who: str, reason: str
) -> Entry:
    """A line of the history; what stands where afterwards is added when it is written."""
    return Entry(
        at=now(), who=who, what=what, version=version, share=share, service="", reason=reason
    )


def _passed_over(seen: Sequence[Gate], order: Promote) -> tuple[str, ...]:
    """The gates that fail, where they may.

    Raises:
        Conflict: they may not.
    """
    failed = [gate for gate in seen if not gate.passed]
    if failed and not order.force:
        told = " ".join(f"{gate.name}: {gate.found}." for gate in failed)
        raise Conflict(
            f"{len(failed)} of {len(seen)} gates fail. {told} With force and a reason it is promoted all the "
            "same, and the history says so.",
            code="gates_failed",
        )
    return tuple(f"{gate.name}: {gate.found}" for gate in failed)


def _digest(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return ""
    return hashlib.sha256(evaluation.model_dump_json().encode()).hexdigest()
