"""The Docker engine: reaching it, or saying clearly that it is not there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.command import CommandFailed, run
from lab.errors import MachineLacks
from lab.waiting import waiting

if TYPE_CHECKING:
    import docker

SOCKET = Path("/var/run/docker.sock")
COMPOSE_MINIMUM = (2, 20)

PATIENCE_S = 60
"""Seconds in which an engine answers, also on a machine that has much else to do."""


SILENT_FOR_S = 60
"""Who has not answered for that long is not asked again for as long: a command that has twenty
questions would wait for twenty minutes."""

WHO = "the Docker engine"

_silent_until = [0.0]
"""On the monotonic clock."""


def address() -> str | None:
    """Where the docker command finds its engine; None is the usual socket.

    The SDK knows ``DOCKER_HOST`` but not the command line's contexts (Docker Desktop, rootless).
    """
    if os.environ.get("DOCKER_HOST"):
        return os.environ["DOCKER_HOST"]
    if SOCKET.exists():
        return None
    try:
        shown = run(
            ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], timeout=10
        )
    except CommandFailed:
        return None
    return shown.stdout.strip() or None


class Silent(MachineLacks):
    """The engine takes calls, and does not answer."""

    def __init__(self) -> None:
        super().__init__(
            f"the Docker engine takes calls, but has not answered for {PATIENCE_S} s",
            remedy="`lab up` starts it again where a lab has started it, or says what to type",
        )


@cache
def client() -> docker.DockerClient:
    """The SDK's client of the engine, made once.

    Raises ``MachineLacks`` when no engine answers, ``Silent`` of one that is there; so does every
    call of the client.
    """
    import docker
    from docker.errors import DockerException
    from requests import Timeout

    if time.monotonic() < _silent_until[0]:
        raise Silent
    try:
        where = address()
        with waiting(WHO, PATIENCE_S):
            found = (
                docker.DockerClient(base_url=where, timeout=PATIENCE_S)
                if where and not where.startswith("ssh://")
                else docker.from_env(timeout=PATIENCE_S)
            )
            found.ping()
    except Timeout as error:
        raise _silent() from error
    except (DockerException, ValueError) as error:
        # The address may be none: of that the SDK has no error of its own.
        if isinstance(error.__cause__, Timeout):
            raise _silent() from error
        raise MachineLacks(
            f"no Docker engine answers: {error}",
            remedy="`lab doctor` says what is missing; `lab up` installs or starts it where it may",
        ) from error
    # Every call of the SDK's goes through here, and none of its own errors says any of this.
    found.api.send = _patient(found.api.send)
    return found


def _silent() -> Silent:
    _silent_until[0] = time.monotonic() + SILENT_FOR_S
    return Silent()


def _patient(send: Callable[..., Any]) -> Callable[..., Any]:
    """The SDK's door, through which one waits aloud, and learns in the lab's words that nobody
    answers any more."""
    from requests import ConnectionError as Gone
    from requests import Timeout

    def sent(*args: Any, **options: Any) -> Any:
        try:
            with waiting(WHO, PATIENCE_S):
                return send(*args, **options)
        except Timeout as error:
            # Whether it is this call or the engine is asked at once, with the next one.
            client.cache_clear()
            raise Silent from error
        except Gone as error:
            client.cache_clear()
            raise MachineLacks(
                "the Docker engine does not answer any more",
                remedy="`lab doctor` says what is missing; `lab up` starts it where it may",
            ) from error

    return sent


class Reach(Enum):
    """How far a call to the engine gets."""

    ANSWERS = "answers"
    DENIED = "denied"
    STUCK = "stuck"
    """Takes the call, and does not answer."""
    ABSENT = "absent"


def reach() -> Reach:
    """Ask the engine for a sign of life, now.

    A ping is not one. Containers that start and stop at the same moment can leave an engine before
    23.0 waiting for itself (https://github.com/moby/moby/issues/46661; Debian 12's is one): from
    then on it answers pings, and nothing that has to do with networks.
    """
    _silent_until[0] = 0.0
    try:
        client().api.networks()
    except Silent:
        client.cache_clear()
        return Reach.STUCK
    except (MachineLacks, OSError) as error:
        client.cache_clear()
        return Reach.DENIED if "PermissionError" in str(error) else Reach.ABSENT
    return Reach.ANSWERS


def compose_version() -> tuple[int, ...] | None:
    """The version of ``docker compose``, or None where there is no such command."""
    try:
        shown = run(["docker", "compose", "version", "--short"], timeout=20)
    except CommandFailed:
        return None
    return parse_version(shown.stdout)


def parse_version(text: str) -> tuple[int, ...] | None:
    """``v2.26.1-4`` -> (2, 26, 1); None for what is no version."""
    numbers = text.strip().removeprefix("v").split("-")[0].split("+")[0].split(".")
    if not numbers or not all(number.isdigit() for number in numbers):
        return None
    return tuple(int(number) for number in numbers)
