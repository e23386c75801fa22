"""A mock model server that dies now and then, and comes back."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.gateway.client import fetch, get
from benchmarks.gateway.engine import Script
from benchmarks.gateway.processes import LOAD_CORE, free_port, launch
from benchmarks.gateway.targets import engine_command


class MortalEngine:
    """The engine on a port that it keeps.

    Args:
        scripts: what it answers.
        folder: where its files go.
        every, pause: seconds between deaths, and until it is started again.
    """

    def __init__(self, scripts: Sequence[Script], folder: Path, every: float, pause: float) -> None:
        self.port = free_port()
        self.outages: list[tuple[float, float]] = []
        self._log = folder / "engine.log"
        self._command = engine_command(scripts, folder, self.port)
        self._every, self._pause = every, pause
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = launch(self._command, self._log, LOAD_CORE)
        while True:
            with suppress(OSError):
                await fetch(self.port, get("/v1/models"))
                return
            await asyncio.sleep(0.05)

    async def die_now_and_then(self) -> None:
        """Kill it every so often, and bring it back after a pause."""
        while True:
            await asyncio.sleep(self._every)
            begun = time.monotonic()
            self.stop()
            await asyncio.sleep(self._pause)
            await self.start()
            self.outages.append((begun, time.monotonic()))

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
