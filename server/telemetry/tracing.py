"""OpenTelemetry: a span for each request and one for each stage of a turn, without user text.

The extra `otel` is imported only where traces are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from contract.errors import ConfigurationError
from contract.settings import TelemetrySettings
from server.telemetry.flight import Flight

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

# So long an exporter may try to hand over a batch, also at the end.
_SECONDS_TO_EXPORT = 5


def build_tracing(settings: TelemetrySettings) -> Tracing | None:
    """What the settings ask for, or None.

    Raises:
        ConfigurationError: the extra is not installed, or the headers are wrong.
    """
    if settings.otlp_endpoint is None:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ConfigurationError(
            "telemetry.otlp_endpoint needs OpenTelemetry: pip install --constraint constraints.txt "
            "--editable '.[otel]'"
        ) from error
    endpoint = str(settings.otlp_endpoint).rstrip("/")
    if settings.otlp_endpoint.path in (None, "", "/"):
        endpoint += "/v1/traces"
    exporter = OTLPSpanExporter(
        endpoint=endpoint, headers=_headers(settings), timeout=_SECONDS_TO_EXPORT
    )
    return Tracing(exporter, settings.trace_share)


class Tracing:
    """Makes spans and hands them to an exporter, in batches and off the request's path."""

    def __init__(self, exporter: SpanExporter, share: float = 1.0) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        resource = Resource({"service.name": "plumbline", "service.version": version("plumbline")})
        self._provider = TracerProvider(
            resource=resource,
            sampler=ParentBased(TraceIdRatioBased(share)),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("plumbline")
        self._propagator = TraceContextTextMapPropagator()
        self._server = SpanKind.SERVER
        self._failed = Status(StatusCode.ERROR)

    @contextmanager
    def request(self, flight: Flight, scope: Any) -> Iterator[None]:
        """The span of a request, a child of the caller's own where it names one."""
        carrier = {
            str(name, "latin-1"): str(value, "latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        with self._tracer.start_as_current_span(
            scope["method"],
            context=self._propagator.extract(carrier),
            kind=self._server,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            finally:
                self._describe(span, flight, scope)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The span of a stage, a child of the one that is open."""
        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                # The type alone: a message may repeat what somebody said.
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(self._failed)
                raise

    def close(self) -> None:
        """Hand over what is left; waits a few seconds at most."""
        self._provider.shutdown()

    def _describe(self, span: Span, flight: Flight, scope: Any) -> None:
        route = getattr(scope.get("route"), "path", "")
        span.update_name(f"{scope['method']} {route}".strip())
        span.set_attributes(
            {
                "http.request.method": scope["method"],
                "http.route": route,
                "http.response.status_code": flight.status,
                "plumbline.request_id": flight.id,
            }
        )
        for name, value in flight.facts.items():
            if isinstance(value, str | int | float | bool) and name not in TEXTS:
                span.set_attribute(f"plumbline.{name}", value)
        if flight.error is not None:
            span.set_attribute("error.type", flight.error.code)
        if flight.status >= 500:
            span.set_status(self._failed)


# Facts that hold what people and the policy said; a span never has them.
TEXTS = frozenset({"question", "answer"})


def _headers(settings: TelemetrySettings) -> dict[str, str]:
    if settings.otlp_headers is None:
        return {}
    pairs = [p.partition("=") for p in settings.otlp_headers.get_secret_value().split(",")]
    if any(not name.strip() or not is_there for name, is_there, _ in pairs):
        raise ConfigurationError("telemetry.otlp_headers is `name=value`, with commas between.")
    return {name.strip(): value.strip() for name, _, value in pairs}
