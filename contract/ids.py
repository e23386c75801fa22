"""Time-ordered identifiers."""

from __future__ import annotations

import os
import time

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_BYTES = 10

# Random bytes for ids to come: one call of the system serves many, since each costs as much as all else here.
_pool: list[bytes] = []
os.register_at_fork(after_in_child=_pool.clear)


def uuid7() -> str:
    """A UUID version 7 (RFC 9562, section 5.7) as 32 hex digits: later rows sort later."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(_random(), "big")
    random_a, random_b = random >> 68, random & ((1 << 62) - 1)
    return f"{milliseconds << 80 | _VERSION | random_a << 64 | _VARIANT | random_b:032x}"


def _random() -> bytes:
    try:
        return _pool.pop()
    except IndexError:
        fresh = os.urandom(64 * _RANDOM_BYTES)
        starts = range(_RANDOM_BYTES, len(fresh), _RANDOM_BYTES)
        _pool.extend(fresh[start : start + _RANDOM_BYTES] for start in starts)
        return fresh[:_RANDOM_BYTES]
