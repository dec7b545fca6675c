"""Which containers belong to the project: asked from the Docker engine, kept up to date.

Two questions, by way of a proxy that lets no others through: a list, and the stream of events that
say when to ask again. A scrape never waits for the engine.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
import urllib.parse
from typing import NamedTuple

ENGINE = "engine-proxy:2375"
REFRESH = 5.0  # seconds between lists when no event comes
SETTLE = 0.25  # seconds after an event until the list shows what it told
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"
# Not the exec_* events: every health check makes three of them.
CHANGES = ["create", "start", "die", "pause", "unpause", "destroy", "rename"]


class Container(NamedTuple):
    """One container of the project."""

    service: str
    name: str
    id: str
    running: bool


def ask(path: str, filters: dict[str, list[str]], timeout: float) -> http.client.HTTPResponse:
    """The engine's answer, still to be read. Raises OSError."""
    connection = http.client.HTTPConnection(ENGINE, timeout=timeout)
    connection.request("GET", path + "filters=" + urllib.parse.quote(json.dumps(filters)))
    response = connection.getresponse()
    if response.status != http.client.OK:
        raise OSError(f"GET {path}: {response.status} {response.reason}")
    return response


def containers(project: str) -> list[Container]:
    """The project's containers, stopped ones too. Raises OSError, ValueError."""
    with ask("/containers/json?all=1&", {"label": [f"{PROJECT}={project}"]}, 4.0) as response:
        listed = json.load(response)
    return [
        Container(
            service=entry["Labels"][SERVICE],
            name=entry["Names"][0].lstrip("/"),
            id=entry["Id"],
            running=entry["State"] == "running",
        )
        for entry in listed
        if entry["Labels"].get(ONE_OFF) != "True"
    ]


class Project:
    """The project's containers as last heard of, in `containers`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.containers: list[Container] = []
        self._changed = threading.Event()

    def follow(self) -> None:
        """Keep up to date in the background, whatever becomes of the engine."""
        threading.Thread(target=self._refresh, daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()

    def _refresh(self) -> None:
        said = ""
        while True:
            try:
                self.containers = containers(self.name)
                said = ""
            except (OSError, http.client.HTTPException, ValueError) as error:
                if str(error) != said:
                    said = str(error)
                    line = {"level": "error", "event": "the engine does not answer", "error": said}
                    sys.stdout.write(json.dumps(line) + "\n")
            if self._changed.wait(REFRESH):
                self._changed.clear()
                time.sleep(SETTLE)

    def _listen(self) -> None:
        filters = {"label": [f"{PROJECT}={self.name}"], "event": CHANGES}
        while True:
            try:
                with ask("/events?", filters, 3600.0) as events:
                    while events.readline():
                        self._changed.set()
            except (OSError, http.client.HTTPException):
                pass  # the regular refresh reports it
            time.sleep(1.0)
