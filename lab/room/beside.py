"""A room that `lab run` opens beside itself: one for each home, and gone when nobody needs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.files import appending, replace_file
from lab.home import Home
from lab.identity import born
from lab.room.address import entrance, new_token

OPENS_WITHIN_S = 8.0
"""How long it may take until it answers."""


def note(home: Home) -> Path:
    """The file that says who serves the room of this home, and where."""
    return home.dir / "room.json"


def kept_token(home: Home) -> str:
    """The token of this home's own rooms. It stays: yesterday's address opens today's room."""
    kept = home.secrets / "room"
    if not kept.exists() or not kept.read_text(encoding="utf-8"):
        replace_file(kept, new_token(), mode=0o600)
    return kept.read_text(encoding="utf-8")


def write_note(home: Home, url: str, token: str, *, leave: bool) -> None:
    """This process serves it; to `leave` says that nobody asked for it by name."""
    told = {
        "pid": os.getpid(),
        "born": born(os.getpid()),
        "url": url,
        "token": token,
        "leave": leave,
    }
    replace_file(note(home), json.dumps(told) + "\n", mode=0o600)


def forget(home: Home) -> None:
    """This process does not serve it any more."""
    if (known := _known(home)) is not None and known.pid == os.getpid():
        note(home).unlink(missing_ok=True)


def open_beside(home: Home) -> None:
    """Begin to open a room, unless one is open; `where` tells when it is."""
    if os.environ.get("LAB_NO_ROOM") or where(home, within_s=0) is not None:
        return
    note(home).unlink(missing_ok=True)
    with appending(home.logs / "room.log") as log:
        subprocess.Popen(
            [sys.executable, "-m", "lab", "room", "--leave"],
            env=home.environment,
            cwd=home.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def where(home: Home, within_s: float = OPENS_WITHIN_S, path: str = "/") -> str | None:
    """The address of a page of the room, by which one comes in, once it answers; None when it does
    not, or none was opened."""
    import httpx

    deadline = time.monotonic() + (0 if os.environ.get("LAB_NO_ROOM") else within_s)
    while True:
        known = _known(home)
        if known is not None:
            address = entrance(known.url, known.token, path)
            with suppress(httpx.HTTPError):
                if httpx.get(address, timeout=1, trust_env=False).status_code == 200:
                    return address
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.1)


def close(home: Home) -> None:
    """End the room that was opened beside something else, if there is one."""
    if (known := _known(home)) is not None and known.leave:
        with suppress(OSError):
            os.kill(known.pid, signal.SIGTERM)
        note(home).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Known:
    """A room that is open: its process, its address, and whether it closes by itself."""

    pid: int
    url: str
    token: str
    leave: bool


def _known(home: Home) -> _Known | None:
    try:
        told = json.loads(note(home).read_text(encoding="utf-8"))
        known = _Known(int(told["pid"]), str(told["url"]), str(told["token"]), bool(told["leave"]))
        began = told["born"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # Of a room that was killed the number may be somebody else's by now.
    return known if known.pid > 0 and began is not None and born(known.pid) == began else None
