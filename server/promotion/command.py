"""`plumbline policy`."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from contract.errors import ConfigurationError, NotFound, PolicyUnreachable
from contract.evaluation import Evaluation, read_evaluation
from contract.promotion import BASE, Rollback
from contract.settings import Settings
from contract.terminal import Command, config_option, json_option, load_settings, print_json
from feedback.moment import Moment
from server.promotion.adapter_check import Served
from server.promotion.client import Client
from server.promotion.listing import listing
from server.promotion.registry import Registry, read_state
from server.promotion.shown import show_comparison, show_gates, show_listing
from server.promotion.store import Store, is_folder

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _server_options(command: Decorated) -> Decorated:
    """Which server, and where its data lie."""
    for option in (
        config_option,
        click.option("--data-dir", type=click.Path(path_type=Path), help="That of the server."),
        click.option("--api-key", help="Key of an admin; better set promotion.api_key."),
        click.option("--url", help="Root URL of the server. [default: http://127.0.0.1:8000]"),
    ):
        command = option(command)
    return command


@click.group()
def policy() -> None:
    """Put trained versions of the policy in service, step by step, and take them back.

    \b
    list      all versions, who answers how much, and what was changed when
    promote   load a version into the running engines and give it a share of the users
    compare   what two versions did with real traffic, with intervals
    rollback  back to the version before, at once
    """


@policy.command("list", cls=Command)
@json_option
@_server_options
def list_policies(as_json: bool, **server: Any) -> None:
    """List all versions, which of them answer, and the history; from the files, unless --url is given.

    \b
    Examples:
      plumbline policy list
      plumbline policy list --url https://chat.example.org --json
    """
    settings = _settings(server)
    if settings.promotion.url is not None:
        found = Client(settings).get("")
    else:
        state = read_state(settings.policies_file)
        found = listing(state, _store(settings), settings.policy.model)
    _show(found, as_json, show_listing)


@policy.command(cls=Command)
@click.argument("version")
@click.option(
    "--share", required=True, type=click.FloatRange(0, 100), help="Percent of the users; 100: all."
)
@click.option(
    "--evaluation",
    type=click.Path(exists=True, path_type=Path),
    help="What `plumbline eval` wrote: its folder, or the evaluation.json in it.",
)
@click.option("--name", help="Name of a new version. [default: the run's or folder's]")
@click.option("--force", is_flag=True, help="Promote although gates fail; needs --reason.")
@click.option("--reason", default="", help="Kept in the history.")
@json_option
@_server_options
def promote(
    version: str,
    share: float,
    evaluation: Path | None,
    name: str | None,
    force: bool,
    reason: str,
    as_json: bool,
    **server: Any,
) -> None:
    """Give VERSION a share of the users, without a restart.

    VERSION is a run folder, an adapter folder or a checkpoint folder, which is copied to DATA_DIR/policies
    first, or the name of a version that is there; `base` is what the settings name. Its gates are those of
    the settings `promotion`; with a share of 0 it is loaded for requests that ask for it, without gates.

    \b
    Examples:
      plumbline policy promote runs/grpo-2 --share 10 --evaluation runs/eval-2
      plumbline policy promote grpo-2 --share 100
      plumbline policy promote grpo-2 --share 5 --force --reason "few prompts so far"
    """
    settings = _settings(server)
    read = _evaluation(evaluation)
    client, stored = Client(settings), version
    if is_folder(version):
        served = Served(**client.get("/served"))
        new, _ = _store(settings).add(Path(version), name, served)
        stored = new.version
        click.echo(f"{stored} is stored in {settings.policies}.", err=True)
    elif name is not None:
        raise ConfigurationError(
            "--name goes with a folder; a stored version has its name already."
        )
    body: dict[str, Any] = {"name": stored, "share": share, "force": force, "reason": reason}
    if read is not None:
        body["evaluation"] = read.model_dump(mode="json")
    try:
        found = client.post("", body | {"by": _user()})
    except NotFound as error:
        raise ConfigurationError(
            f"{error.message} Versions are looked for in the data folder of the server; give it the same "
            "--data-dir."
        ) from error
    _show(found, as_json, _show_promoted)


@policy.command(cls=Command)
@click.option("--reason", default="", help="Kept in the history.")
@json_option
@_server_options
def rollback(reason: str, as_json: bool, **server: Any) -> None:
    """End the rollout of a candidate at once, or go back to the version that was in service before.

    Where no server answers, the change is written for the next start; processes that run on the same data
    folder follow it within a second.

    \b
    Examples:
      plumbline policy rollback --reason "more refusals"
    """
    settings = _settings(server)
    body = Rollback(reason=reason, by=_user())
    try:
        found = Client(settings).post("/rollback", body.model_dump())
    except PolicyUnreachable as error:
        if settings.promotion.url is not None:
            raise
        click.echo(f"{error.message} The change is written to the files.", err=True)
        from server.promotion.promotion import Promotion

        registry, store = Registry(settings.policies_file), _store(settings)
        done = Promotion(settings, registry, store, None).rollback(body, _user())
        found = listing(done.state, store, settings.policy.model) | {"gates": []}
    _show(found, as_json, _show_promoted)


@policy.command(cls=Command)
@click.argument("a")
@click.argument("b")
@click.option("--since", type=Moment(), help="From then on: 2026-11-21, or 7d, 12h, 30m ago.")
@json_option
@_server_options
def compare(a: str, b: str, since: float | None, as_json: bool, **server: Any) -> None:
    """Compare versions A and B by the log: outcomes, rewards, thumbs, and which answers people preferred.

    Differences are B minus A with their 95 % interval. Turns whose request named a version count for the
    preferences only. From the files, unless --url is given.

    \b
    Examples:
      plumbline policy compare base grpo-2-5f0c1d2e3a4b --since 7d
    """
    settings = _settings(server)
    if settings.promotion.url is not None:
        found = Client(settings).get("/compare", a=a, b=b, since=since)
    else:
        found = _compare_files(settings, a, b, since)
    _show(found, as_json, show_comparison)


def _compare_files(settings: Settings, a: str, b: str, since: float | None) -> dict[str, Any]:
    # Late on purpose: a promotion shall not wait for what reads the log.
    from feedback.compare import compare as compare_log
    from feedback.log import Log

    if not settings.log_file.is_file():
        raise ConfigurationError(
            f"There is no log at {settings.log_file}. Start the server first, or give --data-dir."
        )
    log, store = Log(settings.log_file), _store(settings)
    try:
        with log.reading() as connection:
            names = [_logged(name, settings, store) for name in (a, b)]
            return compare_log(connection, *names, since=since).to_wire()
    finally:
        log.close()


def _logged(name: str, settings: Settings, store: Store) -> str:
    """What log rows of a version say; one that is not stored any more is named whole."""
    if name == BASE:
        model = settings.policy.model or settings.engine.model
        if model is None:
            raise ConfigurationError(
                "Without --url nobody can tell what the log calls `base`; name the version as `plumbline "
                "feedback stats` lists it."
            )
        return model if settings.policy.model else Path(model).name
    try:
        return store.find(name).version
    except NotFound:
        return name


def _settings(server: dict[str, Any]) -> Settings:
    return load_settings(
        server["config"],
        data_dir=server["data_dir"],
        promotion__url=server["url"],
        promotion__api_key=server["api_key"],
    )


def _store(settings: Settings) -> Store:
    return Store(settings.policies, settings.promotion)


def _evaluation(given: Path | None) -> Evaluation | None:
    if given is None:
        return None
    return read_evaluation(given / "evaluation.json" if given.is_dir() else given)


def _user() -> str:
    """Who is at the keyboard, for servers that know no keys."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _show(found: dict[str, Any], as_json: bool, show: Callable[[dict[str, Any]], None]) -> None:
    if as_json:
        print_json(found, indent=True)
    else:
        show(found)


def _show_promoted(found: dict[str, Any]) -> None:
    if found.get("gates"):
        show_gates(found["gates"])
        click.echo()
    show_listing(found)
