"""Traces: what one request did, step by step, as OpenTelemetry spans.

A request is traced when its caller asks for it (a sampled `traceparent`, W3C Trace Context), or by
chance where somebody collects traces. All others pass these lines at the cost of one look. Spans go
into the log, one line each, and by OTLP to the collector, if one is named.

The front door's request id is 32 hex digits: where no trace has begun yet, it becomes the trace's
id, so that one id finds the log lines and the trace.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from darkroom.config import Config

log = structlog.get_logger("darkroom.tracing")

#: Probes, scrapes and whoever waits at an event stream are no steps of anybody's request.
_UNTRACED = frozenset({"/health", "/ready", "/metrics"})
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
#: Longest wait for the collector; seconds. A replica that ends does not outlast its grace for it.
_PATIENCE = 2
CLIENT = SpanKind.CLIENT
PRODUCER = SpanKind.PRODUCER
_PROPAGATOR = TraceContextTextMapPropagator()
_NOTHING: AbstractContextManager[Span] = nullcontext(trace.INVALID_SPAN)

_tracer = trace.get_tracer("darkroom")


def configure(config: Config) -> TracerProvider:
    """Makes spans of this process known; to be shut down when the process ends."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": "api", "service.instance.id": config.replica_id}),
        sampler=ParentBased(TraceIdRatioBased(config.trace_ratio)),
        id_generator=_RequestIds(),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SimpleSpanProcessor(SpanLog()))
    if config.otlp_endpoint:
        # Here, because it costs memory that a replica without a collector has better uses for.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_PATIENCE)))
    trace.set_tracer_provider(provider)
    return provider


def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | int | float
) -> AbstractContextManager[Span]:
    """A step of the request at hand; nothing where it is not traced.

    An attribute's name has `__` where OpenTelemetry's conventions have a dot.
    """
    if not trace.get_current_span().is_recording():
        return _NOTHING
    dotted = {key.replace("__", "."): value for key, value in attributes.items()}
    return _tracer.start_as_current_span(name, kind=kind, attributes=dotted)


def carrier() -> dict[str, str]:
    """The headers by which a message takes the trace along; none where nothing is traced."""
    headers: dict[str, str] = {}
    if trace.get_current_span().is_recording():
        _PROPAGATOR.inject(headers)
    return headers


class Traced:
    """Begins a request's span, as a child of the caller's where there is one."""

    def __init__(self, app: ASGIApp, ratio: float) -> None:
        self._app = app
        self._by_chance = ratio > 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _UNTRACED:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self._by_chance and "traceparent" not in headers:
            await self._app(scope, receive, send)
            return
        parent = _PROPAGATOR.extract({"traceparent": headers.get("traceparent", "")})
        attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
        with _tracer.start_as_current_span(
            f"{scope['method']} {scope['path']}", parent, SpanKind.SERVER, attributes
        ) as root:

            async def watch(message: Message) -> None:
                if message["type"] == "http.response.start":
                    root.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        root.set_status(Status(StatusCode.ERROR))
                await send(message)

            try:
                await self._app(scope, receive, watch)
            finally:
                route = getattr(scope.get("route"), "path", None)
                if route and root.is_recording():
                    root.set_attribute("http.route", route)
                    root.update_name(f"{scope['method']} {route}")


class _RequestIds(RandomIdGenerator):
    """A trace that begins here has its request's id."""

    def generate_trace_id(self) -> int:
        given = structlog.contextvars.get_contextvars().get("request_id", "")
        return int(given, 16) if _TRACE_ID.fullmatch(given) else super().generate_trace_id()


class SpanLog(SpanExporter):
    """Writes each span as a line of the log; `began` is Unix time."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for one in spans:
            if one.context is None or one.start_time is None or one.end_time is None:
                continue
            log.info(
                "span",
                trace_id=trace.format_trace_id(one.context.trace_id),
                span_id=trace.format_span_id(one.context.span_id),
                parent_id=trace.format_span_id(one.parent.span_id) if one.parent else None,
                name=one.name,
                began=one.start_time / 1e9,
                duration_ms=round((one.end_time - one.start_time) / 1e6, 3),
                error=_error(one),
                attributes=dict(one.attributes or {}),
            )
        return SpanExportResult.SUCCESS


def _error(one: ReadableSpan) -> str | None:
    if one.status.status_code is not StatusCode.ERROR:
        return None
    return one.status.description or "error"
