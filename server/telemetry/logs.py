"""Log lines on standard error: for people, or a JSON object each. User text stays out of them.

What an exception says may repeat what a user said, so its message is left out, and with it whatever
a log call gives as `extra={"detail": …}`, unless `telemetry.log_user_text` asks for them.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from contract.errors import ConfigurationError, StorageFailed
from contract.settings import TelemetrySettings
from server.telemetry.flight import CURRENT

_SECONDS_TO_WRITE = 2.0

# Their messages speak of files, disks and settings.
_HARMLESS = (OSError, sqlite3.Error, ConfigurationError, StorageFailed)

_log = logging.getLogger(__name__)


def configure(settings: TelemetrySettings) -> None:
    """Give all loggers of the process, uvicorn's among them, one handler."""
    formatter = _Json if settings.log_format == "json" else _Text
    handler = Lines(sys.stderr)
    handler.setFormatter(formatter(with_user_text=settings.log_user_text))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Nobody is shown these, and each would cost every line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if settings.log_user_text:
        _log.warning(
            "telemetry.log_user_text is on: questions, answers and what exceptions say of them are "
            "written to this log"
        )


class Lines(logging.Handler):
    """Writes on a thread of its own: whoever reads the log slowly, or not at all, holds up no request.

    Where more than `most` lines wait, further ones are left out, and counted in the next line.
    """

    def __init__(self, stream: TextIO, most: int = 10_000) -> None:
        super().__init__()
        self._stream = stream
        self._most = most
        self._lost = 0
        self._waiting: queue.SimpleQueue[str | threading.Event] = queue.SimpleQueue()
        threading.Thread(target=self._write, name="log-lines", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the line; it is formatted here, where it is known which request it belongs to."""
        if self._waiting.qsize() >= self._most:
            self._lost += 1
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            message = f"{lost} lines are left out before this one: the log is not read fast enough"
            left_out = logging.LogRecord(__name__, logging.WARNING, "", 0, message, None, None)
            self._waiting.put(self.format(left_out))
        self._waiting.put(self.format(record))

    def flush(self) -> None:
        """Wait until all is written, a little while at most; logging calls this at the end."""
        written = threading.Event()
        self._waiting.put(written)
        written.wait(_SECONDS_TO_WRITE)

    def _write(self) -> None:
        while True:
            line = self._waiting.get()
            with suppress(OSError, ValueError):  # nobody reads any more
                if isinstance(line, str):
                    self._stream.write(line + "\n")
                if self._waiting.empty() or not isinstance(line, str):
                    self._stream.flush()
            if not isinstance(line, str):
                line.set()


class _Formatter(logging.Formatter):
    """What both kinds of line share."""

    def __init__(self, *, with_user_text: bool) -> None:
        super().__init__()
        self._with_user_text = with_user_text

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """The values that stand beside the message."""
        fields: dict[str, Any] = {}
        flight = CURRENT.get()
        if flight is not None:
            fields["request_id"] = flight.id
        fields |= getattr(record, "fields", {})
        if self._with_user_text and hasattr(record, "detail"):
            fields["detail"] = record.detail
        return fields

    def exception(self, record: logging.LogRecord) -> str:
        """Where it happened, and of what kind it is; its message only where it can't hold user text."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return ""
        if self._with_user_text:
            return "".join(traceback.format_exception(error)).rstrip()
        return "".join(_frames(error)).rstrip()


class _Json(_Formatter):
    """`{"time", "level", "logger", "message", …}` on one line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        } | self.fields(record)
        if exception := self.exception(record):
            line["exception"] = exception
        return orjson.dumps(line, default=str).decode()


class _Text(_Formatter):
    """`2026-11-01 12:00:00.000 INFO server.access POST /v1/… 200 0.412s request_id=req_… …`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).isoformat(" ", "milliseconds")
        line = f"{at} {record.levelname} {record.name} {record.getMessage()}"
        for name, value in self.fields(record).items():
            # These stand in the message of a request's line already.
            if name not in ("method", "route", "status", "seconds"):
                line += f" {name}={_shown(value)}"
        exception = self.exception(record)
        return f"{line}\n{exception}" if exception else line


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{inner}" for name, inner in value.items())
    return orjson.dumps(value, default=str).decode() if isinstance(value, list) else str(value)


def _frames(error: BaseException) -> Iterator[str]:
    """A traceback as Python writes it, each exception by its type."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _frames(cause)
        yield "which led to\n"
    yield from traceback.format_tb(error.__traceback__)
    yield (
        f"{type(error).__name__}: {error}\n"
        if isinstance(error, _HARMLESS)
        else (f"{type(error).__name__}\n")
    )
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield "of which one is\n"
            yield from _frames(inner)
