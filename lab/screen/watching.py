"""A view that keeps itself up to date, until somebody presses a key or has seen enough."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import RenderableType

from lab.screen.console import console

EVERY_S = 2.0
EVERY_S_IN_A_PIPE = 5.0


def keep_showing(view: Callable[[], RenderableType]) -> None:
    """Show the view again and again until Ctrl-C."""
    if not sys.stdout.isatty():
        while True:
            console().print(view())
            console().print()
            time.sleep(EVERY_S_IN_A_PIPE)
    show_until_key(view, keys="q")


def show_until_key(
    view: Callable[[], RenderableType],
    *,
    keys: str,
    until: Callable[[], bool] | None = None,
) -> str:
    """Show the view, every second anew, until one of `keys` is pressed; returns that key.

    Returns "" when `until` becomes true. Raises `KeyboardInterrupt` for Ctrl-C.
    """
    from rich.live import Live

    with (
        _single_keys() as wait_for_key,
        Live(view(), console=console(), auto_refresh=False, transient=True) as live,
    ):
        while True:
            key = wait_for_key(EVERY_S)
            if key and key in keys:
                return key
            if until is not None and until():
                return ""
            live.update(view(), refresh=True)


@contextmanager
def _single_keys() -> Iterator[Callable[[float], str]]:
    """Keys as they are pressed, not line by line; gives a function that waits for the next one."""
    if not sys.stdin.isatty():
        yield _no_keys
        return
    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)

    def wait(seconds: float) -> str:
        ready, _, _ = select.select([file], [], [], seconds)
        # Past Python's buffer: select would not know what is in there.
        return os.read(file, 1).decode(errors="ignore").lower() if ready else ""

    try:
        # What was pressed while the last answer was being worked out still counts.
        tty.setcbreak(file, termios.TCSADRAIN)
        yield wait
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


def _no_keys(seconds: float) -> str:
    time.sleep(seconds)
    return ""
