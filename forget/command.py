"""`plumbline forget`."""

from __future__ import annotations

import os
import pwd
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from contract.errors import ConfigurationError
from contract.settings import Settings
from contract.terminal import (
    SOME_FAILED,
    Command,
    config_option,
    index_option,
    json_option,
    load_settings,
    print_json,
)
from contract.wal import cut_off
from feedback.forget import Found
from feedback.log import Log
from forget.document import allow_document, find_target, forget_document, survey_document
from forget.outcome import Outcome, in_words
from forget.person import forget_person, survey_person
from forget.proof import Proof, prove
from forget.verify import verify as verify_all

_OUT_OF_REACH = (
    "Out of reach: exports and backups that were made before, what clients and logs elsewhere keep, "
    "and blocks that the file system has freed."
)
# Ids that a dry run shows to people.
_SHOWN = 20


@click.command(cls=Command, short_help="Forget a person or a document, and prove it.")
@click.option("--user", metavar="ID", help="Forget this person.")
@click.option("--document", metavar="PATH", help="Forget this document.")
@click.option("--allow", metavar="PATH", help="Let a forgotten document be ingested again.")
@click.option("--verify", is_flag=True, help="Show what was forgotten, and check that it is gone.")
@click.option("--dry-run", is_flag=True, help="Show what would go, and change nothing.")
@click.option("--yes", is_flag=True, help="Don't ask; needed where nobody can be asked.")
@click.option("--by", metavar="NAME", help="Who does it, for the tombstone. [default: your login]")
@click.option(
    "--wait",
    "wait_seconds",
    default=30.0,
    show_default=True,
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Wait this long for an ingest to end, and for readers to let go.",
)
@json_option
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where index and log live.")
@index_option
@config_option
@click.pass_context
def forget(
    context: click.Context,
    user: str | None,
    document: str | None,
    allow: str | None,
    verify: bool,
    dry_run: bool,
    yes: bool,
    by: str | None,
    wait_seconds: float,
    as_json: bool,
    data_dir: Path | None,
    index_dir: Path | None,
    config: Path | None,
) -> None:
    """Take a person's or a document's text out of log, index and uploads, for good.

    Counts stay, and a tombstone that names nobody. Files are searched for what was erased; where some of
    it is still there, or held by a reader, that is said. A server that is running goes on.

    \b
    Examples:
      plumbline forget --user ann --dry-run          what would go
      plumbline forget --user ann                    turns, feedback, name
      plumbline forget --document docs/cv-ann.pdf    and the turns that were shown it
      plumbline forget --allow docs/cv-ann.pdf       it may be ingested again
      plumbline forget --verify

    Exit code 3 means that something is still there or held; run --verify later.
    """
    if [user is not None, document is not None, allow is not None, verify].count(True) != 1:
        raise click.UsageError("Give one of --user, --document, --allow and --verify.")
    settings = load_settings(config, data_dir=data_dir, index_dir=index_dir)
    if not settings.log_file.is_file() and not settings.index.is_dir():
        raise ConfigurationError(
            f"There is neither a log {settings.log_file} nor an index {settings.index}. Give --data-dir."
        )
    log = Log(settings.log_file, synchronous=settings.log.synchronous)
    try:
        if verify:
            _verify(context, settings, log, wait_seconds, as_json)
        elif allow is not None:
            _allow(settings, log, allow, as_json)
        elif dry_run:
            _show(_survey(settings, log, user, document), None, as_json)
        else:
            if not yes:
                _confirm(_survey(settings, log, user, document))
            outcome = _forget(settings, log, user, document, by or _login(), wait_seconds)
            proof = _proved(settings, log, outcome)
            _show(outcome, proof, as_json)
            if proof.remains or outcome.held:
                context.exit(SOME_FAILED)
    finally:
        log.close()


def _confirm(planned: Outcome) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(
            "Nobody can be asked here. Say --yes; --dry-run shows what would go."
        )
    click.echo(f"To be forgotten: {in_words(planned.counts)}.")
    for note in planned.notes:
        click.echo(note)
    click.confirm("This can't be undone. Go on?", abort=True)


