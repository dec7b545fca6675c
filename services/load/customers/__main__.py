"""The load service's process: `python -m customers`.

Environment: TARGET_URL (http://nginx:8080), LEDGER_DIR (/data/ledger), PORT
(8089), PATIENCE_S (5: when a customer gives up on one request), MAX_IN_FLIGHT
(3000: arrivals under way at once).
"""

from __future__ import annotations

import locust  # isort: skip  # noqa: F401  # first: it makes the standard library cooperative

import json
import logging
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import gevent
from gevent.pywsgi import WSGIServer

from customers.browser import Browser
from customers.control import application
from customers.customer import Customers
from customers.ledger import Ledger, Page
from customers.metrics import Metrics
from customers.pictures import make

#: Distinct pictures in the customers' pockets.
PICTURES = 12


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line | getattr(record, "fields", {}))


def main() -> None:
    """Serve the control API until SIGTERM; customers come only when a run is started."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)

    metrics = Metrics()
    ledger = Ledger(Path(os.environ.get("LEDGER_DIR", "/data/ledger")))
    browser = Browser(
        os.environ.get("TARGET_URL", "http://nginx:8080"),
        patience=float(os.environ.get("PATIENCE_S", "5")),
    )
    pictures = make(PICTURES)

    def crowd(run_id: str, page: Page) -> Customers:
        return Customers(
            browser=browser,
            page=page,
            pictures=pictures,
            run_id=run_id,
            repeated=lambda reason: metrics.repeats.labels(reason).inc(),
            looked_for=metrics.looked_for,
        )

    port = int(os.environ.get("PORT", "8089"))
    most = int(os.environ.get("MAX_IN_FLIGHT", "3000"))
    app = application(metrics=metrics, ledger=ledger, crowd=crowd, most=most)
    server = WSGIServer(("", port), app, log=None)
    gevent.signal_handler(signal.SIGTERM, server.stop, timeout=1)
    logging.getLogger("customers").info("ready", extra={"fields": {"port": port}})
    server.serve_forever(stop_timeout=1)


if __name__ == "__main__":
    main()
