"""The Docker engine: reaching it, or saying clearly that it is not there."""

from __future__ import annotations

import os
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lab.command import CommandFailed, run
from lab.errors import MachineLacks

if TYPE_CHECKING:
    import docker

SOCKET = Path("/var/run/docker.sock")
COMPOSE_MINIMUM = (2, 20)


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


@cache
def client() -> docker.DockerClient:
    """The SDK's client of the engine, made once.

    Raises ``MachineLacks`` when no engine answers.
    """
    import docker
    from docker.errors import DockerException

    try:
        where = address()
        found = (
            docker.DockerClient(base_url=where, timeout=60)
            if where and not where.startswith("ssh://")
            else docker.from_env(timeout=60)
        )
        found.ping()
    except DockerException as error:
        raise MachineLacks(
            f"no Docker engine answers: {error}",
            remedy="`lab doctor` says what is missing; `lab up` installs or starts it where it may",
        ) from error
    return found


class Reach(Enum):
    """How far a call to the engine gets."""

    ANSWERS = "answers"
    DENIED = "denied"
    ABSENT = "absent"


def reach() -> Reach:
    """Ask the engine for a sign of life, now."""
    try:
        client().ping()
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