def _survey(settings: Settings, log: Log, user: str | None, document: str | None) -> Outcome:
    with log.reading() as connection:
        if user is not None:
            return survey_person(connection, user)[1]
        path = document or ""
        target = find_target(settings, log, path)
        return survey_document(settings, connection, target, path)[1]


def _forget(
    settings: Settings,
    log: Log,
    user: str | None,
    document: str | None,
    by: str,
    wait_seconds: float,
) -> Outcome:
    if user is not None:
        return forget_person(settings, log, user, by=by, wait_seconds=wait_seconds)
    return forget_document(settings, log, document or "", by=by, wait_seconds=wait_seconds)


def _proved(settings: Settings, log: Log, outcome: Outcome) -> Proof:
    """Search; what SQLite has left behind between the rows of the log goes when all is written anew."""
    proof = prove(settings, outcome.stretches)
    if settings.log_file in proof.remains and not outcome.held:
        with log.writing() as connection:
            connection.execute("VACUUM")
            cut_off(connection)
        proof = prove(settings, outcome.stretches)
    return proof


def _show(outcome: Outcome, proof: Proof | None, as_json: bool) -> None:
    if as_json:
        print_json(outcome.to_wire(proof))
        return
    done = "Forgotten" if proof else "Would be forgotten"
    click.echo(f"{done}: {in_words(outcome.counts)}.")
    for note in outcome.notes:
        click.echo(note)
    if proof is None:
        _show_found(outcome.found)
        return
    found = sum(proof.remains.values())
    click.echo(
        f"Searched for {proof.stretches} stretches of what was erased: {found} found in "
        f"{proof.files} files of {proof.bytes:,} bytes."
    )
    if proof.shared:
        click.echo(
            f"{proof.shared} other stretches stand word for word in what others say too; theirs stays."
        )
    for path, number in proof.remains.items():
        click.echo(f"STILL THERE: {number} in {path}", err=True)
    for path in outcome.held:
        click.echo(
            f"STILL HELD: somebody reads an older state of {path}, or writes to it. When they are done, "
            "`plumbline forget --verify` wipes it.",
            err=True,
        )
    click.echo(f"Tombstone {outcome.tombstone}.")
    click.echo(_OUT_OF_REACH)


def _show_found(found: Found) -> None:
    for what, ids in (
        ("turns", found.turns),
        ("feedback on turns that stay", found.feedback),
        ("verified answers on turns that stay", found.verified),
    ):
        if ids:
            click.echo(f"{what}:")
        for identifier in ids[:_SHOWN]:
            click.echo(f"  {identifier}")
        if len(ids) > _SHOWN:
            click.echo(f"  … and {len(ids) - _SHOWN} more, which --json lists")


def _allow(settings: Settings, log: Log, path: str, as_json: bool) -> None:
    lifted = allow_document(settings, log, path, time.time())
    if as_json:
        print_json({"allowed": path, "lifted": lifted})
    else:
        click.echo(f"{path} may be ingested again; lifted: {', '.join(lifted)}.")


def _verify(
    context: click.Context, settings: Settings, log: Log, wait_seconds: float, as_json: bool
) -> None:
    verified = verify_all(settings, log, wait_seconds)
    if as_json:
        print_json(verified.to_wire())
    else:
        for stone in verified.tombstones:
            when = datetime.fromtimestamp(stone.created, UTC).strftime("%Y-%m-%d %H:%M")
            lifted = ", lifted" if stone.lifted else ""
            by = f" by {stone.made_by}" if stone.made_by else ""
            click.echo(f"{when}  {stone.kind:8s} {stone.id}{by}{lifted}: {in_words(stone.counts)}")
        for problem in verified.problems:
            click.echo(problem, err=True)
        for path in verified.held:
            click.echo(
                f"STILL HELD: somebody reads an older state of {path}, or writes it.", err=True
            )
        if verified.complete:
            click.echo(f"{len(verified.tombstones)} tombstones; what they stand for is gone.")
    if not verified.complete:
        context.exit(SOME_FAILED)


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
