import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

import pytest

from server.parts import Parts


def parts() -> Parts:
    nothing: dict[str, Any] = dict.fromkeys(field.name for field in fields(Parts))
    return Parts(**nothing | {"executor": ThreadPoolExecutor(1)})


def test_waiting_for_ones_turn_does_not_count_as_working() -> None:
    async def run() -> list[None]:
        shared = parts()
        return await asyncio.gather(
            *(shared.compute(lambda: time.sleep(0.15), limit_seconds=0.4) for _ in range(6))
        )

    assert asyncio.run(run()) == [None] * 6


def test_work_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(parts().compute(lambda: time.sleep(0.5), limit_seconds=0.05))
