"""One Postgres server's state for Prometheus, scraped every second.

Written for this lab rather than taken from the packaged prometheus-postgres-exporter, because
of what an incident does to a server: that exporter waits without limit for one that is
paused or overloaded, so its scrapes time out and pile up, and it reads all statement texts
each time. This one holds one connection and makes one round trip, with a deadline:

- the server answers: its values, pg_up 1;
- it is slow (all CPU taken): the values of the last answer, at most STALE old, pg_up 1;
- it refuses, or has not answered for STALE seconds: pg_up 0 and nothing else.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path

import asyncpg

from exporters.answers import MEANINGS, Answer, label, samples
from exporters.exposition import Sample, render, serve

PORT = 9187
PATIENCE = 0.6  # seconds that a scrape waits; Prometheus itself gives up after 1
DEADLINE = 4.0  # seconds until an unanswered question is given up, with its connection
STALE = 5.0  # seconds that an answer may stand for a server that is slow
STATEMENTS = 100

QUERY = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
TEXTS = "SELECT queryid::text, query FROM pg_stat_statements WHERE queryid::text = ANY($1)"


class Server:
    """One server, asked by at most one question at a time."""

    def __init__(self, host: str, password: str) -> None:
        self._host = host
        self._password = password
        self._connection: asyncpg.Connection | None = None
        self._names: dict[str, str] = {}
        self._question: asyncio.Task[None] | None = None
        self._samples: list[Sample] = []
        self._answered = float("-inf")
        self._seconds = 0.0
        self._refused = False

    async def metrics(self) -> str:
        """The text for one scrape, after PATIENCE seconds at most."""
        if self._question is None or self._question.done():
            self._question = asyncio.create_task(self._ask())
        await asyncio.wait({self._question}, timeout=PATIENCE)
        age = time.monotonic() - self._answered
        up = not self._refused and age < STALE
        found = [Sample("pg_up", (), float(up))]
        if up:
            found.append(Sample("pg_scrape_seconds", (), self._seconds))
            found.append(Sample("pg_scrape_age_seconds", (), age))
            found += self._samples
        return render(found, MEANINGS)

    async def _ask(self) -> None:
        started = time.monotonic()
        try:
            async with asyncio.timeout(DEADLINE):
                self._samples = await self._collect()
        except TimeoutError:
            self._drop()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._refused = True
            self._drop()
        else:
            self._refused = False
            self._answered = time.monotonic()
            self._seconds = self._answered - started

    def _drop(self) -> None:
        """Close the connection without waiting for the server's consent."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _collect(self) -> list[Sample]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                host=self._host,
                user="monitor",
                password=self._password,
                database="darkroom",
                timeout=DEADLINE,
                ssl=False,
                server_settings={"application_name": "exporter"},
            )
        rows = await self._connection.fetch(QUERY, STATEMENTS)
        answer: Answer = [tuple(row) for row in rows if row["value"] is not None]
        ids = {first for metric, first, _, _ in answer if metric.startswith("pg_stat_statements_")}
        if unknown := ids - self._names.keys():
            texts = await self._connection.fetch(TEXTS, list(unknown))
            self._names |= {identity: label(text) for identity, text in texts}
        return samples(answer, self._names)


def main() -> None:
    password = Path("/run/secrets/postgres_monitor").read_text(encoding="utf-8").strip()
    server = Server(os.environ["POSTGRES_HOST"], password)
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    serve(PORT, lambda: asyncio.run_coroutine_threadsafe(server.metrics(), loop).result())


if __name__ == "__main__":
    main()
