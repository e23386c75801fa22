"""All engines of one Plumbline: replicas of the policy, and the reward model if asked."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import orjson

from contract.errors import ConfigurationError, PolicyUnreachable
from contract.settings import Settings
from server.engine.adapters import Adapters, Folders
from server.engine.checkpoint import find
from server.engine.command import HOST, Launch, plan
from server.engine.deaths import Patience
from server.engine.machine import Machine, look
from server.engine.process import EngineProcess
from server.engine.state import EngineState

PROJECT = Path(__file__).parents[2]
_ENVIRONMENT_PYTHON = Path(".venv-vllm") / "bin" / "python"
_WARM_UP_SECONDS = 300.0


class Supervisor:
    """Starts the engines that the settings ask for, and keeps them alive.

    Args:
        promoted: adapters that each of them gets whenever it starts, beside those in the settings.

    Raises:
        ConfigurationError: vLLM is not installed, a checkpoint or an adapter is not there, a port is in
            use, or there are too few GPUs.
    """

    def __init__(
        self,
        settings: Settings,
        machine: Machine | None = None,
        promoted: Callable[[], Folders] = dict,
    ) -> None:
        engine = settings.engine
        python = _python(engine.python)
        environment = settings.environment()
        policy = find(str(engine.model), "engine.model")
        reward = find(engine.reward_model, "engine.reward_model") if engine.reward_model else None
        machine = machine or look(engine.device, python, environment)
        ports = _ports(engine.port, engine.replicas + (reward is not None))
        self._plan = plan(engine, python, machine, policy, reward, ports)
        self.model = policy.name
        self.key = (
            engine.api_key.get_secret_value() if engine.api_key else secrets.token_urlsafe(32)
        )
        roots = [launch.url for launch in self._plan.policies]
        self.adapters = Adapters(roots, self.key, engine.adapters, promoted)
        patience = Patience(engine.start_seconds, engine.max_deaths, engine.death_window_seconds)

        def process(launch: Launch, prepare: Callable[[], None]) -> EngineProcess:
            return EngineProcess(
                launch,
                environment | {"VLLM_API_KEY": self.key},
                settings.engine_logs / f"{launch.name}.log",
                log_bytes=engine.log_bytes,
                patience=patience,
                prepare=prepare,
            )

        self._policies = [
            process(launch, partial(self._prepare, launch.url)) for launch in self._plan.policies
        ]
        self._reward = process(self._plan.reward, lambda: None) if self._plan.reward else None

    @property
    def urls(self) -> tuple[str, ...]:
        """Base URLs of the policy, ending in /v1."""
        return tuple(f"{launch.url}/v1" for launch in self._plan.policies)

    @property
    def reward_url(self) -> str | None:
        """Root URL of the reward model, where there is one."""
        return self._plan.reward.url if self._plan.reward else None

    @property
    def states(self) -> list[EngineState]:
        """How each engine fares."""
        return [process.state for process in self._all()]

    def trouble(self, url: str) -> str | None:
        """Why the engine at that base URL can't answer now, or None."""
        root = url.removesuffix("/v1")
        return next((p.trouble for p in self._policies if p.launch.url == root), None)

    def start(self) -> None:
        """Start all engines in the background; one that shares a GPU waits for `wait_until_ready`."""
        for process in self._policies:
            process.start()
        if self._reward is not None and not self._plan.shares_gpu:
            self._reward.start()

    def wait_until_ready(self) -> None:
        """Return when every engine answers.

        Raises:
            ConfigurationError: one did not start; with what it said last.
        """
        for process in self._policies:
            process.wait_until_ready()
        if self._reward is not None:
            if self._plan.shares_gpu:
                self._reward.start()
            self._reward.wait_until_ready()

    def close(self) -> None:
        """End all engines."""
        for process in self._all():
            process.ask_to_stop()
        for process in self._all():
            process.stop()

    def _all(self) -> list[EngineProcess]:
        return [*self._policies, *([self._reward] if self._reward else [])]

    def _prepare(self, url: str) -> None:
        """What a policy engine needs before it counts as ready: its adapters, and one answer.

        A checkpoint that the engine can't compute with is seen here, not by the first user.
        """
        self.adapters.load_wanted(url)
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": "Is everything ready?"}],
            "max_tokens": 1,
        }
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        try:
            reply = httpx.post(
                f"{url}/v1/chat/completions",
                content=orjson.dumps(body),
                headers=headers,
                timeout=_WARM_UP_SECONDS,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            raise PolicyUnreachable(
                f"it broke at its first answer ({type(error).__name__})"
            ) from error
        if not reply.is_success:
            raise ConfigurationError(
                f"it can't answer a first message (status {reply.status_code}: {reply.text[:300]})"
            )


def _python(given: Path | None) -> Path:
    """The Python that has vLLM, absolute and with its links: they make it that environment's."""
    candidates = [given] if given else [_ENVIRONMENT_PYTHON, PROJECT / _ENVIRONMENT_PYTHON]
    for candidate in candidates:
        if candidate.expanduser().is_file():
            return candidate.expanduser().absolute()
    raise ConfigurationError(
        f"vLLM is not installed: there is no {candidates[0]}. Run `make engine` (CPU, about 3.5 GB), or set "
        "engine.python to the Python of an environment with vLLM."
    )


def _ports(first: int, count: int) -> list[int]:
    """Ports for all servers, seen to be free.

    Raises:
        ConfigurationError: one that was asked for is in use.
    """
    probes = []
    try:
        for number in range(count):
            probe = socket.socket()
            probes.append(probe)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            port = first + number if first else 0
            try:
                probe.bind((HOST, port))
            except OSError as error:
                raise ConfigurationError(
                    f"{HOST}:{port} can't be used for an engine ({error.strerror}). Change engine.port; 0 "
                    "takes a free one."
                ) from error
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
