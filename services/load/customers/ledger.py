"""The customers' own record of what the service has acknowledged."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One acknowledged write.

    `at` is when the acknowledgement arrived (ISO 8601, UTC); `kind` is upload
    or like; `request_id` is what the service calls the request in its logs.
    """

    at: str
    kind: str
    user_id: int
    photo_id: int
    request_id: str
    run_id: str
    job_id: str | None = None
    idempotency_key: str | None = None

    def line(self) -> bytes:
        """The entry as one line of NDJSON, without the fields it does not have."""
        fields = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


class Ledger:
    """One file of NDJSON per run, in one directory; lines are only ever added."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError where the directory cannot be made."""
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def open(self, run_id: str) -> Page:
        """The page to which run `run_id` adds its entries. Raises OSError."""
        return Page(self._path(run_id))

    def has(self, run_id: str) -> bool:
        """Whether there is a page for `run_id`, an empty one included."""
        return self._path(run_id).is_file()

    def read(self, run_id: str | None = None) -> Iterator[bytes]:
        """The entries of one run, or of every run, in whole lines and chunks of them.

        Only what was there when a page was opened: a run that goes on adding
        cannot keep the reader for ever.
        """
        pages = [self._path(run_id)] if run_id else sorted(self._directory.glob("*.ndjson"))
        for page in pages:
            with page.open("rb") as file:
                left = os.fstat(file.fileno()).st_size
                while left and (chunk := file.read(min(left, 1 << 16))):
                    left -= len(chunk)
                    yield chunk

    def _path(self, run_id: str) -> Path:
        if not run_id.isalnum():
            raise ValueError(f"{run_id!r} is no run id")
        return self._directory / f"{run_id}.ndjson"


class Page:
    """Where one run's entries go."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def add(self, entry: Entry) -> None:
        """Append `entry` in one write, so that no reader ever sees half a line.

        Raises OSError when the volume does not take it whole.
        """
        line = entry.line()
        if os.write(self._fd, line) != len(line):
            raise OSError("the ledger's volume took only part of a line")

    def close(self) -> None:
        """Let go of the file; adding is over."""
        os.close(self._fd)
