"""Prometheus metrics. No label holds user text or a caller's name, so there are never many series.

Each process counts for itself. Where PROMETHEUS_MULTIPROC_DIR names a folder that several processes
share, prometheus_client keeps the values there, and each of them shows the sums.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    values,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

disable_created_metrics()  # type: ignore[no-untyped-call]

_REQUEST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_STAGE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_CANDIDATES = (1, 2, 3, 4, 6, 8, 12, 16, 32, 64)
_REWARD = (-8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10)

# prometheus_client decides this when it is imported.
SEVERAL = values.ValueClass is not values.MutexValue


class Metrics:
    """All metrics of one server; `docs/operations.md` says what each is for."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.requests = Histogram(
            "plumbline_request_seconds",
            "Time from a request to the last of its answer.",
            ["route", "method", "status"],
            buckets=_REQUEST,
            registry=registry,
        )
        self.in_flight = Gauge(
            "plumbline_requests_in_flight",
            "Requests that are being answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.first_token = Histogram(
            "plumbline_first_token_seconds",
            "Time from a request to the first event of its stream.",
            buckets=_REQUEST,
            registry=registry,
        )
        self.turned_away = Counter(
            "plumbline_turned_away",
            "Requests that were not taken, or were cut short, by the code of the error.",
            ["code"],
            registry=registry,
        )
        self.rate_limited = Counter(
            "plumbline_rate_limited",
            "Requests over the limit of their caller.",
            ["kind"],
            registry=registry,
        )
        self.stages = Histogram(
            "plumbline_stage_seconds",
            "Time spent in a stage of a turn, waiting for its turn included.",
            ["stage"],
            buckets=_STAGE,
            registry=registry,
        )
        self.tokens = Counter(
            "plumbline_tokens",
            "Tokens: of prompts, of these the ones the policy had cached, and generated.",
            ["kind", "policy_version"],
            registry=registry,
        )
        self.candidates = Histogram(
            "plumbline_candidates",
            "Candidates generated for one answer, all attempts together.",
            buckets=_CANDIDATES,
            registry=registry,
        )
        self.reward = Histogram(
            "plumbline_reward",
            "Reward of the answers that were served.",
            ["policy_version"],
            buckets=_REWARD,
            registry=registry,
        )
        self.regenerations = self._counter(
            "regenerations", "Attempts after the first.", "policy_version"
        )
        self.decisions = self._counter(
            "decisions", "Answers by what was decided: serve, refuse.", "decision", "policy_version"
        )
        self.abstentions = self._counter(
            "abstentions", "Answers that the documents do not hold.", "policy_version"
        )
        self.refusals = self._counter(
            "refusals",
            "Refusals, in Plumbline's words or in the policy's own.",
            "source",
            "style",
            "policy_version",
        )
        self.verified_answers = self._counter(
            "verified_answers",
            "Verified answers that matched a question: served, withheld by the judge, expired.",
            "outcome",
        )
        self.judge_failures = self._counter(
            "judge_failures", "Answers that the judge could not judge."
        )
        self.turn_errors = self._counter("turn_errors", "Turns that ended in an error.", "code")
        self.log_queue = self._gauge("log_queue", "Rows that wait to be written to the log.")
        self.index_chunks = self._gauge("index_chunks", "Chunks in the index.")
        self.index_documents = self._gauge("index_documents", "Documents in the index.")
        self.index_info = self._gauge("index_info", "The index in service.", "version")
        self.policy_up = self._gauge("policy_up", "Does the policy answer?")
        self._index_version: str | None = None
        if not SEVERAL:
            ProcessCollector(registry=registry)

    def show_index(self, version: str, chunks: int, documents: int) -> None:
        """The index in service; an earlier version is no longer shown."""
        self.index_chunks.set(chunks)
        self.index_documents.set(documents)
        if self._index_version not in (None, version):
            self._forget(self._index_version or "")
        self._index_version = version
        self.index_info.labels(version).set(1)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All values as text, and the type of that text."""
        registry = self._registry
        if SEVERAL:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        encode, media_type = choose_encoder(accept)
        return encode(registry), media_type

    def close(self) -> None:
        """What this process alone was doing counts no more."""
        if SEVERAL:
            forget_process(os.getpid())

    def _forget(self, version: str) -> None:
        if SEVERAL:
            self.index_info.labels(version).set(0)
        else:
            self.index_info.remove(version)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"plumbline_{name}", help_text, labels, registry=self._registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(
            f"plumbline_{name}",
            help_text,
            labels,
            registry=self._registry,
            multiprocess_mode="livemax",
        )


def forget_process(pid: int) -> None:
    """What a process that has ended was doing counts no more; what it counted stays."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]
