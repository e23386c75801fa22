"""Candidates for every choice of a reply: sampled in one request, more of them only where they help."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from contract.candidate import Candidate, Prompt
from contract.chat import ChatRequest
from contract.errors import PlumblineError
from contract.settings import PolicySettings
from contract.verdict import Assessment, Verdict
from server.parts import Parts
from server.sampling import sampling_of, varied

_log = logging.getLogger(__name__)

Group = list[Candidate]


async def sample(
    request: ChatRequest,
    prompt: Prompt,
    parts: Parts,
    *,
    choices: int = 1,
    candidates: int = 1,
    first: int = 0,
) -> list[Group]:
    """Candidates for each of `choices` choices: 1 to `candidates` different ones.

    They come from one request, so the engine reads the prompt once. Only where the caller asks for
    temperature 0, at which all samples are the same, the first of each choice is sampled so, and the
    others by a second request with a temperature of our own; should that one fail, the first count.

    `first` is how many candidates each choice has already.

    Raises:
        PolicyUnavailable: the policy can't be reached or broke.
        RequestRejected: the policy refused the request.
    """
    asked = sampling_of(request, parts.settings)
    total = choices * candidates
    policy = parts.policy
    if first == 0 and candidates == 1:
        return _groups(await policy.generate(prompt, total, asked), choices)
    if policy.deterministic:
        return _groups(await policy.generate(prompt, total, replace(asked, first=first)), choices)
    if asked.temperature is None or first > 0:
        own = varied(asked, parts.settings, choices * first)
        return _groups(await policy.generate(prompt, total, own), choices)
    if asked.temperature > 0:
        return _groups(await policy.generate(prompt, total, asked), choices)
    own = varied(asked, parts.settings, choices)
    greedy, others = await asyncio.gather(
        policy.generate(prompt, choices, asked),
        policy.generate(prompt, total - choices, own),
        return_exceptions=True,
    )
    if isinstance(greedy, BaseException):
        raise greedy
    return _joined(_groups(greedy, choices), _spare(others), choices)


def wants_more(judgements: Sequence[Assessment], settings: PolicySettings) -> bool:
    """Do the first verdicts disagree or fall short, so that further samples are worth their cost?"""
    verdicts = [j for j in judgements if isinstance(j, Verdict)]
    if len(verdicts) < len(judgements) or not all(v.acceptable for v in verdicts):
        return True
    rewards = [v.reward for v in verdicts]
    differ = len({(v.completion_class, v.abstains, v.refuses) for v in verdicts}) > 1
    return differ or max(rewards) - min(rewards) > settings.auto_margin


def different(candidates: Sequence[Candidate], known: Sequence[Candidate] = ()) -> Group:
    """The candidates that say what none before them says."""
    seen = {_said(candidate) for candidate in known}
    found: Group = []
    for candidate in candidates:
        if _said(candidate) not in seen:
            seen.add(_said(candidate))
            found.append(candidate)
    return found


def _groups(found: Sequence[Candidate], choices: int) -> list[Group]:
    """An even share for each choice; where there are too few, the last one stands in."""
    share = max(1, len(found) // choices)
    return [different(found[i * share : (i + 1) * share] or found[-1:]) for i in range(choices)]


def _spare(found: Sequence[Candidate] | BaseException) -> Sequence[Candidate]:
    if isinstance(found, PlumblineError):
        # The message may repeat what the policy's server was sent.
        detail = {"detail": found.message}
        _log.warning("further candidates could not be sampled: %s", found.code, extra=detail)
        return ()
    if isinstance(found, BaseException):
        raise found
    return found


def _joined(first: list[Group], others: Sequence[Candidate], choices: int) -> list[Group]:
    share = len(others) // choices
    return [
        [*group, *different(others[i * share : (i + 1) * share], group)]
        for i, group in enumerate(first)
    ]


def _said(candidate: Candidate) -> tuple[str, str]:
    return candidate.text.strip(), candidate.arguments
