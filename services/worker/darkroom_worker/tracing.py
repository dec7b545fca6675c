"""Traces: what the worker did for one upload, step by step, as OpenTelemetry spans.

Only uploads whose request was traced are: the task's message brings the trace along (`traceparent`,
W3C Trace Context). Spans go into the log, one line each, and by OTLP to the collector, if one is
named. The API's lines look the same (darkroom/tracing.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
)
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

#: Longest wait for the collector; seconds.
_PATIENCE = 2
CLIENT = SpanKind.CLIENT
_PROPAGATOR = TraceContextTextMapPropagator()
_NOTHING: AbstractContextManager[Span] = nullcontext(trace.INVALID_SPAN)
_tracer = trace.get_tracer("darkroom_worker")


def configure() -> TracerProvider:
    """Makes spans of this process known; to be shut down when the process ends."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": "worker", "service.instance.id": "worker"}),
        sampler=ParentBased(ALWAYS_OFF),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=_line)))
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
    # Why it failed is in its status; where, is in the log.
    return _tracer.start_as_current_span(name, kind=kind, attributes=dotted, record_exception=False)


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


def _line(span: ReadableSpan) -> str:
    """A span as OpenTelemetry writes it in JSON, on one line of the log."""
    return span.to_json(indent=None) + "\n"
