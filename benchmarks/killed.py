"""A server that is killed at random moments under load, and what is there after each start."""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import orjson

from benchmarks.acknowledged import Told, load
from benchmarks.gateway.client import Connection, get
from benchmarks.gateway.processes import ROOT, Server, free_port
from benchmarks.gateway.targets import OFF, settings_file
from contract.errors import PlumblineError
from feedback.backup import verify
from retrieval.index import Index
from text.encoder import Encoder

_LONGEST_SECONDS = 2.5
_START_SECONDS = 180.0
_UPLOAD_EVERY = 5
_SHOWN = 3
_LOOKS = 3


# Starts `plumbline` with arguments; what it says goes into a file. Returns the process.
Launcher = Callable[[Path, list[str]], int]


@contextmanager
def launcher() -> Iterator[Launcher]:
    """Starts commands as forks of one process that has imported everything."""
    command = [sys.executable, "-m", "benchmarks.preloaded"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as preloaded:
        assert preloaded.stdin is not None and preloaded.stdout is not None
        asked, told = preloaded.stdin, preloaded.stdout

        def start(output: Path, arguments: list[str]) -> int:
            asked.write(json.dumps([str(output), *arguments]) + "\n")
            asked.flush()
            return int(told.readline())

        yield start


@dataclass
class Cell:
    """Servers of one kind, one after the other, on one data folder.

    Attributes:
        lost: ids that were acknowledged and are not in the log.
        damaged: what the log or the index said of itself after a restart.
        starts: seconds until each server answered.
    """

    name: str
    folder: Path
    engine: Server
    index: Path
    encoder: Encoder
    launcher: Launcher
    workers: int = 1
    acknowledge: str = "durable"
    told: Told = field(default_factory=Told)
    kills: int = 0
    lost: set[str] = field(default_factory=set)
    damaged: list[str] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / "log.sqlite"

    @property
    def _output(self) -> Path:
        """What the server says that was started last."""
        return self.folder / "server.txt"

    async def run(self, kills: int, dice: random.Random, until: float = math.inf) -> None:
        """Start, load and kill so many times; look after each start, and once more at the end.

        Where the time `until` (by time.monotonic) has come, no further kill is begun.
        """
        for number in range(kills):
            if time.monotonic() > until:
                break
            process, port = await self._started()
            await self._look(port)
            refused = len(self.told.refused)
            if number % _UPLOAD_EVERY == 0:
                await self._upload(port, f"note-{number}.txt")
            clients = asyncio.create_task(load(port, self.told, dice))
            await asyncio.sleep(dice.uniform(0.0, _LONGEST_SECONDS))
            kill_all(process)
            self.kills += 1
            await clients
            if len(self.told.refused) > refused:
                click.echo(self._output.read_text("utf-8")[-4000:], err=True)
            click.echo(f"{self.name}: {self.kills} kills, {self.told.rows} rows", err=True)
        process, port = await self._started()
        try:
            await self._look(port)
        finally:
            kill_all(process)

    async def _started(self) -> tuple[int, int]:
        port, begun = free_port(), time.monotonic()
        output = self._output
        output.write_bytes(b"")
        settings = settings_file(
            self.folder,
            self.engine.port,
            index_dir=str(self.index),
            retrieval=OFF,
            judge=OFF,
            log={"acknowledge": self.acknowledge},
            telemetry={"access_log": False},
        )
        command = ["serve", "--port", str(port)]
        command += ["--config", str(settings), "--workers", str(self.workers)]
        process = self.launcher(output, command)
        while output.read_bytes().count(b"Serving on") < self.workers or not await _answers(port):
            if not _is_alive(process) or time.monotonic() - begun > _START_SECONDS:
                kill_all(process)
                raise SystemExit(f"the server did not start:\n{output.read_text('utf-8')[-2000:]}")
            await asyncio.sleep(0.05)
        self.starts.append(time.monotonic() - begun)
        return process, port

    async def _look(self, port: int) -> None:
        """Everything that was ever acknowledged is there, and whole."""
        if not self.kills:
            return
        self.lost |= self.told.missing(self.log)
        turns = [f"/v1/chat/completions/{name}" for name in list(self.told.completions)[-_SHOWN:]]
        connection = Connection(port)
        for path in (*turns, *(f"/v1/ingests/{name}" for name in self.told.uploads)):
            if (await connection.ask(get(path))).status != 200:
                self.lost.add(path)
        connection.close()
        try:
            verify(self.log)
        except PlumblineError as error:
            self.damaged.append(error.message)
        self.damaged += await self._index_problems()

    async def _index_problems(self) -> list[str]:
        """What the index lacks; a file that an ingest has replaced meanwhile is looked for again."""
        problems: list[str] = []
        for _ in range(_LOOKS):
            try:
                with closing(Index(self.index, self.encoder)) as opened:
                    problems = opened.problems()
            except PlumblineError as error:
                problems = [error.message]
            if not problems:
                break
            await asyncio.sleep(1.0)
        return problems

    async def _upload(self, port: int, name: str) -> None:
        connection = Connection(port)
        answer = await connection.ask(_form(name, f"What {name} says: the door opens at seven."))
        connection.close()
        if answer.status == 202:
            self.told.uploads.add(orjson.loads(answer.body)["id"])
        else:
            self.told.refused.append(answer.status)


def kill_all(process: int) -> None:
    """`kill -9` to a server and every process below it, and return when they are gone."""
    below = [process]
    for one in below:
        for path in Path(f"/proc/{one}/task").glob("*/children"):
            with suppress(OSError):
                below += map(int, path.read_text().split())
    for one in below:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    while any(_is_alive(one) for one in below):
        time.sleep(0.005)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def _answers(port: int) -> bool:
    """Can questions be answered?"""
    connection = Connection(port)
    try:
        return (await connection.ask(get("/healthz"))).status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _form(name: str, text: str) -> bytes:
    """The bytes of an upload."""
    edge = "kill-kill-kill"
    body = (
        f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n'
        f"content-type: text/plain\r\n\r\n{text}\r\n--{edge}--\r\n"
    )
    return (
        "POST /v1/documents HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"content-type: multipart/form-data; boundary={edge}\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()
