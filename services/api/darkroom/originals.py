"""Uploaded files on the media volume, as they came: /originals/<photo_id>."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that is safely on disk under a temporary name. `checksum` is SHA-256, hex."""

    path: Path
    bytes: int
    checksum: str

    def discard(self) -> None:
        """Forgets the file, unless it has been kept."""
        self.path.unlink(missing_ok=True)


class Originals:
    """The folder of originals below `media`. Methods block: call them in a thread."""

    def __init__(self, media: Path) -> None:
        self._final = media / "originals"
        self._staging = media / "tmp"

    def stage(self, file: IO[bytes]) -> Staged:
        """Copies `file` to disk and waits until it is there; raises OSError."""
        self._staging.mkdir(parents=True, exist_ok=True)
        path = self._staging / f"upload-{uuid4().hex}"
        digest = hashlib.sha256()
        size = 0
        try:
            with path.open("xb") as out:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return Staged(path, size, digest.hexdigest())

    def keep(self, staged: Staged, photo_id: int) -> None:
        """Gives the staged file its name; a crash leaves the old state or the new. OSError."""
        self._final.mkdir(parents=True, exist_ok=True)
        staged.path.replace(self._final / str(photo_id))
        folder = os.open(self._final, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
