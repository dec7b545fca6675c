"""What an operator sees of a broken stack, searched for words that would say what was done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx

from lab import engine
from lab.faults import discover
from lab.stack import Stack

#: What was done, in the words of the lab and of others of its kind.
WORDS = re.compile(
    r"\b(chaos|faults?|inject\w*|sabotag\w*|scenarios?|incidents?|decoys?|drop index|"
    + "|".join(name for name in discover() if "_" in name)
    + r")\b",
    re.IGNORECASE,
)
STATEMENTS = (
    "SELECT query FROM pg_stat_statements UNION "
    "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid() UNION "
    "SELECT application_name FROM pg_stat_activity"
)


def giveaways(stack: Stack) -> list[str]:
    """Each line that says too much, with where it stands."""
    return [
        f"{where}: {line.strip()[:200]}"
        for where, text in _sights(stack)
        for line in text.splitlines()
        if WORDS.search(line)
    ]


def _sights(stack: Stack) -> Iterator[tuple[str, str]]:
    docker = engine.client()
    for listed in stack.project.containers():
        one = docker.containers.get(listed["Id"])
        yield f"docker inspect {one.name}", json.dumps(one.attrs, indent=1)
        yield f"docker logs {one.name}", one.logs(tail=2000).decode(errors="replace")
        if one.status == "running":
            processes = [" ".join(row) for row in one.top()["Processes"]]
            yield f"docker top {one.name}", "\n".join(processes)
    for service in ("postgres-primary", "postgres-replica"):
        rows = stack.psql(STATEMENTS, service=service)
        yield f"the statements of {service}", "\n".join(" ".join(row) for row in rows)
    for service in ("redis-cache", "redis-broker"):
        clients = stack.exec(service, ["redis-cli", "CLIENT", "LIST"])
        yield f"the clients of {service}", clients.stdout
    yield from _prometheus(stack.url("prometheus"))


def _prometheus(url: str) -> Iterator[tuple[str, str]]:
    with httpx.Client(base_url=url, timeout=10) as http:
        labels = http.get("/api/v1/labels").json()["data"]
        for label in labels:
            values = http.get(f"/api/v1/label/{label}/values").json()["data"]
            yield f"Prometheus, {label}", "\n".join([label, *values])
        for what in ("rules", "alerts", "targets", "metadata"):
            said = http.get(f"/api/v1/{what}").json()["data"]
            yield f"Prometheus, {what}", json.dumps(said, indent=1)
