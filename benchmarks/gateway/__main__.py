"""Measure what Plumbline costs between a client and its model server.

python -m benchmarks.gateway passthrough stream full concurrent windowed workers soak
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import click
import uvloop

from benchmarks.gateway import grounded, passing, scaled, soak, windowed
from benchmarks.gateway.peers import version_of
from benchmarks.gateway.processes import LOAD_CORE
from benchmarks.gateway.run import Run
from benchmarks.report import publish

ROWS: dict[str, Callable[[Run], Awaitable[str]]] = {
    "passthrough": passing.passthrough,
    "stream": passing.stream,
    "full": grounded.full,
    "concurrent": grounded.concurrent,
    "windowed": windowed.windowed,
    "workers": scaled.workers,
    "soak": soak.soak,
}
_PACKAGES = {"litellm": "litellm", "tensorzero": "tensorzero", "nemo": "nemoguardrails"}
_VERSIONS = ("uvicorn", "uvloop", "httptools", "httpx", "httpx-aiohttp", "aiohttp")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(ROWS)), required=True)
@click.option("--quick", is_flag=True, help="Seconds instead of minutes; nothing is written.")
@click.option("--seconds", default=2.0, show_default=True, help="Length of a round.")
@click.option("--rounds", default=5, show_default=True, help="Rounds, of which medians are shown.")
@click.option("--minutes", default=10.0, show_default=True, help="Length of the soak.")
@click.option("--workers", default=2, show_default=True, help="Worker processes of `workers`.")
@click.option("--litellm-python", help="Python of an environment with litellm[proxy].")
@click.option("--tensorzero-python", help="Python of an environment with tensorzero.")
@click.option("--nemo-python", help="Python of an environment with nemoguardrails[server].")
def main(
    names: tuple[str, ...],
    quick: bool,
    seconds: float,
    rounds: int,
    minutes: float,
    workers: int,
    litellm_python: str | None,
    tensorzero_python: str | None,
    nemo_python: str | None,
) -> None:
    """Measure the rows that are named, one after the other, and write each into docs/benchmarks.md."""
    pythons = {"litellm": litellm_python, "tensorzero": tensorzero_python, "nemo": nemo_python}
    os.sched_setaffinity(0, LOAD_CORE)
    if quick:
        run = Run(0.5, 1, True, 0.1, workers, pythons=pythons)
    else:
        run = Run(seconds, rounds, False, minutes, workers, pythons=pythons)
    peers = [version_of(python, _PACKAGES[name]) for name, python in pythons.items() if python]
    for name in names:
        body = uvloop.run(_row(name, run))
        command = f"python -m benchmarks.gateway {' '.join(_said(name))}"
        publish(f"gateway-{name}", command, body, write=not quick, also=_VERSIONS, others=peers)


async def _row(name: str, run: Run) -> str:
    """One row; a SIGTERM ends it as Ctrl-C does, so that no server outlives it."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await ROWS[name](run)


def _said(name: str) -> list[str]:
    """The command as it was given, for one row, without the paths of this machine."""
    given = [part for part in sys.argv[1:] if part not in ROWS]
    return [name, *("…" if "/" in part else part for part in given)]


if __name__ == "__main__":
    main()
