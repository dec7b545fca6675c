"""From an accepted upload to a published photo. Each step may be repeated without harm."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from darkroom_worker import moderation, renditions
from darkroom_worker.cache import Cache
from darkroom_worker.config import Config
from darkroom_worker.db import Database
from darkroom_worker.decoding import DamagedImage, Original
from darkroom_worker.memory import Memory
from darkroom_worker.outcome import Outcome, finish
from darkroom_worker.photo import Photo, begin
from darkroom_worker.picture import MEMORY
from darkroom_worker.publication import Media
from darkroom_worker.tracing import CLIENT, span

log = structlog.get_logger("worker.pipeline")

#: Runs after which a photo that never gets through is given up. Database trouble comes back every
#: half minute at most, so this outlasts an incident of half an hour.
MOST_ATTEMPTS = 60
#: And those that were killed while they rendered it: whoever starts the worker again must not find
#: it dead again for the same photo, for ever.
MOST_UNENDED = 3


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The steps and what they work on."""

    db: Database
    media: Media
    cache: Cache
    memory: Memory

    @classmethod
    def build(cls, config: Config) -> Pipeline:
        """Nothing is connected yet but the pool's thread, by `db.open()`."""
        return cls(Database(config), Media(config.media), Cache(config), Memory(MEMORY))

    def run(self, job_id: str) -> Outcome | None:
        """Processes the job's photo; None when that was done before.

        Raises DatabaseTrouble, OSError (the disk) and MemoryError: worth another run.
        """
        photo = begin(self.db, job_id)
        if photo is None:
            return None
        outcome = self._outcome(photo)
        self._end(photo, outcome)
        return outcome

    def give_up(self, photo_id: int, reason: str) -> None:
        """Marks the photo as failed; raises DatabaseTrouble."""
        finish(self.db, photo_id, Outcome("failed", reason))

    def _outcome(self, photo: Photo) -> Outcome:
        if photo.attempts > MOST_ATTEMPTS:
            return Outcome("failed", f"given up after {MOST_ATTEMPTS} attempts")
        unended = self.media.unended(photo.id)
        if unended >= MOST_UNENDED:
            log.error("photo given up", unended=unended)
            return Outcome(
                "failed",
                f"given up after {unended} attempts, each of which the worker did not survive; "
                "the original is kept",
            )
        with span("moderate"):
            refusal = moderation.refusal(self.db, photo)
        if refusal is not None:
            return Outcome("rejected", refusal)
        try:
            original = Original.at(self.media.original(photo.id))
            with (
                self.memory.taken(original.need),
                self.media.staging(photo.id) as folder,
            ):
                with span("render"):
                    size = renditions.render(original, folder)
                with span("publish"):
                    self.media.publish(folder, photo.id)
        except DamagedImage as error:
            return Outcome("failed", str(error))
        return Outcome("ready", size=size)

    def _end(self, photo: Photo, outcome: Outcome) -> None:
        finish(self.db, photo.id, outcome)
        self.media.forget(photo.id)
        with span("cache forget", CLIENT, server__address="redis-cache"):
            self.cache.forget(photo_id=photo.id, user_id=photo.user_id, album_id=photo.album_id)
