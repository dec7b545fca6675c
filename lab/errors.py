"""What the lab can say instead of a traceback."""

from __future__ import annotations

from typing import ClassVar


class LabError(Exception):
    """Something the person at the keyboard can understand and act on.

    ``message`` says what is wrong, ``remedy`` what to do about it (it may be several lines). The
    command line prints both on stderr and leaves with ``exit_code``.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class Failed(LabError):
    """It was tried, and it did not work (exit code 1)."""

    exit_code = 1


class BadInput(LabError):
    """What was asked for makes no sense: a word, a file, a port (exit code 2)."""

    exit_code = 2


class Unknown(LabError):
    """It could not be measured, so it cannot be judged (exit code 3)."""

    exit_code = 3


class MachineLacks(LabError):
    """The machine lacks something; the remedy says how to get it (exit code 4)."""

    exit_code = 4
