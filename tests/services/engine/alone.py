"""Runs in namespaces of its own: starts an engine over what a killed one leaves behind.

Prints one JSON object: for each situation what was in the way, and whether the engine came up.
"""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

from lab import engine
from lab.errors import MachineLacks
from lab.host import daemon

LOG = Path(sys.argv[1])


def start() -> dict[str, object]:
    stale = [str(path) for path in daemon.stale(daemon.known_leftovers())]
    try:
        daemon.start([], LOG, systemd=False)
    except MachineLacks as error:
        return {"stale": stale, "up": False, "said": error.message}
    return {"stale": stale, "up": engine.reach() is engine.Reach.ANSWERS, "said": ""}


def kill() -> None:
    """End both engines the hard way, and wait until they are gone."""
    for name in ("dockerd", "containerd"):
        for pid in running(name):
            os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while (running("dockerd") or running("containerd")) and time.monotonic() < until:
        time.sleep(0.05)


def running(name: str) -> list[int]:
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and daemon.program(int(entry.name)) == name
    ]


def main() -> None:
    seen = {"fresh": start(), "running": start()}
    session = os.getsid(running("dockerd")[0])
    silent = running("dockerd")[0]
    os.kill(silent, signal.SIGSTOP)
    patience, engine.PATIENCE_S = engine.PATIENCE_S, 5
    engine.client.cache_clear()
    stuck = engine.reach()
    engine.PATIENCE_S = patience
    assert daemon.started_by_lab() == silent
    daemon.end([], silent)
    seen["stuck"] = {"reach": stuck.value, **start()}
    kill()
    seen["killed"] = start()
    kill()
    # Other programs have the pids by now, and the system's containerd left a socket behind.
    Path("/run/docker.pid").write_text(str(os.getpid()))
    Path("/run/docker/containerd/containerd.pid").write_text(str(os.getpid()))
    Path("/run/containerd").mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind("/run/containerd/containerd.sock")
    seen["foreign"] = start()
    kill()
    Path("/etc/docker/daemon.json").write_text('{"no-such-option": 1}')
    seen["misconfigured"] = start()
    print(json.dumps({"seen": seen, "own_session": session != os.getsid(0)}))  # noqa: T201


main()
