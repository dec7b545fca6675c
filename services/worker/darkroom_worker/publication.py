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
_STALE = 3600


class Media:
    """The media volume: originals in, published folders out."""

    def __init__(self, media: Path) -> None:
        self._originals = media / "originals"
        self._public = media / "public"
        self._staging = media / "tmp"

    def original(self, photo_id: int) -> Path:
        """Where the API has put the upload."""
        return self._originals / str(photo_id)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder to write into, gone after the block unless it was published."""
        folder = self._staging / f"render-{uuid4().hex}"
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
        limit = time.time() - _STALE
        stale = [path for path in self._staging.glob("*") if path.stat().st_mtime < limit]
        for path in stale:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return len(stale)
