"""Traces, as a collector receives them: one span a request, one a stage, and no user text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from starlette.types import Receive, Scope, Send

from contract.errors import ConfigurationError
from contract.settings import Settings
from server.app import create_app
from server.wiring import build
from tests.conftest import ask, free_port, listening
from tests.scripted_policy import ScriptedPolicy

QUESTION = "How many days of parental leave does the zebra get?"
STAGES = {"retrieve", "prompt", "generate", "judge", "decide", "log"}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """An OTLP/HTTP collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.raw = b""
        self.headers: dict[bytes, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        assert scope["path"] == "/v1/traces"
        self.headers = dict(scope["headers"])
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scoped in resource.scope_spans:
                self.spans += scoped.spans
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def collector() -> Collector:
    return Collector()


@contextmanager
def traced(collector: Collector, data_dir: Path, tmp_path: Path, **more: Any) -> Iterator[str]:
    """Plumbline that sends traces; all of them have arrived when this ends."""
    with listening(collector) as endpoint:
        named = {
            "data_dir": tmp_path,
            "index_dir": data_dir / "index",
            "telemetry.otlp_endpoint": endpoint,
        }
        named |= {name.replace("__", "."): value for name, value in more.items()}
        with listening(create_app(build(Settings().replace(named)))) as url:
            yield url


def attributes(span: Span) -> dict[str, Any]:
    return {
        a.key: getattr(a.value, a.value.WhichOneof("value") or "string_value")
        for a in span.attributes
    }


def test_a_turn_is_a_span_with_one_below_it_for_each_stage(
    collector: Collector, data_dir: Path, tmp_path: Path
) -> None:
    with traced(collector, data_dir, tmp_path, telemetry__otlp_headers="x-team=a, x-key=b") as url:
        reply = ask(url, QUESTION, user="zebra")
    chat = next(s for s in collector.spans if s.name == "POST /v1/chat/completions")
    stages = [s for s in collector.spans if s.parent_span_id == chat.span_id]
    assert {s.name for s in stages} == STAGES and len(stages) == len(STAGES)
    assert all(s.trace_id == chat.trace_id for s in stages)
    assert all(
        chat.start_time_unix_nano
        <= s.start_time_unix_nano
        <= s.end_time_unix_nano
        <= chat.end_time_unix_nano
        for s in stages
    )
    said = attributes(chat)
    assert said["plumbline.completion_id"] == reply["id"]
    assert said["plumbline.decision"] == "serve"
    assert said["plumbline.prompt_tokens"] == reply["usage"]["prompt_tokens"]
    assert said["http.response.status_code"] == 200
    assert (collector.headers[b"x-team"], collector.headers[b"x-key"]) == (b"a", b"b")
    assert b"zebra" not in collector.raw, "no text of the user"


def test_the_callers_own_trace_goes_on(
    collector: Collector, data_dir: Path, tmp_path: Path
) -> None:
    with traced(collector, data_dir, tmp_path, telemetry__trace_share=0.0) as url:
        httpx.get(f"{url}/v1/models", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
        httpx.get(f"{url}/v1/models", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
        httpx.get(f"{url}/v1/models", headers={"traceparent": "nonsense"})
        httpx.get(f"{url}/v1/models")
    (span,) = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)


def test_a_stage_that_fails_says_its_kind_and_not_its_message(
    collector: Collector, data_dir: Path, tmp_path: Path, policy: ScriptedPolicy
) -> None:
    policy.script((500, {"error": {"message": "I choked on the zebra"}}))
    with traced(collector, data_dir, tmp_path, policy__url=policy.url) as url:
        body = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}
        assert httpx.post(f"{url}/v1/chat/completions", json=body, timeout=30).status_code == 503
    generate = next(s for s in collector.spans if s.name == "generate")
    assert attributes(generate)["error.type"] == "PolicyUnavailable"
    chat = next(s for s in collector.spans if s.span_id == generate.parent_span_id)
    assert chat.status.code == generate.status.code == Status.STATUS_CODE_ERROR
    assert b"zebra" not in collector.raw


def test_a_collector_that_is_down_keeps_nobody_waiting(data_dir: Path, tmp_path: Path) -> None:
    named = {
        "data_dir": tmp_path,
        "index_dir": data_dir / "index",
        "telemetry.otlp_endpoint": f"http://127.0.0.1:{free_port()}",
    }
    with listening(create_app(build(Settings().replace(named)))) as url:
        assert ask(url, QUESTION)["plumbline"]["policy_version"]


def test_without_the_extra_the_start_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    monkeypatch.setitem(sys.modules, missing, None)
    named = {"data_dir": tmp_path, "telemetry.otlp_endpoint": "http://127.0.0.1:4318"}
    with pytest.raises(ConfigurationError, match=r"\[otel\]"):
        build(Settings().replace(named))


def test_headers_of_the_wrong_form_stop_the_start(tmp_path: Path) -> None:
    named = {
        "data_dir": tmp_path,
        "telemetry.otlp_endpoint": "http://127.0.0.1:4318",
        "telemetry.otlp_headers": "secret",
    }
    with pytest.raises(ConfigurationError, match="name=value") as error:
        build(Settings().replace(named))
    assert "secret" not in error.value.message
