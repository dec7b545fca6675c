"""One lab at a time where two would get in each other's way: installing, building, an incident."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.errors import Failed, MachineLacks
from lab.progress import Report

PATIENCE_S = 20 * 60.0
"""Seconds that anybody waits for another: as long as the longest thing that is done under a lock,
the start of an incident, takes on a slow machine."""

LOOK_S = 0.2


@contextmanager
def exclusive(name: str, report: Report, *, within_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold this user's machine-wide lock ``name``; wait for it, and say who holds it.

    The kernel lets go of it when the process ends, however it ends. Raises ``Failed`` where another
    holds it for longer than ``within_s`` seconds, ``MachineLacks`` where no lock can be had here.
    """
    handle, path = _opened(f"{name}.lock")
    try:
        if not _taken(handle):
            _wait(handle, path, name, report, within_s)
        _sign(handle)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(handle: int, path: Path, name: str, report: Report, within_s: float) -> None:
    holder = _holder(path)
    report.say(f"{holder} is busy here ({name}); waiting for it")
    with report.step(f"waiting for {holder}") as step:
        begun = time.monotonic()
        while not _taken(handle):
            passed = time.monotonic() - begun
            if passed > within_s:
                raise Failed(
                    f"{_holder(path)} has held {path} for {passed:.0f} s",
                    remedy="wait for it, or end it: the kernel lets go of the lock with the "
                    "process",
                )
            step.at(passed, within_s)
            time.sleep(LOOK_S)


# -- who holds it: what the holder has written into the file, for people -------------------------


def _sign(handle: int) -> None:
    told = {"pid": os.getpid(), "what": " ".join(["lab", *sys.argv[1:]])[:200]}
    # A lock on a full disk, or on one that cannot be written to, is a lock all the same.
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(told).encode(), 0)


def _holder(path: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(path.read_text(encoding="utf-8"))
        what = "".join(sign if sign.isprintable() else "?" for sign in str(told["what"]))
        return f"`{what}` (process {int(told['pid'])})"
    return "another lab"


# -- where: a directory that nobody else can put anything into -----------------------------------


def _opened(name: str) -> tuple[int, Path]:
    """The lock's file, in the first place where one can be had: the same for all that ask."""
    refused: list[str] = []
    for place in _places():
        folder = place / f"3am-lab-{os.getuid()}"
        try:
            _make_ours(folder)
            return _open_ours(folder / name), folder / name
        except OSError as error:
            refused.append(f"{folder / name}: {error.strerror or error}")
    raise MachineLacks(
        "no lock can be had here:\n" + "\n".join(f"  {one}" for one in refused),
        remedy="make one of these places writable, or name another in TMPDIR",
    )


def _places() -> list[Path]:
    memory = Path("/dev/shm")  # noqa: S108 - whose it is what follows looks at
    return [Path(tempfile.gettempdir()), *([memory] if memory.is_dir() else [])]


def _make_ours(folder: Path) -> None:
    """A directory of this user alone. Raises `OSError` where something else is in its place."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(0, "it is no directory")
    if found.st_uid != os.getuid():
        raise PermissionError(0, "somebody else's")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def _open_ours(path: Path) -> int:
    options = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | options, 0o600)
    except OSError:
        # On a disk that has become read-only the lock may be there, and held.
        handle = os.open(path, os.O_RDONLY | options)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, "it is no file")
    return handle
