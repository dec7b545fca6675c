"""Traces: what the worker did for one upload, step by step, as OpenTelemetry spans.

Only uploads whose request was traced are: the task's message brings the trace along (`traceparent`,
W3C Trace Context). Spans go into the log, one line each, and by OTLP to the collector, if one is
named. The API's lines look the same (darkroom/tracing.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

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
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

log = structlog.get_logger("worker.tracing")

#: Longest wait for the collector; seconds.
_PATIENCE = 2
CLIENT = SpanKind.CLIENT
_PROPAGATOR = TraceContextTextMapPropagator()
_NOTHING: AbstractContextManager[Span] = nullcontext(trace.INVALID_SPAN)
_tracer = trace.get_tracer("darkroom_worker")


def configure() -> TracerProvider:
    """Makes spans of this process known; to be shut down when the process ends."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": "worker"}),
        sampler=ParentBased(ALWAYS_OFF),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SimpleSpanProcessor(SpanLog()))
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        # Here, because it costs memory that a worker without a collector has better uses for.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_PATIENCE)))
    trace.set_tracer_provider(provider)
    return provider


def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | int | float
) -> AbstractContextManager[Span]:
    """A step of the task at hand; nothing where it is not traced.

    An attribute's name has `__` where OpenTelemetry's conventions have a dot.
    """
    if not trace.get_current_span().is_recording():
        return _NOTHING
    dotted = {key.replace("__", "."): value for key, value in attributes.items()}
    return _tracer.start_as_current_span(name, kind=kind, attributes=dotted)


@contextmanager
def continued(traceparent: str | None, name: str, enqueued_at: float) -> Iterator[None]:
    """The task's own span, after one for its time in the queue since `enqueued_at` (Unix time)."""
    if not traceparent:
        yield
        return
    sender = _PROPAGATOR.extract({"traceparent": traceparent})
    since = int(enqueued_at * 1e9)
    _tracer.start_span("wait in the queue", sender, start_time=since).end()
    with _tracer.start_as_current_span(name, sender, SpanKind.CONSUMER):
        yield


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
    """Why it failed, which may be untold; None where it did not."""
    if one.status.status_code is not StatusCode.ERROR:
        return None
    return one.status.description or ""
