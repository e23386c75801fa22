"""Servers in processes of their own, pinned to a core: start, processor time, memory, stop."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway.client import Connection

ROOT = Path(__file__).parent.parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CORES = sorted(os.sched_getaffinity(0))
# The server under test has the first core by itself; engine and load share the last.
SERVER_CORE, LOAD_CORE, ALL_CORES = {_CORES[0]}, {_CORES[-1]}, set(_CORES)


@dataclass(frozen=True)
class Server:
    """A process that listens; what it wrote is in `log`."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def cpu_seconds(self) -> float:
        """User and system time of the process and all below it, those that ended included."""
        return sum(cpu for cpu, _ in _tree(self.process.pid))

    def resident_mb(self) -> float:
        """Resident memory of the process and all below it."""
        return sum(resident for _, resident in _tree(self.process.pid))

    async def idle(self) -> None:
        """Wait until it has finished what its last answers left behind."""
        for _ in range(50):
            before = self.cpu_seconds()
            await asyncio.sleep(0.1)
            if self.cpu_seconds() - before <= 1 / _TICKS:
                return


@asynccontextmanager
async def started(
    name: str,
    command: Sequence[str],
    port: int,
    ready: bytes,
    *,
    cores: set[int] = SERVER_CORE,
    wait_seconds: float = 180.0,
) -> AsyncIterator[Server]:
    """Start a server, wait until the request `ready` gets a 200, and stop it at the end.

    Raises:
        RuntimeError: it ended, or did not answer in time; the message has the end of its log.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        process = launch(command, log, cores)
        server = Server(name, port, process, log)
        try:
            await _wait(server, ready, wait_seconds)
            yield server
        finally:
            stop(process)


def launch(command: Sequence[str], log: Path, cores: set[int]) -> subprocess.Popen[bytes]:
    """A process on some cores that writes into a log."""
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            stdout=output,
            stderr=output,
            cwd=ROOT,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and make sure that it does."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _wait(server: Server, ready: bytes, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    status = 0
    while time.monotonic() < deadline and server.process.poll() is None:
        connection = Connection(server.port)
        try:
            status = (await asyncio.wait_for(connection.ask(ready), 60)).status
            if status == 200:
                return
        except (OSError, TimeoutError):
            pass
        finally:
            connection.close()
        await asyncio.sleep(0.2)
    said = server.log.read_text("utf-8", "replace")[-2000:]
    raise RuntimeError(f"{server.name} did not start (last status {status}):\n{said}")


def _tree(root: int) -> Iterator[tuple[float, float]]:
    """(processor seconds, resident MB) of a process and of all below it."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            values = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        cpu = sum(map(int, values[11:15])) / _TICKS
        found[int(path.parent.name)] = (int(values[1]), cpu, int(values[21]) * _PAGE / 1e6)
    below = [root]
    for pid in below:
        if pid in found:
            yield found[pid][1:]
            below += [child for child, (parent, _, _) in found.items() if parent == pid]
