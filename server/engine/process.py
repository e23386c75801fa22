"""One engine as a process: started, watched, started again when it dies, and never left behind.

Between Plumbline and the engine stands a keeper (`inside/keeper.py`): it writes the log and ends the
engine when Plumbline is gone, however Plumbline died.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import httpx

from contract.errors import ConfigurationError, PlumblineError
from server.engine.command import INSIDE, Launch
from server.engine.deaths import Deaths, Patience, told
from server.engine.last_words import last_words
from server.engine.state import EngineState, Status

_STARTING_PAUSE, _READY_PAUSE, _HEALTH_SECONDS = 0.5, 5.0, 5.0
_TOLD_EVERY_SECONDS = 10.0
# The keeper asks the engine to end, waits 18 seconds at most, then kills it.
_STOP_SECONDS = 25.0
_ENDED = "it ended"

_log = logging.getLogger(__name__)


class EngineProcess:
    """One server of a plan.

    Args:
        launch: what to start.
        environment: of the engine, keys included; it never reaches the log.
        log: file for what the engine says.
        log_bytes: size at which that file is put aside.
        prepare: called each time the engine has become healthy, before it counts as ready.
    """

    def __init__(
        self,
        launch: Launch,
        environment: Mapping[str, str],
        log: Path,
        *,
        log_bytes: int = 20_000_000,
        patience: Patience | None = None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self.launch, self.log = launch, log
        self._environment = {**environment, **launch.environment}
        self._log_bytes = log_bytes
        self._deaths = Deaths(patience or Patience())
        self._prepare = prepare
        self._status: Status = "stopped"
        self._reason = ""
        self._keeper: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._live, name=launch.name, daemon=True)

    def start(self) -> None:
        """Start it in the background."""
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._status = "starting"
        self._thread.start()

    def wait_until_ready(self) -> None:
        """Wait for the first start, and say now and then that it still goes on.

        Raises:
            ConfigurationError: it died, or took too long; with what it said last.
        """
        began = time.monotonic()
        _log.info("the engine %s is starting; its log is %s", self.launch.name, self.log)
        while not self._settled.wait(_TOLD_EVERY_SECONDS):
            waited = time.monotonic() - began
            _log.info(
                "the engine %s is still starting, %.0f seconds so far", self.launch.name, waited
            )
        if self._status != "ready":
            raise ConfigurationError(self._reason or f"The engine {self.launch.name} was stopped.")
        waited = time.monotonic() - began
        _log.info("the engine %s is ready after %.0f seconds", self.launch.name, waited)

    def ask_to_stop(self) -> None:
        """Let it end, without waiting."""
        self._stopping.set()
        keeper = self._keeper
        if keeper is not None and keeper.stdin is not None:
            keeper.stdin.close()

    def stop(self) -> None:
        """End it, and everything that it started."""
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join()
        self._status = "stopped"

    @property
    def trouble(self) -> str | None:
        """Why it can't answer now, or None."""
        name = self.launch.name
        if self._status == "starting":
            return f"The engine {name} is starting. Try again in a minute."
        if self._status == "restarting":
            return f"The engine {name} died and is restarting. Try again in a minute."
        if self._status == "failed":
            return f"The engine {name} is down and is not started again; see its log {self.log}."
        return None if self._status == "ready" else f"The engine {name} is stopped."

    @property
    def state(self) -> EngineState:
        """A snapshot."""
        pid = self._keeper.pid if self._keeper else None
        return EngineState(
            self.launch.name, self.launch.url, self._status, pid, self._deaths.in_all, self.trouble
        )

    def _live(self) -> None:
        try:
            while not self._stopping.is_set():
                problem = self._one_life()
                if self._stopping.is_set():
                    break
                if self._too_often(problem):
                    break
                self._stopping.wait(self._deaths.back_off)
        except Exception as error:  # a thread that died unseen would leave callers waiting
            _log.exception("the watch over the engine %s broke", self.launch.name)
            self._status, self._reason = "failed", f"The engine {self.launch.name}: {error!r}"
        finally:
            self._settled.set()

    def _one_life(self) -> str:
        """From start to death; returns what it died of."""
        keeper = self._spawn()
        try:
            problem = self._become_ready(keeper) or self._stay_ready(keeper)
        finally:
            status = self._end(keeper)
        return f"{problem} ({told(status)})" if problem.startswith(_ENDED) else problem

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", str(INSIDE / "keeper.py"), str(self.log)]
        keeper = subprocess.Popen(
            [*command, str(self._log_bytes), *self.launch.command],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._keeper = keeper
        if self._stopping.is_set() and keeper.stdin is not None:
            keeper.stdin.close()
        return keeper

    def _become_ready(self, keeper: subprocess.Popen[bytes]) -> str | None:
        deadline = time.monotonic() + self._deaths.patience.start_seconds
        while not _gone(keeper, _STARTING_PAUSE):
            if time.monotonic() > deadline:
                return f"it was not ready after {self._deaths.patience.start_seconds:g} seconds"
            if self._health() == 200:
                try:
                    self._prepare()
                except PlumblineError as error:
                    _gone(keeper, 1.0)  # where it is dying of this, its log should say so first
                    return error.message
                self._status = "ready"
                self._settled.set()
                return None
        return f"{_ENDED} while it was starting"

    def _stay_ready(self, keeper: subprocess.Popen[bytes]) -> str:
        while not _gone(keeper, _READY_PAUSE):
            status = self._health()
            if status is not None and status >= 500:
                return f"it answers status {status} when it is asked for its health"
        return _ENDED

    def _health(self) -> int | None:
        """Status of /health; None where there is no answer, as while it starts or is very busy."""
        try:
            url = self.launch.url + "/health"
            return httpx.get(url, timeout=_HEALTH_SECONDS, trust_env=False).status_code
        except httpx.HTTPError:
            return None

    def _end(self, keeper: subprocess.Popen[bytes]) -> int:
        """End what is left of it; returns the status."""
        if not self._stopping.is_set():
            self._status = "restarting" if self._settled.is_set() else "starting"
        assert keeper.stdin is not None and keeper.stdout is not None
        keeper.stdin.close()
        if not _gone(keeper, _STOP_SECONDS):
            _log.warning("the engine %s does not end and is killed", self.launch.name)
        # Where the keeper was killed, the engine is left to us. The group has the keeper's number, which
        # nobody else can get before the keeper is waited for.
        with suppress(ProcessLookupError):
            os.killpg(keeper.pid, signal.SIGKILL)
        keeper.stdout.close()
        return keeper.wait()

    def _too_often(self, problem: str) -> bool:
        """Note a death; True where there is no point in another start."""
        self._deaths.note(time.monotonic())
        name, first = self.launch.name, not self._settled.is_set()
        said = last_words(self.log, self._secrets())
        if not first and not self._deaths.too_many:
            _log.error("the engine %s died and is started again: %s. %s", name, problem, said)
            return False
        times = (
            f"{self._deaths.recent} times within {self._deaths.patience.window_seconds:g} seconds"
        )
        fate = "did not start" if first else f"died {times} and is not started again"
        self._reason = f"The engine {name} {fate}: {problem}. {said} Its log is {self.log}."
        self._status = "failed"
        _log.error("%s", self._reason)
        return True

    def _secrets(self) -> list[str]:
        return [v for n, v in self._environment.items() if n.endswith(("_KEY", "_TOKEN")) and v]


def _gone(keeper: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the keeper's end: nothing is ever written to its output, which closes with it."""
    assert keeper.stdout is not None
    readable, _, _ = select.select([keeper.stdout], [], [], seconds)
    return bool(readable)
