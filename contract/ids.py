"""Time-ordered identifiers."""

from __future__ import annotations

import os
import time

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62


def uuid7() -> str:
    """A UUID version 7 (RFC 9562, section 5.7) as 32 hex digits: later rows sort later."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    random_a, random_b = random >> 68, random & ((1 << 62) - 1)
    return f"{milliseconds << 80 | _VERSION | random_a << 64 | _VARIANT | random_b:032x}"
