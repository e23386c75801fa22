"""The loop of a client program: a case in on each line, what it returns or raises out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any


def run(cases: dict[str, Callable[..., Any]]) -> None:
    """Answer until the input ends. What a library prints goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        arguments = json.loads(line)
        try:
            answer: dict[str, Any] = {"result": cases[arguments.pop("case")](**arguments)}
        except Exception as error:
            answer = {
                "error": {
                    "type": type(error).__name__,
                    "status": getattr(error, "status_code", None),
                    "message": str(error),
                }
            }
        print(json.dumps(answer), file=answers, flush=True)  # noqa: T201
