"""Which version of an index folder is in service: the newest that can be opened."""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path

from contract.errors import ConfigurationError, NotReady, PlumblineError
from retrieval.index import Index
from retrieval.manifest import MANIFEST
from text.encoder import Encoder

# Chunks from which on opening an index takes so long that nobody should wait for it.
_OPENED_AT_ONCE = 50_000

_SECONDS_BETWEEN_LOOKS = 1.0

_log = logging.getLogger(__name__)


class Following:
    """Opens a new version when one is published, and lets go of the one before.

    Args:
        folder: the index folder.
        encoder: the encoder in use.
        lock: is held by whoever calls `current`, for as long as the index is used.
    """

    def __init__(self, folder: Path, encoder: Encoder, lock: threading.Lock) -> None:
        self._folder = folder
        self._encoder = encoder
        self._lock = lock
        self._index: Index | None = None
        self._seen: tuple[int, int] | None = None
        self._served: tuple[int, int] | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Look for a new version every second, too."""
        threading.Thread(target=self._look, name="index", daemon=True).start()

    def stop(self) -> None:
        """Look no more. The caller does not hold the lock."""
        self._stopping.set()

    def open(self) -> Index:
        """Open the newest version. The caller holds the lock.

        Raises:
            ConfigurationError: there is none, or it can't be served.
        """
        seen = _stamp(self._folder / MANIFEST)
        self._index = Index(self._folder, self._encoder)
        self._seen = self._served = seen
        return self._index

    def current(self) -> Index:
        """The newest version; where a new one can't be opened, the one in service stays.

        A large index is opened aside, while the one in service goes on answering.

        Raises:
            NotReady: there is no index yet.
            ConfigurationError: there is one, but of another encoder or layout.
        """
        if self._index is None:
            try:
                return self.open()
            except PlumblineError as error:
                raise _as_not_ready(error) from error
        seen = _stamp(self._folder / MANIFEST)
        if seen != self._seen:
            self._seen = seen
            if self._index.manifest.chunks < _OPENED_AT_ONCE:
                self._follow(self._opened(), seen)
            else:
                threading.Thread(target=self._open_aside, args=(seen,), daemon=True).start()
        return self._index

    def is_newest(self) -> bool:
        """Is the version in service the one that was published last? The caller holds the lock."""
        return self._served == _stamp(self._folder / MANIFEST)

    def close(self) -> None:
        """Close the index. The caller holds the lock."""
        if self._index:
            self._index.close()
            self._index = None

    def _look(self) -> None:
        while not self._stopping.wait(_SECONDS_BETWEEN_LOOKS):
            with self._lock:
                if self._index is None or self._stopping.is_set():
                    continue
                try:
                    self.current()
                except (PlumblineError, OSError, sqlite3.Error) as error:
                    _log.warning("the index can't be followed: %s", error)

    def _open_aside(self, seen: tuple[int, int] | None) -> None:
        fresh = self._opened()
        with self._lock:
            self._follow(fresh, seen)

    def _opened(self) -> Index | None:
        try:
            return Index(self._folder, self._encoder)
        except PlumblineError as error:
            _log.warning("the new index can't be opened, the old one stays: %s", error.message)
            return None

    def _follow(self, fresh: Index | None, seen: tuple[int, int] | None) -> None:
        """Put a version into service, unless a newer one is there or the server has closed; `seen` is the stamp
        of its manifest."""
        if fresh is None:
            return
        if self._index is None or fresh.manifest.generation < self._index.manifest.generation:
            fresh.close()
            return
        self._index.close()
        self._index = fresh
        self._served = seen


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino


def _as_not_ready(error: PlumblineError) -> PlumblineError:
    """A missing or unfinished index is only not ready; one of another encoder stays an error."""
    return NotReady(error.message) if type(error) is ConfigurationError else error
