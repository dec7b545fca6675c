"""Traces: what one request did, step by step, as OpenTelemetry spans.

A request is traced when its caller asks for it (a sampled `traceparent`, W3C Trace Context), or by
chance where somebody collects traces. All others pass these lines at the cost of one look. Spans go
into the log, one line each, and by OTLP to the collector, if one is named.

The front door's request id is 32 hex digits: where no trace has begun yet, it becomes the trace's
id, so that one id finds the log lines and the trace.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import structlog
from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
)
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from darkroom.config import Config

#: Probes and scrapes are nobody's requests.
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
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=_line)))
    if config.otlp_endpoint:
        # Here, because it costs memory that a replica without a collector has better uses for.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_PATIENCE)))
    trace.set_tracer_provider(provider)
    return provider


def of_requests(config: Config) -> TelemetryConfig:
    """What FastAPI itself is to trace: each request's own span, where the request is traced."""
    by_chance = config.trace_ratio > 0

    def exclude(scope: MutableMapping[str, Any]) -> bool:
        if scope["path"] in _UNTRACED:
            return True
        return not by_chance and all(name != b"traceparent" for name, _ in scope["headers"])

    return {"metrics": False, "logs": False, "operation_spans": False, "exclude": exclude}


def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | int | float
) -> AbstractContextManager[Span]:
    """A step of the request at hand; nothing where it is not traced.

    An attribute's name has `__` where OpenTelemetry's conventions have a dot.
    """
    if not trace.get_current_span().is_recording():
        return _NOTHING
    dotted = {key.replace("__", "."): value for key, value in attributes.items()}
    # Why it failed is in its status; where, is in the log.
    return _tracer.start_as_current_span(name, kind=kind, attributes=dotted, record_exception=False)


def carrier() -> dict[str, str]:
    """The headers by which a message takes the trace along; none where nothing is traced."""
    headers: dict[str, str] = {}
    if trace.get_current_span().is_recording():
        _PROPAGATOR.inject(headers)
    return headers


class _RequestIds(RandomIdGenerator):
    """A trace that begins here has its request's id."""

    def generate_trace_id(self) -> int:
        given = structlog.contextvars.get_contextvars().get("request_id", "")
        return int(given, 16) if _TRACE_ID.fullmatch(given) else super().generate_trace_id()


def _line(span: ReadableSpan) -> str:
    """A span as OpenTelemetry writes it in JSON, on one line of the log."""
    return span.to_json(indent=None) + "\n"
