"""The command lines of vLLM: settings, checkpoints and a machine in, what to start out. Nothing is run.

What each flag does on a CPU was tried; those for several GPUs and Ray are vLLM's own, passed as documented
there, and not proven on hardware by this project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ConfigurationError
from contract.settings import EngineSettings
from server.engine.checkpoint import Checkpoint
from server.engine.machine import Machine

HOST = "127.0.0.1"
INSIDE = Path(__file__).parent / "inside"

# The deprecated-looking module works where the `vllm` command does not: the build for CPUs lacks the
# metadata that the command asks for.
_MODULE = "vllm.entrypoints.openai.api_server"
# Plumbline decides these; another value would cut it off from its engine, or show a key.
_OURS = ("--model", "--served-model-name", "--host", "--port", "--uds", "--api-key", "--middleware")
_POLICY_SHARE, _POLICY_SHARE_BESIDE_REWARD = 0.9, 0.7
_MEMORY_SHARE, _MOST_KV_GIB = 8, 64


@dataclass(frozen=True, slots=True)
class Launch:
    """One server to start. `environment` is what is added to or replaced in the caller's own."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    port: int

    @property
    def url(self) -> str:
        """Its root URL."""
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All servers. Two that share a GPU are started one after the other: each measures what is free."""

    policies: tuple[Launch, ...]
    reward: Launch | None
    shares_gpu: bool


def plan(
    settings: EngineSettings,
    python: Path,
    machine: Machine,
    policy: Checkpoint,
    reward: Checkpoint | None,
    ports: Sequence[int],
) -> Plan:
    """What to start; `ports` has one for each replica, and one for the reward model where there is one.

    Raises:
        ConfigurationError: there are too few GPUs, or a flag is given that Plumbline decides.
    """
    _check_flags(settings)
    groups, reward_gpus, shared = _placed(settings, machine, reward is not None)
    policies = tuple(
        Launch(
            name=f"policy-{number}" if settings.replicas > 1 else "policy",
            command=(
                *_common(python, policy, port),
                *_policy_flags(settings, machine, policy, shared),
                *settings.args,
            ),
            environment=_environment(settings, machine, policy, gpus)
            | ({"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"} if settings.serves_adapters else {}),
            port=port,
        )
        for number, (port, gpus) in enumerate(zip(ports, groups, strict=False), start=1)
    )
    if reward is None:
        return Plan(policies, None, shares_gpu=False)
    scorer = Launch(
        name="reward",
        command=(
            *_common(python, reward, ports[-1]),
            *_reward_flags(settings, machine),
            *settings.reward_args,
        ),
        environment=_environment(settings, machine, reward, reward_gpus)
        | ({"VLLM_CPU_KVCACHE_SPACE": "1"} if machine.device == "cpu" else {}),
        port=ports[-1],
    )
    return Plan(policies, scorer, shares_gpu=shared)


def _check_flags(settings: EngineSettings) -> None:
    for flag in (*settings.args, *settings.reward_args):
        name = flag.split("=", 1)[0]
        if name in _OURS:
            raise ConfigurationError(
                f"Plumbline sets vLLM's {name} itself; take it out of engine.args. There are engine.model, "
                "engine.port and engine.api_key."
            )


def _placed(
    settings: EngineSettings, machine: Machine, with_reward: bool
) -> tuple[list[tuple[str, ...]], tuple[str, ...], bool]:
    """GPUs of each replica, those of the reward model, and whether these are shared."""
    if machine.device == "cpu" or settings.executor == "ray":
        return [()] * settings.replicas, (), False
    size = settings.tensor_parallel * settings.pipeline_parallel * settings.data_parallel
    needed = size * settings.replicas
    if needed > len(machine.gpus):
        raise ConfigurationError(
            f"{settings.replicas} × {size} GPUs are asked for, and this machine has {len(machine.gpus)}. "
            "Lower engine.replicas or engine.tensor_parallel, or set engine.executor to ray."
        )
    groups = [machine.gpus[i : i + size] for i in range(0, needed, size)]
    if not with_reward:
        return groups, (), False
    free = machine.gpus[needed:]
    return groups, (free or machine.gpus)[:1], not free


def _common(python: Path, checkpoint: Checkpoint, port: int) -> tuple[str, ...]:
    return (
        *(str(python), "-m", _MODULE),
        *("--model", checkpoint.source, "--served-model-name", checkpoint.name),
        *("--host", HOST, "--port", str(port), "--middleware", "plumbline_lock.Lock"),
        *("--disable-uvicorn-access-log", "--disable-fastapi-docs"),
    )


def _policy_flags(
    settings: EngineSettings, machine: Machine, checkpoint: Checkpoint, shared: bool
) -> list[str]:
    flags = ["--enable-prefix-caching", "--enable-prompt-tokens-details"]
    flags += ["--dtype", _dtype(settings, machine, checkpoint)]
    flags += ["--max-model-len", str(settings.max_model_len or "auto")]
    flags += _eager(settings, machine)
    if machine.device == "cuda":
        share = _POLICY_SHARE_BESIDE_REWARD if shared else _POLICY_SHARE
        flags += ["--gpu-memory-utilization", f"{settings.gpu_memory or share:g}"]
    for flag, count in (
        ("--tensor-parallel-size", settings.tensor_parallel),
        ("--pipeline-parallel-size", settings.pipeline_parallel),
        ("--data-parallel-size", settings.data_parallel),
    ):
        flags += [flag, str(count)] if count > 1 else []
    if settings.executor is not None:
        flags += ["--distributed-executor-backend", settings.executor]
    if settings.serves_adapters:
        flags += ["--enable-lora", "--max-loras", str(settings.max_adapters)]
        flags += ["--max-lora-rank", str(settings.max_lora_rank)]
    if settings.tool_parser is not None:
        flags += ["--enable-auto-tool-choice", "--tool-call-parser", settings.tool_parser]
    if settings.reasoning_parser is not None:
        flags += ["--reasoning-parser", settings.reasoning_parser]
    return flags


def _reward_flags(settings: EngineSettings, machine: Machine) -> list[str]:
    if machine.device == "cpu":
        # Rewards are compared, and bfloat16 moves them by hundredths.
        return ["--runner", "pooling", "--dtype", "float32", *_eager(settings, machine)]
    share = ["--gpu-memory-utilization", f"{settings.reward_gpu_memory:g}"]
    return ["--runner", "pooling", *_eager(settings, machine), *share]


def _dtype(settings: EngineSettings, machine: Machine, checkpoint: Checkpoint) -> str:
    if settings.dtype is not None:
        return settings.dtype
    if machine.device == "cuda":
        return "auto"
    # Left alone, vLLM serves a float32 checkpoint in half precision.
    return "float32" if checkpoint.dtype == "float32" else "bfloat16"


def _eager(settings: EngineSettings, machine: Machine) -> list[str]:
    eager = settings.enforce_eager
    if eager is None:
        eager = machine.device == "cpu"
    return ["--enforce-eager"] if eager else []


def _environment(
    settings: EngineSettings, machine: Machine, checkpoint: Checkpoint, gpus: tuple[str, ...]
) -> dict[str, str]:
    values = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "PYTHONPATH": str(INSIDE)}
    if checkpoint.local:
        values |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    if machine.device == "cpu":
        share = min(_MOST_KV_GIB, max(1, machine.memory_gib // _MEMORY_SHARE // settings.replicas))
        values["VLLM_CPU_KVCACHE_SPACE"] = str(settings.kv_cache_gib or share)
    if gpus:
        values["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    return values
