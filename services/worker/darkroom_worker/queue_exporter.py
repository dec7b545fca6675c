"""python -m darkroom_worker.queue_exporter: the queue's depth and age, read at each scrape."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from darkroom_worker import logs
from darkroom_worker.config import BadConfig, BrokerConfig
from darkroom_worker.queue import Queue

log = structlog.get_logger("queue_exporter")

PORT = 9100


class QueueCollector(Collector):
    """Without a broker only queue_up, as 0: an unknown depth is not an empty queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            state = self._queue.state()
        except (RedisError, OSError) as error:
            log.warning("broker does not answer", error=repr(error))
            yield GaugeMetricFamily("queue_up", "1 when the broker answers.", value=0)
            return
        age = max(time.time() - state.oldest, 0.0) if state.oldest is not None else 0.0
        yield GaugeMetricFamily("queue_up", "1 when the broker answers.", value=1)
        yield GaugeMetricFamily("queue_depth", "Tasks that wait.", value=state.waiting)
        yield GaugeMetricFamily(
            "queue_unacked", "Tasks taken and not acknowledged.", value=state.unacked
        )
        yield GaugeMetricFamily(
            "queue_oldest_age_seconds",
            "Since the oldest task, waiting or unacknowledged, was first enqueued.",
            value=age,
        )


def main() -> int:
    """Serves until SIGTERM; 2 when the configuration is wrong."""
    logs.configure("queue-exporter")
    try:
        queue = Queue(BrokerConfig.from_env(), "queue-exporter")
    except BadConfig as error:
        log.error("bad configuration", error=str(error))
        return 2
    registry = CollectorRegistry()
    registry.register(QueueCollector(queue))
    server, _thread = start_http_server(PORT, registry=registry)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
