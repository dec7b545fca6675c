"""An operator's shell: the environment in which plain `docker compose` reaches this stack."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

from lab.command import follow
from lab.doors import Doors
from lab.home import DEFAULT_PROJECT

DEADLINE = 600
"""Seconds that a scenario's script may take; building an index on a drowning database takes one or
two minutes."""


def environment(doors: Doors) -> dict[str, str]:
    """What to set so that `docker compose`, in whatever directory, means this stack."""
    home = doors.home
    return {
        "LAB_PROJECT": home.project,
        "COMPOSE_PROJECT_NAME": home.project,
        "COMPOSE_FILE": str(home.compose_file),
        "COMPOSE_ENV_FILES": str(home.env_file),
    }


def compose_prefix(doors: Doors) -> str:
    """What an operator types before a compose command; in the checkout, the default stack needs
    no more than `docker compose`."""
    home = doors.home
    if home.project == DEFAULT_PROJECT and Path.cwd() == home.root:
        return "docker compose"
    options = ["-p", home.project, "-f", home.compose_file, "--env-file", home.env_file]
    return shlex.join(["docker", "compose", *map(str, options)])


def run_script(doors: Doors, script: Path, say: Callable[[str], None]) -> None:
    """Run a remedy or a decoy in the checkout, giving each line of its output to `say`.

    Raises `CommandFailed` when it fails, or does not end within `DEADLINE` seconds.
    """
    follow(
        [str(script)],
        say,
        log=doors.home.logs / "scripts.log",
        timeout=DEADLINE,
        env={**os.environ, **environment(doors)},
        cwd=doors.home.root,
    )
