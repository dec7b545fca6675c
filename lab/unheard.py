"""Standard error for whoever has more to do than to be heard: bringing a stack home does not end
because the terminal is gone, or because a log's disk is full."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import IO, Any, cast


class _Unheard:
    """What cannot be written is lost, and nothing else is."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


STDERR = cast("IO[str]", _Unheard())
"""To be written to without a care."""
