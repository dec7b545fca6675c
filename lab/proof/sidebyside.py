"""Several nights at the same time, each on a stack of its own, in processes of their own.

Each stack takes its nights one after the other; a night is one process, `lab verify SLUG --seed N`,
so that a stack's home, its journal and its neighbours are what they always are. What the processes
say comes here line by line, with the name of the stack before it.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock

from lab.progress import Report

LIVED = (0, 1, 3)
"""Exit codes of a night that was lived, whatever it has shown. After any other a stack takes no
more: what stopped this one would stop the next."""

WORST = (0, 3, 1, 2, 4, 130)
"""Exit codes, the better ones first; any other is worse than all of them."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One night to be lived: a scenario, a seed, and whether every wrong fix is tried."""

    slug: str
    seed: int
    tempted: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """One stack's commands, one after the other, in its environment. `name` is its project."""

    name: str
    commands: Sequence[Sequence[str]]
    environment: Mapping[str, str]


def errands(slugs: Sequence[str], seeds: range, *, untempted: bool = False) -> list[Errand]:
    """Every scenario with every seed; in the first seed of each all wrong fixes are tried."""
    return [
        Errand(slug, seed, tempted=seed == seeds.start and not untempted)
        for slug in slugs
        for seed in seeds
    ]


def dealt(nights: Sequence[Errand], stacks: int) -> list[list[Errand]]:
    """The nights dealt out in turn: no two stacks have the same one."""
    return [list(nights[turn::stacks]) for turn in range(stacks)]


def worst(codes: Sequence[int]) -> int:
    """The worst of some exit codes; 0 of none."""
    return max(
        codes, key=lambda code: WORST.index(code) if code in WORST else len(WORST), default=0
    )


def run(lanes: Sequence[Lane], report: Report) -> int:
    """Run all lanes to their ends, and return the worst exit code.

    Whoever interrupts this interrupts the processes, and they are waited for: each has a stack to
    leave in order.
    """
    running = _Running(report)
    with ThreadPoolExecutor(len(lanes)) as pool:
        # Not `Thread.join`: interrupted, Python 3.11's takes the thread for ended.
        each: list[Future[int]] = []
        try:
            each += [pool.submit(running.through, lane) for lane in lanes]
            wait(each)
        except KeyboardInterrupt:
            running.interrupt()
            wait(each)
            raise
    return worst([one.result() for one in each])


class _Running:
    """The processes that are running now, one for each lane."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._lock = Lock()
        self._interrupted = False
        self._processes: set[subprocess.Popen[str]] = set()

    def through(self, lane: Lane) -> int:
        """One lane's commands, until one of them could not be carried out. The worst exit code."""
        codes: list[int] = []
        for argv in lane.commands:
            process = self._start(argv, lane.environment)
            if process is None:
                break
            assert process.stdout is not None
            for line in process.stdout:
                self._report.say(f"{lane.name}: {line.rstrip()}")
            code = _as_a_shell_has_it(process.wait())
            with self._lock:
                self._processes.discard(process)
            codes.append(code)
            if code not in LIVED:
                self._report.say(f"{lane.name}: left with exit code {code}; no more nights on it")
                break
        return worst(codes)

    def interrupt(self) -> None:
        """No more processes, and those that are there end as if somebody had pressed Ctrl-C."""
        # In a script's background SIGINT is ignored, by those whom we have started, too; the lab
        # takes SIGTERM for the same.
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        with self._lock:
            self._interrupted = True
            for process in self._processes:
                process.send_signal(signal.SIGTERM if ignored else signal.SIGINT)

    def _start(
        self, argv: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[str] | None:
        with self._lock:
            if self._interrupted:
                return None
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=dict(environment),
                # A terminal's Ctrl-C must reach them once: from us.
                start_new_session=True,
            )
            self._processes.add(process)
            return process


def _as_a_shell_has_it(code: int) -> int:
    """128 and the signal's number for a process that a signal has ended."""
    return 128 - code if code < 0 else code
