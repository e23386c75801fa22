"""What matters of an engine's log after it died."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_TAIL_BYTES = 65536
_MOST_LINES = 3
_LONGEST_LINE = 300
# `(EngineCore pid=12) ERROR 11-21 16:03:00 [core.py:1202] ` before what is said.
_HEAD = re.compile(
    r"^(?:\([^)]*\)\s*)?(?:(?:ERROR|CRITICAL|WARNING|INFO)\s[\d\- :]+)?\[[^\]]*\]\s*"
)
_NOTED = re.compile(
    r"^(?:\w+\.)*\w*(?:Error|Exception|Interrupt)\b|error[:,] |\bFATAL\b", re.IGNORECASE
)
_CALM = re.compile(r"^(?:\([^)]*\)\s*)?(?:INFO|WARNING|DEBUG)\s")
_NEVER = re.compile(r"^\s*(?:File \"|raise |Traceback|\^+$)")


def last_words(log: Path, secrets: Sequence[str]) -> str:
    """The last lines that speak of an error, else the very last ones; secrets are masked."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return "It left no log."
    lines = [line for line in lines if line.strip() and "keeper:" not in line]
    lines = [line for line in lines if not _NEVER.search(_HEAD.sub("", line))]
    alarming = [line for line in lines if not _CALM.match(line)]
    noted = [line for line in alarming if _NOTED.search(_HEAD.sub("", line))]
    chosen = [_HEAD.sub("", line).strip() for line in noted or lines]
    if not chosen:
        return "It said nothing."
    last = list(dict.fromkeys(reversed(chosen)))[:_MOST_LINES]
    shown = " | ".join(text[:_LONGEST_LINE] for text in reversed(last))
    for secret in secrets:
        shown = shown.replace(secret, "…")
    return f"It said: {shown}"
