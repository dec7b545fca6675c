"""What an operator sees of a broken stack, searched for words that would say what was done."""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab import engine
from lab.compose import PROJECT_LABEL
from lab.faults import discover

if TYPE_CHECKING:
    from lab.scenario import Scenario
    from lab.stack import Stack

WORDS = r"chaos|faults?|inject\w*|sabotag\w*|scenarios?|incidents?|decoys?|drop index|create index"
"""What was done, or is to be done, in the words of the lab and of others of its kind. Beside them
are the names of all faults, and the cause in the vocabulary's own words."""

STATEMENTS = (
    "SELECT query FROM pg_stat_statements UNION "
    "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid() UNION "
    "SELECT application_name FROM pg_stat_activity"
)


def giveaways(stack: Stack, scenario: Scenario, since: float) -> list[str]:
    """Each line that says too much, with where it stands; of logs, of the engine's events and of
    what Prometheus has recorded those `since`, in Unix seconds. Nobody has repaired anything yet.

    Raises `LabError` and `httpx.HTTPError` where something cannot be looked at.
    """
    named = [name for name in discover() if "_" in name]
    cause = re.sub(r"[\s_-]+", r"[\\s_-]+", scenario.truth.cause)
    words = re.compile(rf"\b({'|'.join([WORDS, cause, *named])})\b", re.IGNORECASE)
    return [
        f"{where}: {line.strip()[:200]}"
        for where, text in _sights(stack, since)
        for line in text.splitlines()
        if words.search(line)
    ]


def _sights(stack: Stack, since: float) -> Iterator[tuple[str, str]]:
    docker = engine.client()
    for listed in stack.project.containers():
        one = docker.containers.get(listed["Id"])
        yield f"docker inspect {one.name}", json.dumps(one.attrs, indent=1)
        yield f"docker logs {one.name}", one.logs(since=since).decode(errors="replace")
        if one.status == "running":
            processes = [" ".join(row) for row in one.top()["Processes"]]
            yield f"docker top {one.name}", "\n".join(processes)
    project = {"label": f"{PROJECT_LABEL}={stack.home.project}"}
    events = docker.events(since=int(since), until=int(time.time()), filters=project, decode=True)
    yield "docker events", "\n".join(map(json.dumps, events))
    for service in ("postgres-primary", "postgres-replica"):
        rows = stack.psql(STATEMENTS, service=service)
        yield f"the statements of {service}", "\n".join(" ".join(row) for row in rows)
    for service in ("redis-cache", "redis-broker"):
        clients = stack.exec(service, ["redis-cli", "CLIENT", "LIST"])
        yield f"the clients of {service}", clients.stdout
    yield from _prometheus(stack.url("prometheus"), since)


def _prometheus(url: str, since: float) -> Iterator[tuple[str, str]]:
    import httpx

    with httpx.Client(base_url=url, timeout=10, trust_env=False) as http:
        # Not the lists of labels and their values: those are of whole blocks of hours.
        asked = {"match[]": '{__name__=~".+"}', "start": f"{since:.3f}"}
        values: dict[str, set[str]] = defaultdict(set)
        for series in http.get("/api/v1/series", params=asked).json()["data"]:
            for label, value in series.items():
                values[label].add(value)
        for label in values:
            yield f"Prometheus, {label}", "\n".join([label, *sorted(values[label])])
        for what in ("rules", "alerts", "targets", "metadata"):
            said = http.get(f"/api/v1/{what}").json()["data"]
            yield f"Prometheus, {what}", json.dumps(said, indent=1)
