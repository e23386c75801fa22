"""The options with which people choose feedback."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, get_args

import click

from contract.feedback import FeedbackType
from feedback.find import Selection

_AGO = re.compile(r"(\d+)([dhm])")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60}


class Moment(click.ParamType[float]):
    """A date, a date with a time, or how long ago: seconds since 1970. Without an offset it is UTC."""

    name = "when"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The moment that somebody wrote."""
        if isinstance(value, float):
            return value
        ago = _AGO.fullmatch(value)
        if ago:
            return time.time() - int(ago[1]) * _SECONDS[ago[2]]
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is no time. Write 2026-11-21, 2026-11-21T08:00 (UTC), or 7d, 12h, 30m ago.",
                param,
                ctx,
            )
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_OPTIONS = (
    click.option("--since", type=Moment(), help="From then on: 2026-11-21, or 7d, 12h, 30m ago."),
    click.option("--until", type=Moment(), help="Before then."),
    click.option("--type", type=click.Choice(get_args(FeedbackType)), help="Of this type."),
    click.option("--rater", help="By this rater."),
    click.option("--completion", metavar="ID", help="On this completion."),
    click.option("--policy", metavar="VERSION", help="On what this policy version answered."),
)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; it gets a `selection`."""

    @wraps(command)
    def chosen(*arguments: Any, **options: Any) -> Any:
        names = ("since", "until", "type", "rater", "completion", "policy")
        selection = Selection(**{name: options.pop(name) for name in names})
        return command(*arguments, selection=selection, **options)

    for option in reversed(_OPTIONS):
        chosen = option(chosen)
    return chosen
