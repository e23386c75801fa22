"""The one thing that a turn tells what it does; metrics, traces and the log line follow from it."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from prometheus_client import Histogram

from contract.errors import Overloaded, PlumblineError, RateLimited, TimedOut, TooSlow
from contract.settings import TelemetrySettings
from contract.verdict import Refuse, Verdict
from server.outcome import Choice, Turn
from server.replies import usage
from server.telemetry.flight import CURRENT, Flight
from server.telemetry.metrics import Metrics
from server.telemetry.tracing import Tracing, build_tracing

_METHODS = frozenset({"GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"})

# Whoever watches over the server asks these every few seconds: they are never turned away, and are
# neither in flight nor a line of the log.
WATCHED = frozenset({"/healthz", "/livez", "/metrics"})

_CLIENT_CLOSED = 499

_access = logging.getLogger("server.access")


class Telemetry:
    """Measures requests and their stages, and says what turns came to."""

    def __init__(self, settings: TelemetrySettings, tracing: Tracing | None = None) -> None:
        self.metrics = Metrics()
        self._settings = settings
        self._tracing = tracing or build_tracing(settings)
        self._requests: dict[tuple[str, str, int], Histogram] = {}
        self._stages = {
            name: self.metrics.stages.labels(name)
            for name in ("retrieve", "prompt", "generate", "judge", "decide", "log")
        }

    def request(self, flight: Flight, scope: Any) -> _Request:
        """Around a whole request."""
        span = self._tracing.request(flight, scope) if self._tracing else None
        return _Request(self, flight, scope, span)

    def stage(self, name: str) -> _Stage:
        """Around one stage of a turn: `with telemetry.stage("retrieve"):`."""
        return _Stage(self, name, self._tracing.stage(name) if self._tracing else None)

    def stages(self) -> dict[str, float]:
        """Seconds that the current request has spent in each stage until now."""
        flight = CURRENT.get()
        return dict(flight.stages) if flight is not None else {}

    def finished(self, turn: Turn) -> int:
        """A turn is settled and logged. Returns the tokens that it took."""
        metrics, used, version = self.metrics, _tokens(turn), turn.policy_version
        for kind, count in used.items():
            metrics.tokens.labels(kind, version).inc(count)
        for choice in turn.choices:
            self._settled(choice, version)
        flight = CURRENT.get()
        if flight is not None:
            flight.facts |= _facts(turn) | {f"{k}_tokens": v for k, v in used.items()}
            if self._settings.log_user_text:
                flight.facts["question"] = turn.evidence.question
                flight.facts["answer"] = [choice.cited.content for choice in turn.choices]
        return used["prompt"] + used["completion"]

    def failed(self, error: BaseException) -> None:
        """A turn ended in an error, or its caller hung up."""
        if isinstance(error, PlumblineError):
            # The code of the kind of error: a policy's server may send any code of its own.
            code = type(error).code
        else:
            code = "unexpected" if isinstance(error, Exception) else "cancelled"
        self.metrics.turn_errors.labels(code).inc()

    def judge_failed(self, count: int) -> None:
        """So many answers could not be judged."""
        self.metrics.judge_failures.inc(count)

    def close(self) -> None:
        """Hand over the traces that are left."""
        if self._tracing is not None:
            self._tracing.close()
        self.metrics.close()

    def _settled(self, choice: Choice, version: str) -> None:
        metrics, decision, verdict = self.metrics, choice.decision, choice.judgement
        metrics.candidates.observe(sum(len(attempt.candidates) for attempt in choice.attempts))
        metrics.regenerations.labels(version).inc(len(choice.attempts) - 1)
        if isinstance(decision, Refuse):
            metrics.decisions.labels("refuse", version).inc()
            metrics.refusals.labels("plumbline", decision.style, version).inc()
            return
        metrics.decisions.labels("serve", version).inc()
        if isinstance(verdict, Verdict):
            metrics.reward.labels(version).observe(verdict.reward)
            if verdict.abstains:
                metrics.abstentions.labels(version).inc()
            elif verdict.refuses:
                style = verdict.response_type_in_force
                metrics.refusals.labels("policy", style, version).inc()

    def _ended(self, flight: Flight, scope: Any) -> None:
        """A request is answered; count it, and write its line."""
        status = flight.status or _CLIENT_CLOSED
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        seconds = time.perf_counter() - flight.begun
        kind = (route, method, status)
        counted = self._requests.get(kind)
        if counted is None:
            counted = self._requests[kind] = self.metrics.requests.labels(route, method, status)
        counted.observe(seconds)
        if flight.first_token is not None:
            self.metrics.first_token.observe(flight.first_token)
        if isinstance(flight.error, RateLimited):
            self.metrics.rate_limited.labels(flight.error.kind).inc()
        elif isinstance(flight.error, Overloaded | TimedOut | TooSlow):
            self.metrics.turned_away.labels(flight.error.code).inc()
        is_quiet = route in WATCHED and status < 500
        if self._settings.access_log and not is_quiet and _access.isEnabledFor(logging.INFO):
            # Without the search for the line of code that `info` makes for each record.
            message = f"{method} {route} {status} {seconds:.3f}s"
            record = logging.LogRecord(_access.name, logging.INFO, "", 0, message, None, None)
            record.fields = _line(flight, scope, route, status, seconds)
            _access.handle(record)


class _Request:
    """A class rather than a generator: it is on every request's path."""

    __slots__ = ("_flight", "_is_counted", "_scope", "_span", "_telemetry")

    def __init__(
        self,
        telemetry: Telemetry,
        flight: Flight,
        scope: Any,
        span: AbstractContextManager[None] | None,
    ) -> None:
        self._telemetry, self._flight, self._scope, self._span = telemetry, flight, scope, span

    def __enter__(self) -> None:
        self._is_counted = self._scope["path"] not in WATCHED
        if self._is_counted:
            self._telemetry.metrics.in_flight.inc()
        if self._span is not None:
            self._span.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_counted:
            self._telemetry.metrics.in_flight.dec()
        self._telemetry._ended(self._flight, self._scope)
        if self._span is not None:
            self._span.__exit__(kind, error, traceback)


