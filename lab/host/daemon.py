"""Starting the engine where no init system does, over whatever an earlier one left behind."""

from __future__ import annotations

import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import engine
from lab.command import CommandFailed, run
from lab.engine import Reach
from lab.errors import MachineLacks
from lab.files import appending

# Seconds until a started engine must answer; it takes about two, longer after a hard stop.
DEADLINE = 60

# What the log of an engine is called in a lab's home.
LOG = "dockerd.log"

# dockerd calls iptables and modprobe, which are not on every user's path.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Leftover:
    """What a process that ended left behind, and whose it was.

    dockerd refuses to start over a pid file whose pid exists, even when it is another program's by
    now; it waits in vain for the containerd of a stale pid file or behind a stale socket.
    """

    owner: str
    pid_file: Path | None
    remains: tuple[Path, ...]


def known_leftovers(run_dir: Path = Path("/run")) -> list[Leftover]:
    """Where an engine under ``run_dir`` leaves its pid files and sockets."""
    own = run_dir / "docker" / "containerd"
    return [
        Leftover("dockerd", run_dir / "docker.pid", (run_dir / "docker.sock",)),
        Leftover(
            "containerd",
            own / "containerd.pid",
            (
                own / "containerd.sock",
                own / "containerd.sock.ttrpc",
                own / "containerd-debug.sock",
            ),
        ),
        # A containerd of the system's own has no pid file: whether it lives, its socket tells.
        Leftover("containerd", None, (run_dir / "containerd" / "containerd.sock",)),
    ]


def program(pid: int) -> str | None:
    """The name of the program that runs as ``pid``; None where nothing does, or only a zombie."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    name, _, rest = told.partition("(")[2].rpartition(")")
    return None if rest.split()[0] in ("Z", "X") else name


def listens(path: Path) -> bool:
    """Whether somebody accepts connections on this socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def stale(
    leftovers: Iterable[Leftover],
    running: Callable[[int], str | None] = program,
    accepts: Callable[[Path], bool] = listens,
) -> list[Path]:
    """The files that must go before an engine can start; none of a process that still lives."""
    doomed: list[Path] = []
    for leftover in leftovers:
        if leftover.pid_file is not None:
            pid = _pid(leftover.pid_file)
            if pid is not None and running(pid) == leftover.owner:
                continue
            doomed += [leftover.pid_file] if leftover.pid_file.exists() else []
            doomed += [path for path in leftover.remains if path.exists()]
        else:
            doomed += [path for path in leftover.remains if _is_socket(path) and not accepts(path)]
    return doomed


def start(as_root: Sequence[str], log: Path, *, systemd: bool, deadline: float = DEADLINE) -> None:
    """Start the engine and wait until it answers.

    Raises ``MachineLacks`` with the end of its log when it does not within ``deadline`` seconds.
    """
    began = log.stat().st_size if log.exists() else 0
    process: subprocess.Popen[bytes] | None = None
    if systemd:
        try:
            run([*as_root, "systemctl", "start", "docker"], timeout=deadline)
        except CommandFailed as error:
            raise MachineLacks(
                f"systemd could not start Docker\n{error.message}",
                remedy="journalctl -u docker --no-pager | tail -50",
            ) from error
    elif _running() is None:
        doomed = stale(known_leftovers())
        if doomed:
            run([*as_root, "rm", "-rf", "--", *map(str, doomed)], timeout=10)
        process = _spawn(as_root, log)
    _wait(process, log, began, deadline)


def started_by_lab() -> int | None:
    """The pid of a running engine that a lab has started; None where somebody else did.

    It is known by where it writes to: the log of some lab's home.
    """
    pid = _running()
    if pid is None:
        return None
    try:
        return pid if Path(f"/proc/{pid}/fd/2").readlink().name == LOG else None
    except OSError:
        return None


def end(as_root: Sequence[str], pid: int) -> None:
    """End an engine that does not answer any more. Its containers go with it.

    First it is asked for what it waits for: a file under its own directory, named in its log.
    """
    run([*as_root, "kill", "-USR1", str(pid)], timeout=10, check=False)
    time.sleep(1)
    # Its containerd ends soon after it: a new engine must not take over one that is dying.
    own = _pid(Path("/run/docker/containerd/containerd.pid"))
    names = {pid: "dockerd"} | ({own: "containerd"} if own is not None else {})
    doomed = [one for one, name in names.items() if program(one) == name]
    run([*as_root, "kill", "-KILL", *map(str, doomed)], timeout=10, check=False)
    until = time.monotonic() + 10
    while any(program(one) == names[one] for one in doomed) and time.monotonic() < until:
        time.sleep(0.1)


def _running() -> int | None:
    """The pid of an engine that runs, whether it answers or not; None where there is none."""
    pid = _pid(Path("/run/docker.pid"))
    return pid if pid is not None and program(pid) == "dockerd" else None


def _spawn(as_root: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """dockerd in a session of its own: Ctrl-C and the end of the lab do not reach it."""
    with appending(log) as file:
        return subprocess.Popen(
            [*as_root, "env", f"PATH={SYSTEM_PATH}", "dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd="/",
            start_new_session=True,
        )


def _wait(process: subprocess.Popen[bytes] | None, log: Path, began: int, deadline: float) -> None:
    until = time.monotonic() + deadline
    while time.monotonic() < until:
        # One that refuses this user is up, too.
        if engine.reach() in (Reach.ANSWERS, Reach.DENIED):
            return
        if process is not None and process.poll() is not None:
            what = f"the Docker engine left with exit code {process.returncode}"
            break
        time.sleep(0.2)
    else:
        what = f"the Docker engine does not answer after {deadline:.0f} s"
    raise MachineLacks(
        f"{what}{_tail(log, began)}",
        remedy=f"its whole log is {log}; `lab doctor` looks at what the engine needs",
    )


def _tail(log: Path, began: int) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(began)
        lines = file.read().decode(errors="replace").splitlines()[-15:]
    return "; the end of its log:\n" + "\n".join(f"  {line}" for line in lines)


def _pid(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False
