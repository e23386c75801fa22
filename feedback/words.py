"""Feedback in a few words, for people who look at it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from contract.feedback import places_of


def when(seconds: float) -> str:
    """A time as people read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def said(kind: str, body: Mapping[str, Any], names: Mapping[str, str] | None = None) -> str:
    """What a piece of feedback says. `names` are short ones for the ids in it."""
    known = names or {}
    parts = [_opinion(kind, body, known)]
    if "candidate_id" in body:
        parts.append(f"about {_short(body['candidate_id'], known)}")
    if "metric" in body:
        parts.append(f"({body['metric']})")
    if body.get("reason_codes"):
        parts.append(f"[{', '.join(body['reason_codes'])}]")
    if body.get("comment"):
        parts.append(f"“{one_line(body['comment'])}”")
    return " ".join(part for part in parts if part)


def one_line(text: str, longest: int = 200) -> str:
    """A text without line ends, cut where it is too long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def _opinion(kind: str, body: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if kind == "rating":
        value = body.get("value")
        if isinstance(value, bool):
            return "thumbs up" if value else "thumbs down"
        return f"{value} of 5" if isinstance(value, int) else str(value)
    if kind == "pair":
        ids = (body.get(name, "?") for name in ("preferred_id", "rejected_id"))
        return " > ".join(_short(identifier, names) for identifier in ids)
    if kind == "tie":
        tied = " = ".join(_short(identifier, names) for identifier in body.get("tied_ids", ()))
        return f"{tied}, both {body.get('value')}"
    if kind == "ranking":
        places = places_of(body.get("ranking", ()))
        return " > ".join(" = ".join(_short(i, names) for i in place) for place in places)
    if kind == "correction":
        return f"better: {one_line(body.get('correction', ''))}"
    if kind == "ruling":
        return _ruling(body)
    return ""


def _ruling(body: Mapping[str, Any]) -> str:
    stated = (body.get("propositions") or {}).items()
    parts = [f"{name} {'yes' if holds else 'no'}" for name, holds in stated]
    if body.get("class"):
        parts.append(f"class {body['class']}")
    return ", ".join(parts) or "agrees with the judge"


def _short(identifier: str, names: Mapping[str, str]) -> str:
    """The end of an id tells it from others of the same moment."""
    if identifier in names:
        return names[identifier]
    return identifier if len(identifier) <= 12 else f"…{identifier[-8:]}"
