"""`plumbline serve`."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from contract.errors import ConfigurationError
from contract.settings import Settings, share_metrics
from contract.terminal import Command, config_option, index_option, load_settings
from server.app import create_app
from server.serving import serve_app
from server.telemetry import logs
from server.wiring import build, engines
from server.workers import Workers


@click.command(cls=Command, short_help="Serve answers from your documents, judged.")
@click.option("--host", help="Address to bind. [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port to bind. [default: 8000]")
@click.option(
    "--engine",
    type=click.Choice(["reader", "openai", "vllm"]),
    help="What answers. [default: openai with --policy-url, else reader]",
)
@click.option(
    "--policy-url",
    multiple=True,
    help="OpenAI-compatible base URL of the policy, ending in /v1; repeat it for several servers.",
)
@click.option(
    "--model",
    help="Model id at that URL (default: the first it lists); with --engine vllm the checkpoint.",
)
@click.option("--reward-model", help="Reward model that a second vLLM serves to the judge.")
@index_option
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where index and log live.")
@click.option("--workers", type=int, help="Processes that serve the port. [default: 1]")
@click.option("--rubric", type=click.Path(path_type=Path), help="Rubric file of the judge.")
@config_option
def serve(
    host: str | None,
    port: int | None,
    engine: str | None,
    policy_url: tuple[str, ...],
    model: str | None,
    reward_model: str | None,
    index_dir: Path | None,
    data_dir: Path | None,
    workers: int | None,
    rubric: Path | None,
    config: Path | None,
) -> None:
    """Serve /v1/chat/completions: answers from your documents, judged before they are sent.

    Without --policy-url the embedded reader answers; it needs no GPU and no model server.

    \b
    Examples:
      plumbline serve
      plumbline serve --policy-url http://127.0.0.1:8001/v1 --model my-model
      plumbline serve --engine vllm --model checkpoints/policy
    """
    settings = load_settings(
        config,
        server__host=host,
        server__port=port,
        policy__engine=engine,
        policy__url=policy_url[0] if policy_url else None,
        policy__urls=policy_url[1:] if policy_url else None,
        engine__reward_model=reward_model,
        index_dir=index_dir,
        data_dir=data_dir,
        server__workers=workers,
        judge__rubric=rubric,
    )
    served_here = settings.policy.engine_in_force == "vllm"
    settings = settings.replace({"engine.model" if served_here else "policy.model": model})
    logs.configure(settings.telemetry)
    with _listening(settings.server.host, settings.server.port) as listening:
        if settings.server.workers == 1:
            _serve(settings, listening)
        elif not _serve_by_several(settings, listening):
            sys.exit(1)


def _serve(settings: Settings, listening: socket.socket) -> None:
    parts = build(settings)
    parts.warm_up()
    policy = parts.rollout.describe()
    click.echo(f"Policy: {policy['engine']}, {policy['model']}", err=True)
    click.echo(
        f"Serving on {_address(listening)} (OpenAI's API below /v1, docs at /docs)", err=True
    )
    serve_app(create_app(parts), settings.server, parts.flights, listening)


def _serve_as_worker(settings: Settings, listening: socket.socket) -> None:
    logs.configure(settings.telemetry)
    _serve(settings, listening)


def _serve_by_several(settings: Settings, listening: socket.socket) -> bool:
    """Engines are started once; every process asks them by their URLs."""
    share_metrics(settings.data_dir / "metrics")
    with engines(settings) as for_workers:
        return Workers(for_workers, listening, _serve_as_worker).run()


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that is bound before the weights are loaded, so that a port in use is known at once.

    Raises:
        ConfigurationError: the port is in use, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"{host}:{port} can't be used ({error.strerror}). Choose another --port."
            ) from error
        yield bound
