"""Keys for tests of the page."""

from __future__ import annotations

import hashlib
from pathlib import Path

from server.callers import KeyRecord, Role
from server.keys_file import add_key


def new_key(file: Path, name: str, *labels: str, role: Role = "reader") -> str:
    """Add a key to a keys file, and give it."""
    key = f"pl-{name}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    add_key(file, KeyRecord(name=name, sha256=digest, labels=labels, role=role))
    return key
