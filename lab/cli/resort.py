"""The last resort: what nobody foresaw is told like everything else, and kept to be reported."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from lab import __version__
from lab.errors import LabError, MachineLacks, Unknown

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What a machine says when it has nothing left to give."""

HOW_TO_REPORT = "CONTRIBUTING.md, under 'Report a mistake'"


def unforeseen(error: BaseException) -> LabError:
    """What to say of an exception that nobody foresaw: what happened, where its whole story was
    written, and who wants to know.

    `MachineLacks` where the machine has run out of something. Otherwise `Unknown`, as a crashed
    oracle must be: it says nothing about anybody's diagnosis or stack.
    """
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _FULL):
        return MachineLacks(f"the machine gave out: {error or 'no memory left'}")
    what = traceback.format_exception_only(error)[-1].strip()
    at = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(at[-1].filename).name}:{at[-1].lineno})" if at else ""
    written = _write(error)
    where = "its traceback could not be written" if written is None else f"the traceback: {written}"
    return Unknown(
        f"the lab itself stumbled: {what[:300]}{place}",
        remedy=f"{where}; how to report it: {HOW_TO_REPORT}",
    )


def _write(error: BaseException) -> Path | None:
    """Keep it with the home's logs, or where there is no home, with other temporary files."""
    story = "".join(
        (
            f"3AM Lab {__version__}, Python {sys.version}\n{sys.argv!r}\n\n",
            *traceback.format_exception(error),
        )
    )
    for folder in (_logs(), None):
        with suppress(OSError):
            number, name = tempfile.mkstemp(
                prefix=f"stumbled-{datetime.now(tz=UTC):%Y%m%d-%H%M%S}-", suffix=".txt", dir=folder
            )
            with os.fdopen(number, "w", encoding="utf-8", errors="replace") as file:
                file.write(story)
            return Path(name)
    return None


def _logs() -> Path | None:
    from lab.home import Home

    with suppress(LabError, OSError):
        logs = Home.find().logs
        return logs if logs.is_dir() else None
    return None
