"""Several model servers that serve the same model, behind the interface of one.

A request goes to the replica with the fewest requests in flight; those with the same `affinity` go to the
same one, whose prefix cache is warm, unless it is clearly busier than the others. A replica that fails is
put aside, checked in the background, and brought back when it answers again. A request that failed
before its first byte is sent once more, to another replica; one that has begun is not.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from itertools import count
from typing import Any

from contract.errors import PolicyNotServed, PolicyTooSlow, PolicyUnavailable, RequestRejected
from contract.model_server import ModelServer
from contract.replica import Replica, ReplicaState

# A replica may have this many requests more in flight than the idlest and keep its regular callers.
SLACK = 4
# Replicas in service are checked so many times more seldom than those put aside.
CALM = 10
_CHECK_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Replicas:
    """A `contract.model_server.ChatServer` of several servers.

    Args:
        servers: one for each replica.
        health_seconds: pause between checks of a replica that was put aside.
        trouble: says of a URL why nothing should be sent there, or None; for whoever knows before the
            first request fails.
    """

    def __init__(
        self,
        servers: Sequence[ModelServer],
        *,
        health_seconds: float = 2.0,
        trouble: Callable[[str], str | None] | None = None,
    ) -> None:
        self._replicas = [Replica(server, _about(server.url, trouble)) for server in servers]
        self._pause = health_seconds
        self._ejected = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """All addresses."""
        return ", ".join(replica.server.url for replica in self._replicas)

    @property
    def states(self) -> list[ReplicaState]:
        """How each replica fares, in the order given."""
        return [replica.state for replica in self._replicas]

    def start(self) -> None:
        """Begin to watch the replicas; the first request does so as well."""
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="replicas")

    async def chat(self, body: Mapping[str, Any], *, affinity: str | None = None) -> dict[str, Any]:
        """One chat completion from the replica that suits best; on failure from another, once.

        Raises:
            PolicyUnavailable: no replica is healthy, or two failed.
            ContextTooLong, RequestRejected: the request is at fault; no other replica is asked.
        """
        self.start()
        replica = self._choose(affinity)
        try:
            return await self._chat(replica, body)
        except PolicyTooSlow:
            raise
        except PolicyUnavailable as error:
            other = self._another(replica, affinity, error)
        with self._naming_all():
            return await self._chat(other, body)

    async def stream(
        self, body: Mapping[str, Any], *, affinity: str | None = None
    ) -> AsyncGenerator[dict[str, Any]]:
        """The chunks of one streamed completion. Only before the first chunk is another replica asked.

        Raises:
            PolicyUnavailable: as `chat`; also where the replica breaks off after the first chunk.
            ContextTooLong, RequestRejected: as `chat`.
        """
        self.start()
        replica = self._choose(affinity)
        begun = False
        try:
            async with aclosing(self._stream(replica, body)) as chunks:
                async for chunk in chunks:
                    begun = True
                    yield chunk
            return
        except PolicyTooSlow:
            raise
        except PolicyUnavailable as error:
            if begun:
                raise
            other = self._another(replica, affinity, error)
        with self._naming_all():
            async with aclosing(self._stream(other, body)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def models(self) -> list[dict[str, Any]]:
        """The models that the first healthy replica lists.

        Raises:
            PolicyUnavailable: no replica answers.
        """
        self.start()
        for replica in self._healthy():
            with suppress(PolicyUnavailable), self._asking(replica):
                return await replica.server.models()
        raise self._all_down()

    async def close(self) -> None:
        """Stop watching and close all connections."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None
        for replica in self._replicas:
            await replica.server.close()

    def _healthy(self) -> list[Replica]:
        return [replica for replica in self._replicas if replica.trouble is None]

    def _choose(self, affinity: str | None, but: Replica | None = None) -> Replica:
        healthy = [replica for replica in self._healthy() if replica is not but]
        if not healthy:
            raise self._all_down()
        idlest = min(healthy, key=lambda r: (r.in_flight, r.served))
        if affinity is None:
            return idlest
        regular = max(healthy, key=lambda r: _weight(affinity, r.server.url))
        return regular if regular.in_flight <= idlest.in_flight + SLACK else idlest

    def _another(self, failed: Replica, affinity: str | None, error: PolicyUnavailable) -> Replica:
        """Another healthy replica; where there is none, the error stands."""
        with self._naming_all():
            if self._healthy() == [failed]:
                raise error
            other = self._choose(affinity, but=failed)
        _log.warning("a request is sent to another policy server: %s", error.message)
        return other

    @contextmanager
    def _naming_all(self) -> Iterator[None]:
        """Where no replica is left, say so of all instead of the last one."""
        try:
            yield
        except PolicyUnavailable as error:
            if self._healthy():
                raise
            raise self._all_down() from error

    async def _chat(self, replica: Replica, body: Mapping[str, Any]) -> dict[str, Any]:
        with self._asking(replica):
            return await replica.server.chat(body)

    async def _stream(
        self, replica: Replica, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        with self._asking(replica):
            async with aclosing(replica.server.stream(body)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _check(self, replica: Replica) -> None:
        with suppress(PolicyUnavailable), self._noting(replica):
            await replica.server.check(_CHECK_SECONDS)

    @contextmanager
    def _asking(self, replica: Replica) -> Iterator[None]:
        """Count a request in flight, and note how it went."""
        replica.in_flight += 1
        replica.served += 1
        try:
            with self._noting(replica):
                yield
        finally:
            replica.in_flight -= 1

    @contextmanager
    def _noting(self, replica: Replica) -> Iterator[None]:
        try:
            yield
        except (RequestRejected, PolicyNotServed):
            replica.succeeded()
            raise
        except PolicyUnavailable as error:
            replica.failed(error, last=self._healthy() == [replica])
            if replica.aside:
                self._ejected.set()
            raise
        replica.succeeded()

    def _all_down(self) -> PolicyUnavailable:
        troubles = " ".join(dict.fromkeys(r.trouble or r.last_error for r in self._replicas))
        several = len(self._replicas) > 1
        return PolicyUnavailable(
            f"No policy server can answer. {troubles}" if several else troubles
        )

    async def _watch(self) -> None:
        """Check those put aside every `health_seconds`, the others `CALM` times more seldom."""
        for turn in count():
            regular = turn > 0 and turn % CALM == 0
            there = [r for r in self._replicas if r.known_trouble is None]
            due = [r for r in there if r.aside or regular]
            await asyncio.gather(*map(self._check, due))
            self._ejected.clear()
            # Not wait_for: where the event comes together with the end, it forgets the end.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await self._ejected.wait()


def _about(url: str, trouble: Callable[[str], str | None] | None) -> Callable[[], str | None]:
    return lambda: trouble(url) if trouble else None


def _weight(affinity: str, url: str) -> bytes:
    """Rendezvous hashing: where a replica leaves, only its own callers move."""
    return hashlib.sha256(f"{affinity}\0{url}".encode()).digest()
