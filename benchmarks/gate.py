"""What do id, timing, metrics, limits, the log line and stages cost each request?

    OMP_NUM_THREADS=1 python -m benchmarks.gate

Called in this process, without a network, around an application that answers at once; the rival is that
application alone. The least CPU time of several rounds, which others on the machine disturb least.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stderr
from pathlib import Path

import click
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchmarks.report import publish, table
from contract.settings import Settings
from server.callers import Anonymous
from server.flights import Flights
from server.gate import Gate
from server.key_check import KeyCheck
from server.limits import Limiter
from server.telemetry import logs
from server.telemetry.telemetry import Telemetry

ROUNDS, REQUESTS = 12, 2000
STAGES = ("retrieve", "prompt", "generate", "judge", "decide", "log")
HEADERS = [
    (b"host", b"localhost"),
    (b"user-agent", b"benchmark"),
    (b"content-type", b"application/json"),
    (b"authorization", b"Bearer any"),
]


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """The application alone."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


def gated(app: ASGIApp, settings: Settings) -> Gate:
    """An application behind the gate of a server with these settings."""
    return Gate(app, Flights(settings.server), Telemetry(settings.telemetry))


def staged(settings: Settings) -> ASGIApp:
    """An application that passes through all stages, behind the gate."""
    telemetry = Telemetry(settings.telemetry)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for stage in STAGES:
            with telemetry.stage(stage):
                pass
        await answer(scope, receive, send)

    return Gate(app, Flights(settings.server), telemetry)


def limited(settings: Settings) -> ASGIApp:
    """An application whose callers have limits, behind the gate."""
    callers = Anonymous(settings.server)
    return gated(KeyCheck(answer, callers, Limiter(), open_metrics=False), settings)


async def request(app: ASGIApp) -> None:
    """One request, as a server would hand it over."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        pass

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": list(HEADERS), "state": {}}
    await app(scope, receive, send)


async def microseconds(ask: Callable[[], Awaitable[None]]) -> float:
    """CPU time of one call, over a round."""
    started = time.process_time()
    for _ in range(REQUESTS):
        await ask()
    return (time.process_time() - started) / REQUESTS * 1e6


def measure() -> list[list[object]]:
    """One row for each application; they take turns."""
    quiet = Settings().replace({"telemetry.access_log": False})
    many = {f"server.anonymous_{kind}_per_minute": 10**9 for kind in ("requests", "tokens")}
    apps = {
        "the application alone": answer,
        "behind the gate": gated(answer, quiet),
        "… with the caller's limits": limited(quiet.replace(many)),
        "… with six stages": staged(quiet),
        "… with the log line, as text": gated(answer, Settings()),
    }
    least = dict.fromkeys(apps, float("inf"))
    for _ in range(ROUNDS):
        for name, app in apps.items():
            taken = asyncio.run(microseconds(lambda app=app: request(app)))  # type: ignore[misc]
            least[name] = min(least[name], taken)
    alone = least["the application alone"]
    return [[name, f"{taken:.0f}", f"{taken - alone:.0f}"] for name, taken in least.items()]


@click.command()
def main() -> None:
    """Measure, and write the result."""
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        logs.configure(Settings().telemetry)
        rows = measure()
        logging.getLogger().handlers[0].flush()
    publish("gate", "python -m benchmarks.gate", table(["µs of CPU a request", "", "more"], rows))


if __name__ == "__main__":
    main()
