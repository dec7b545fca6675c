"""A Postgres data directory on a volume: seeded from the image, locked, started.

The image holds a finished cluster (see bake.sh). A volume without one gets a copy, which
takes about 2 s for 400 MB at 0.6 cores. Docker's own copy-up of image content into a fresh
volume was measured too: 0.7 s for one server, but no faster for two at once (2.5 s against
2.7 s); it cannot be repeated for a replica that has to start over, and when it is
interrupted the half-filled volume passes for a full one. Hence a copy that appears by rename.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

VOLUME = Path("/var/lib/postgresql/data")
DATA = VOLUME / "cluster"
BAKED = Path("/var/lib/postgresql/baked")
CONFIG = Path("/etc/darkroom/postgresql.conf")
SOCKET = Path("/run/postgresql")
SECRETS = Path("/run/secrets")
SLOT = "replica"


def log(message: str) -> None:
    """One line to stderr, where Postgres logs too."""
    sys.stderr.write(f"server: {message}\n")


def secret(name: str) -> str:
    """A password by the name of its file. Raises SystemExit when it is missing or empty."""
    try:
        value = (SECRETS / name).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SystemExit(f"server: no secret {name}: {error.strerror}") from error
    if not value:
        raise SystemExit(f"server: secret {name} is empty")
    return value


def lock_volume() -> None:
    """Own the volume until the last process of this container ends; SystemExit when it is taken.

    postmaster.pid means nothing across containers (each counts its processes from 1), so a
    second server on the same volume would not be noticed by Postgres. The lock is
    inherited by Postgres, which makes a left-over postmaster.pid certainly stale.
    """
    descriptor = os.open(VOLUME / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit("server: another container runs on this volume") from None
    fcntl.fcntl(descriptor, fcntl.F_SETFD, 0)  # not close-on-exec
    (DATA / "postmaster.pid").unlink(missing_ok=True)


def incoming() -> Path:
    """An empty place on the volume for a cluster in the making; see `adopt`."""
    for left_over in ("incoming", "outgoing"):
        shutil.rmtree(VOLUME / left_over, ignore_errors=True)
    return VOLUME / "incoming"


def adopt(path: Path) -> None:
    """Make the complete cluster at `path` the one that is served, in place of any before.

    Renames only, then removal: whenever this is cut short, what is at DATA is whole or absent.
    """
    outgoing = VOLUME / "outgoing"
    if DATA.exists():
        DATA.rename(outgoing)
    path.rename(DATA)
    shutil.rmtree(outgoing, ignore_errors=True)


def seed() -> Path:
    """Copy the image's cluster to `incoming`. Not flushed to disk: a machine that loses power in
    the half minute after it is reset again, while a flush would make each reset wait."""
    path = incoming()
    subprocess.run(["cp", "-a", "--reflink=auto", BAKED, path], check=True)
    path.chmod(0o700)  # an image build does not keep the mode of a directory copied as a whole
    return path


def command(*settings: str) -> list[str]:
    """The postgres command line with `settings` ("name=value") added."""
    words = ["postgres", "-D", str(DATA), "-c", f"config_file={CONFIG}"]
    for setting in settings:
        words += ["-c", setting]
    return words
