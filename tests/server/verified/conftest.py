"""One team for a file of tests; each test has questions of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.server.verified.desk import Desk
from text.encoder import Encoder


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[Desk]:
    with ExitStack() as opened:
        yield Desk(tmp_path_factory.mktemp("desk"), encoder, opened)
