"""Makes renditions visible on the static path, all of a photo's or none."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

#: Leftovers of killed processes on the way to their final name; seconds.
_STALE_UPLOAD = 3600
#: Those of runs say which photo kills its worker, for as long as somebody may start it once more.
_STALE_RUN = 24 * 3600


class Media:
    """The media volume: originals in, published folders out."""

    def __init__(self, media: Path) -> None:
        self._originals = media / "originals"
        self._public = media / "public"
        self._staging = media / "tmp"

    def original(self, photo_id: int) -> Path:
        """Where the API has put the upload."""
        return self._originals / str(photo_id)

    def unended(self, photo_id: int) -> int:
        """How many runs began to render this photo and came to no end, good or bad.

        Counted by the folders that they left: only a process that was killed in the middle leaves
        one. It is there before the first pixel is decoded, and outlives the process, the container
        and a database that cannot be told. A run that goes on still is among them.
        """
        return sum(1 for _ in self._staging.glob(f"render-{photo_id}-*"))

    def forget(self, photo_id: int) -> None:
        """Removes what such runs left of a photo whose job is over."""
        for folder in self._staging.glob(f"render-{photo_id}-*"):
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def staging(self, photo_id: int) -> Iterator[Path]:
        """A folder to write into, gone after the block unless it was published."""
        folder = self._staging / f"render-{photo_id}-{uuid4().hex}"
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, folder: Path, photo_id: int) -> None:
        """Renames `folder` to the photo's public one, in one step; raises OSError.

        One that is there already is complete, because it came the same way, and stays.
        """
        self._public.mkdir(parents=True, exist_ok=True)
        try:
            folder.rename(self._public / str(photo_id))
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise

    def clear_stale(self) -> int:
        """Removes what killed processes have left behind; returns how many."""
        now = time.time()
        removed = 0
        for path in self._staging.glob("*"):
            lasts = _STALE_RUN if path.name.startswith("render-") else _STALE_UPLOAD
            try:
                if path.stat().st_mtime >= now - lasts:
                    continue
            except FileNotFoundError:  # whoever it belongs to has come to an end meanwhile
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            removed += 1
        return removed
