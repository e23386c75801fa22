"""One file becomes a reading: its hash and its text, from the same bytes, or the reason why not."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.errors import DocumentUnreadable, FormatUnsupported
from ingest.load import LoadedDocument, Section, load
from ingest.report import Status

# Larger files are dumps or recordings; their text would not fit an index either.
MAX_FILE_BYTES = 512 * 1024 * 1024

OUT_OF_MEMORY = "Reading it needed more memory than a reader may use."


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of a file.

    `sha256` is the hex digest of the bytes that were read, empty if none were. `status` is one of
    `indexed`, `empty`, `unsupported`, `failed`; `reason` is a sentence wherever it is not `indexed`,
    and says there what of the document was left out. `document` is None unless there is text.
    """

    location: Path
    sha256: str
    document: LoadedDocument | None
    status: Status
    reason: str

    def to_wire(self) -> dict[str, Any]:
        """Everything but the location, as JSON values."""
        document = self.document
        return {
            "sha256": self.sha256,
            "status": self.status,
            "reason": self.reason,
            "document": document
            and {
                "text": document.text,
                "title": document.title,
                "sections": [[s.start, s.end, s.heading, s.page] for s in document.sections],
                "notes": document.notes,
            },
        }

    @classmethod
    def from_wire(cls, location: Path, wire: dict[str, Any]) -> Reading:
        """The reading that `to_wire` wrote."""
        found = wire["document"]
        document = found and LoadedDocument(
            found["text"],
            found["title"],
            tuple(Section(*section) for section in found["sections"]),
            tuple(found["notes"]),
        )
        return cls(location, wire["sha256"], document, wire["status"], wire["reason"])


def load_file(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> Reading:
    """Read one file in this process. Never raises for what is in the file, nor for its absence."""
    try:
        content = _content(path, max_bytes)
    except FormatUnsupported as error:
        return Reading(path, "", None, "unsupported", error.message)
    except OSError as error:
        words = error.strerror or type(error).__name__
        return Reading(path, "", None, "failed", f"It can't be read: {words}.")
    digest = hashlib.sha256(content).hexdigest()
    status: Status = "failed"
    reason, document = "", None
    try:
        document = load(path, content)
        status, reason = _judged(document)
    except FormatUnsupported as error:
        status, reason = "unsupported", error.message
    except DocumentUnreadable as error:
        reason = error.message
    except MemoryError:
        reason = OUT_OF_MEMORY
    except RecursionError:
        reason = "It is nested too deeply to be read."
    except Exception as error:  # a parser met what its authors did not foresee
        reason = f"The parser failed: {type(error).__name__}."
    return Reading(path, digest, document if status == "indexed" else None, status, reason)


def _content(path: Path, max_bytes: int) -> bytes:
    # Without O_NONBLOCK, opening a pipe that took the file's place would wait for its writer.
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(number, "rb") as file:
        state = os.fstat(number)
        if stat.S_ISDIR(state.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(state.st_mode):
            raise FormatUnsupported("It is a pipe or a device, no document.")
        if state.st_size > max_bytes:
            raise FormatUnsupported(
                f"The file has {state.st_size / 2**20:.0f} MB, more than the "
                f"{max_bytes / 2**20:.0f} MB that are read. Split it, or raise the limit."
            )
        # Not more than its size: a buffer of the largest size allowed would be made for each file.
        return file.read(state.st_size)


def _judged(document: LoadedDocument) -> tuple[Status, str]:
    notes = " ".join(document.notes)
    if document.text.strip():
        return "indexed", notes
    return "empty", notes or "There is no text in it."
