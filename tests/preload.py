"""What `plumbline serve` imports, early and late; a process that has imported this can be forked into servers.

Nothing is encoded here, so there are no threads that a fork would lose.
"""

from __future__ import annotations

import server.command
from contract.settings import Settings
from rbrm.assembly import build_judge
from text.encoder import Encoder

__all__ = ["server"]

build_judge(Settings().judge, Encoder())