class _Stage:
    """The time and the span of one stage."""

    __slots__ = ("_begun", "_name", "_span", "_telemetry")

    def __init__(
        self, telemetry: Telemetry, name: str, span: AbstractContextManager[Any] | None
    ) -> None:
        self._telemetry, self._name, self._span = telemetry, name, span

    def __enter__(self) -> None:
        self._begun = time.perf_counter()
        if self._span is not None:
            self._span.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        seconds = time.perf_counter() - self._begun
        self._telemetry._stages[self._name].observe(seconds)
        flight = CURRENT.get()
        if flight is not None:
            flight.stages[self._name] = flight.stages.get(self._name, 0.0) + seconds
        if self._span is not None:
            self._span.__exit__(kind, error, traceback)


def _tokens(turn: Turn) -> dict[str, int]:
    used: dict[str, Any] = dict(usage(turn))
    details = used.get("prompt_tokens_details") or {}
    return {
        "prompt": used["prompt_tokens"],
        "cached": details.get("cached_tokens") or 0,
        "completion": used["completion_tokens"],
    }


def _facts(turn: Turn) -> dict[str, Any]:
    """What a turn came to, without its text."""
    attempts = [attempt for choice in turn.choices for attempt in choice.attempts]
    served = [choice for choice in turn.choices if choice.served is not None]
    return {
        "completion_id": turn.id,
        "decision": "serve" if served else "refuse",
        "answered": any(choice.answered for choice in turn.choices),
        "choices": len(turn.choices),
        "attempts": len(attempts),
        "candidates": sum(len(attempt.candidates) for attempt in attempts),
        "passages": len(turn.evidence.passages),
        "policy_version": turn.policy_version,
        "index_version": turn.evidence.index_version,
    }


def _line(flight: Flight, scope: Any, route: str, status: int, seconds: float) -> dict[str, Any]:
    """The fields of a request's log line."""
    caller = scope.get("state", {}).get("caller")
    fields: dict[str, Any] = {
        "method": scope["method"][:16],
        "route": route,
        "status": status,
        "seconds": round(seconds, 4),
    }
    if caller is not None and caller.name:
        fields["caller"] = caller.name
    if flight.first_token is not None:
        fields["first_token_seconds"] = round(flight.first_token, 4)
    if flight.stages:
        fields["stages"] = {name: round(taken, 4) for name, taken in flight.stages.items()}
    if flight.error is not None:
        fields["error"] = flight.error.code
    return fields | flight.facts
