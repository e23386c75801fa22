"""The options with which people choose feedback."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, get_args

import click

from contract.feedback import FeedbackType
from feedback.find import Selection
from feedback.moment import Moment

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
