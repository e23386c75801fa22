"""`plumbline feedback`."""

from __future__ import annotations

from pathlib import Path

import click

from contract.terminal import Command, config_option, json_option, print_json
from feedback.arena import arena
from feedback.find import Selection, find, to_wire
from feedback.imports.command import import_
from feedback.log_option import data_dir_option, log_of
from feedback.moment import Moment
from feedback.select_options import selection_options
from feedback.shown import show_list, show_tally, show_turn, turn_to_wire
from feedback.shown_arena import show_arena
from feedback.tally import tally


@click.group()
def feedback() -> None:
    """Look at what people said about the answers, and import what they said elsewhere.

    \b
    list    what was said, the newest last
    show    one turn: all candidates, what decided it, and what was said about it
    stats   turns and feedback, counted by policy version, type and rater
    wins    which policy version people prefer, by all that they compared
    import  demonstrations, rankings, pairs and ratings from files
    """


feedback.add_command(import_)


@feedback.command("list", cls=Command)
@selection_options
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1), help="Newest so many."
)
@json_option
@data_dir_option
@config_option
def list_feedback(
    selection: Selection, limit: int, as_json: bool, data_dir: Path | None, config: Path | None
) -> None:
    """List feedback, the newest last.

    The state of each is one of

    \b
    counts      it goes into exports
    superseded  later feedback replaces it
    waiting     its completion has not landed yet
    unfit       it came before its completion, and names an answer to something else

    \b
    Examples:
      plumbline feedback list --since 7d --type correction
      plumbline feedback list --rater ann --limit 1000 --json
    """
    with log_of(data_dir, config).reading() as connection:
        found = list(find(connection, selection, order="newest", limit=limit))[::-1]
    if as_json:
        for one in found:
            print_json(to_wire(one))
    else:
        show_list(found)


@feedback.command(cls=Command)
@click.argument("completion_id")
@json_option
@data_dir_option
@config_option
def show(completion_id: str, as_json: bool, data_dir: Path | None, config: Path | None) -> None:
    """Show a turn, all its candidates, what decided it, and what was said about it.

    Feedback that was superseded is shown and marked so. The id of a candidate shows its turn. Of a turn
    that is not in the log yet, the feedback that waits for it is shown.
    """
    log = log_of(data_dir, config)
    turn = log.completion_of_candidate(completion_id) or completion_id
    with log.reading() as connection:
        found = list(find(connection, Selection(completion=turn)))
    if found and not log.has_completion(turn):
        if as_json:
            print_json({"id": turn, "feedback": [to_wire(one) for one in found]}, indent=True)
        else:
            show_list(found)
        return
    record = log.completion(turn)
    if as_json:
        print_json(turn_to_wire(record, found), indent=True)
    else:
        show_turn(record, found)


@feedback.command(cls=Command)
@selection_options
@json_option
@data_dir_option
@config_option
def stats(selection: Selection, as_json: bool, data_dir: Path | None, config: Path | None) -> None:
    """Count turns and feedback by policy version, type and rater.

    Only ratings of what was served speak for a policy version: true, good, 4 and 5 are a thumb up. Turns
    that were refused for the request's sake (a model that does not exist, a conversation that is too long),
    and those whose caller hung up, are no failures of it and are counted apart. --type and --rater narrow
    the feedback, not the turns.

    \b
    Examples:
      plumbline feedback stats --since 2026-11-01
      plumbline feedback stats --policy reader-2 --json
    """
    with log_of(data_dir, config).reading() as connection:
        counts = tally(connection, selection)
    if as_json:
        print_json(counts.to_wire(), indent=True)
    else:
        show_tally(counts)


@feedback.command(cls=Command)
@click.option("--since", type=Moment(), help="Said from then on: 2026-11-21, or 7d, 12h, 30m ago.")
@click.option("--until", type=Moment(), help="Said before then.")
@click.option("--collection", metavar="NAME", help="Of questions on this collection.")
@json_option
@data_dir_option
@config_option
def wins(
    since: float | None,
    until: float | None,
    collection: str | None,
    as_json: bool,
    data_dir: Path | None,
    config: Path | None,
) -> None:
    """Show which policy version people prefer, the strongest first.

    Pairs, ties and rankings count where they compare answers of different versions. The strength is the
    log-odds of a win against the mean of all versions (Bradley and Terry), a tie being half a win for each;
    the share is the same as a share of wins. Both have 95 % intervals.

    \b
    Examples:
      plumbline feedback wins --since 30d
      plumbline feedback wins --collection help --json
    """
    with log_of(data_dir, config).reading() as connection:
        found = arena(connection, since=since, until=until, collection=collection).to_wire()
    if as_json:
        print_json(found, indent=True)
    else:
        show_arena(found)
