"""An operator's commands, typed in the room: `docker compose` on this stack, and no more.

No shell reads them, and only what works on what is there may be said: whoever has the room has the
stack, not the machine under it.
"""

from __future__ import annotations

import os
import re
import shlex
from collections import deque

from nicegui import ui

from lab.command import CommandFailed, follow
from lab.doors import Doors
from lab.errors import BadInput, LabError
from lab.room.room import Room
from lab.scripts import DEADLINE, environment

PREFIX = ("docker", "compose")

OPTIONS: dict[str, frozenset[str]] = {
    "ps": frozenset({"-a", "--all"}),
    "top": frozenset(),
    "stats": frozenset({"--no-stream"}),
    "logs": frozenset({"--tail", "-n", "--since"}),
    "exec": frozenset({"-T"}),
    "start": frozenset(),
    "restart": frozenset(),
    "unpause": frozenset(),
    "stop": frozenset(),
    "up": frozenset({"-d", "--detach", "--no-deps", "--no-recreate", "--scale"}),
}
"""What may be said after `docker compose`, and with which options before a service is named."""

NEEDED: dict[str, tuple[str, ...]] = {
    "up": ("--detach",),
    "exec": ("-T",),
    "stats": ("--no-stream",),
}
"""Without these a command would wait for a terminal, or never end."""

VALUED = frozenset({"--tail", "-n", "--since", "--scale"})
"""Those that take a value. The others are said or not: `--detach=false` would wait for ever."""

SHOWN = 200
"""Lines of output that are kept."""

EXAMPLES = (
    "docker compose ps",
    "docker compose exec api-1 flags",
    "docker compose exec postgres-primary psql -U postgres darkroom -c '\\d photos'",
    "docker compose up --detach --no-deps --scale api=2 api",
    "docker compose start api-2",
)


SEALED = frozenset({"container-exporter", "engine-proxy"})
"""Nobody gets into these: they see the machine, or whoever has its engine."""

MOST_SCALED = 10
"""Replicas of a service. With more of them a machine has nothing left for anybody."""

_SCALED = re.compile(r"[a-z0-9-]+=(\d{1,2})", re.ASCII)


def understood(line: str) -> list[str]:
    """The words of a command that may be run. Raises `BadInput` with what may be said instead."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadInput(f"that cannot be read: {error}") from error
    if tuple(words[:2]) == PREFIX:
        words = words[2:]
    if not words or words[0] not in OPTIONS:
        raise BadInput(
            f"{line!r} is not for this room",
            remedy=f"docker compose {' | '.join(OPTIONS)}; a terminal of yours can do more",
        )
    verb, rest = words[0], words[1:]
    _refuse_beyond(verb, rest)
    for word in rest:
        if not word.startswith("-"):
            if verb == "exec":
                # What follows is said inside of the container.
                break
            continue
        name, has_value, _ = word.partition("=")
        if name not in OPTIONS[verb] or (has_value and name not in VALUED):
            allowed = ", ".join(sorted(OPTIONS[verb])) or "none"
            raise BadInput(f"{verb} takes no {word} here", remedy=f"its options: {allowed}")
    given = {word.partition("=")[0] for word in rest}
    short = {"--detach": "-d"}
    missing = [
        word for word in NEEDED.get(verb, ()) if word not in given and short.get(word) not in given
    ]
    return [*PREFIX, verb, *missing, *rest]


def as_typed(line: str) -> str:
    """The command as somebody would type it in a terminal, on one line."""
    words = " ".join(line.split())
    prefix = " ".join(PREFIX)
    return words if words.startswith(f"{prefix} ") else f"{prefix} {words}"


def _refuse_beyond(verb: str, rest: list[str]) -> None:
    """Raises `BadInput` for services and numbers that may not be named with that verb."""
    if verb == "exec":
        service = next((word for word in rest if not word.startswith("-")), None)
        if service is None:
            raise BadInput("exec names a service, and what to run in it")
        if service in SEALED:
            raise BadInput(
                f"nobody gets into {service} from here: it sees the machine, not only the stack",
                remedy="what it has seen is in Prometheus: container_cpu_seconds_total, for one",
            )
    if verb == "up":
        for word in (each.removeprefix("--scale=") for each in rest):
            if "=" not in word or word.startswith("-"):
                continue
            number = _SCALED.fullmatch(word)
            if number is None or int(number[1]) > MOST_SCALED:
                raise BadInput(f"{word}: a service has at most {MOST_SCALED} replicas here")


def operate(doors: Doors, line: str) -> list[str]:
    """Run it, and return what it said. Raises `BadInput` for what may not be said.

    While an incident is on it is part of its story, whatever comes of it.
    """
    argv = understood(line)
    row = doors.journal.open_one()
    if row is not None and row.phase == "live":
        doors.journal.note(row.id, doors.now(), "action", as_typed(line))
    said: deque[str] = deque(maxlen=SHOWN)
    try:
        follow(
            argv,
            said.append,
            log=doors.home.logs / "operator.log",
            timeout=DEADLINE,
            env={**os.environ, **environment(doors)},
            cwd=doors.home.root,
        )
    except CommandFailed as error:
        said.append(f"it ended with {error.code}")
    return list(said)


def operating(room: Room) -> None:
    """Build the part of the page."""

    async def run() -> None:
        line = str(asked.value or "").strip()
        if not line:
            return
        button.disable()
        output.set_text("...")
        try:
            said = await room.ask(lambda doors: operate(doors, line))
        except LabError as error:
            said = [error.message, error.remedy or ""]
        finally:
            button.enable()
        output.set_text("\n".join(said) or "done")

    ui.label("An operator's commands on this stack; a terminal in the checkout does the same.")
    with ui.row().classes("w-full items-end no-wrap gap-2"):
        asked = (
            ui.input("docker compose ...", autocomplete=list(EXAMPLES))
            .classes("grow room-mono")
            .props("dense")
            .on("keydown.enter", run)
        )
        button = ui.button("Run", on_click=run).props("no-caps dense")
    with ui.row().classes("gap-1"):
        for example in EXAMPLES:
            words = example.removeprefix("docker compose ")
            ui.button(words, on_click=lambda example=example: asked.set_value(example)).props(
                "no-caps dense flat size=sm"
            ).classes("room-mono")
    output = ui.label().classes("room-mono w-full").props("role=log")
