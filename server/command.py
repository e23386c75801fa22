"""`plumbline serve`."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import click
import uvicorn

from contract.errors import ConfigurationError
from contract.terminal import Command, config_option, index_option, load_settings
from server.app import create_app
from server.wiring import build


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
        judge__rubric=rubric,
    )
    served_here = settings.policy.engine_in_force == "vllm"
    settings = settings.replace({"engine.model" if served_here else "policy.model": model})
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    _check_port(settings.server.host, settings.server.port)
    parts = build(settings)
    parts.warm_up()
    click.echo(f"Policy: {parts.policy.describe()}", err=True)
    uvicorn.run(
        create_app(parts),
        host=settings.server.host,
        port=settings.server.port,
        log_level="info",
        access_log=False,
        timeout_graceful_shutdown=20,
    )


def _check_port(host: str, port: int) -> None:
    """Find out before the weights are loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"{host}:{port} can't be used ({error.strerror}). Choose another --port."
            ) from error
