"""Traces by OpenTelemetry: a span for each request and one for each stage, to a collector that the operator runs.

A span has names and times: the operation, the status, the problem, the number of the request. What was asked about
whom is in none, and the messages of exceptions are not recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from facekeep.errors import UsageError

if TYPE_CHECKING:
    from opentelemetry.trace import Span

__all__ = ["export_to", "request_span"]

_TRACER: Final = trace.get_tracer("facekeep")
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_CARRIED: Final = (b"traceparent", b"tracestate")
_EXPORT_SECONDS: Final = 5


@contextmanager
def request_span(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[Span]:
    """The span of a request, below the caller's if it sent a ``traceparent``."""
    carried = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name in _CARRIED}
    with _TRACER.start_as_current_span(
        "facekeep request",
        context=_PROPAGATOR.extract(carried),
        kind=trace.SpanKind.SERVER,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield span


def export_to(endpoint: str) -> Callable[[], None]:
    """Send the traces of this process to a collector, by OTLP over HTTP.

    Args:
        endpoint: where it is, for instance http://127.0.0.1:4318.

    Returns:
        Sends what waits, and ends; a collector that is away holds nothing up.

    Raises:
        UsageError: no address, or the packages for it are not installed.
    """
    address = urlsplit(endpoint)
    if address.scheme not in {"http", "https"} or not address.hostname or address.query or address.username:
        raise UsageError("the collector of traces has no HTTP address", hint="For instance http://127.0.0.1:4318.")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise UsageError("traces need further packages", hint='Install them: pip install "facekeep[traces]".') from None

    # Not Resource.create(): it would add what it finds of this machine and in the environment.
    provider = TracerProvider(resource=Resource({"service.name": "facekeep"}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint.rstrip("/") + "/v1/traces", timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider.shutdown
