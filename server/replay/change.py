"""What is to change: the settings in service, and those that are to go live."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from contract.errors import ConfigurationError
from contract.settings import PolicySettings, Settings

# What of a turn is made anew: nothing but verdicts and decisions, passages and answers, or answers.
Anew = Literal["verdicts", "passages", "answers"]


@dataclass(frozen=True, slots=True)
class Change:
    """Settings before and after, and what of a turn they make anew."""

    old: Settings
    new: Settings
    anew: Anew


def change_of(
    settings: Settings,
    in_service: Settings | None,
    *,
    rubric: Path | None,
    index: Path | None,
    policy: str | None,
) -> Change:
    """The change that a command line asks for.

    Args:
        settings: those of the command; what the options name changes them.
        in_service: those in service, where they are others.

    Raises:
        ConfigurationError: nothing would change, or the policy has no name that its engine could serve.
    """
    if in_service is None and rubric is None and index is None and policy is None:
        raise ConfigurationError(
            "Nothing would change. Name what is to go live: --rubric FILE, --index DIR or --policy NEW, or "
            "give new settings with --config and those in service with --in-service."
        )
    new = settings.replace({"judge.rubric": rubric, "index_dir": index})
    if policy is not None:
        new = new.model_copy(update={"policy": _policy(new.policy, policy)})
    anew: Anew = "verdicts"
    if index is not None:
        anew = "passages"
    elif policy is not None:
        anew = "answers"
    return Change(in_service or settings, new, anew)


def _policy(settings: PolicySettings, name: str) -> PolicySettings:
    """The policy at `URL#model`, or another model of the engine that is set.

    A key goes to no other server than the one that it is set for.
    """
    url, _, model = name.partition("#")
    changes: dict[str, Any] = {"model": model or None}
    if "://" not in name:
        if settings.engine_in_force == "reader":
            raise ConfigurationError(
                f"{name!r} is no URL, and the settings name no engine that could serve it. Write "
                "--policy http://127.0.0.1:8001/v1#model."
            )
        changes = {"model": name}
    else:
        changes |= {"engine": "openai", "url": url, "urls": ()}
        if url.rstrip("/") not in settings.servers:
            changes["api_key"] = None
    return PolicySettings.model_validate(settings.model_dump() | changes)
