"""The options with which people choose turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from contract.terminal import together
from feedback.moment import Moment

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def many(flag: str, name: str, text: str) -> Callable[[Decorated], Decorated]:
    """An option that may be repeated."""
    return click.option(flag, name, help=text, multiple=True, metavar="NAME")


def turn_options(policy_flag: str = "--policy") -> Callable[[Decorated], Decorated]:
    """Give a command the options, named as the fields of `feedback.options.Selection`.

    Args:
        policy_flag: for the policy version; another one where that name means something else.
    """
    return together(
        click.option(
            "--since", type=Moment(), help="Turns from then on: 2026-11-21, or 7d, 12h, 30m ago."
        ),
        click.option("--until", type=Moment(), help="Turns before then."),
        many(policy_flag, "policies", "Turns of this policy version; may be repeated."),
        many("--collection", "collections", "Turns on this collection."),
        click.option("--language", "languages", multiple=True, type=click.Choice(["en", "zh"])),
        many("--label", "labels", "Turns that were shown a document with this label."),
        many("--without-label", "without_labels", "None of those."),
    )
