"""The audit: what customers were promised, against what the stack has.

`compare` judges and touches nothing; `lab.inventory` fetches what it judges; `audit` joins the two.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lab.errors import Failed, Unknown

if TYPE_CHECKING:
    from lab.load import Acknowledged
    from lab.stack import Stack

FILES = frozenset({"1600", "1080", "720", "480", "240", "thumb"})
"""The files that a published photo has, without their `.jpg`."""

ABANDONED_AFTER_S = 180
"""The worker's sweep takes up what the queue has lost within two minutes or so. An open job that
nobody has touched for longer, with nothing in the queue, is not on its way any more."""

CONFIRMATIONS = 3
"""How often an abandoned job is looked for again, a second apart, before it is called that."""

Kind = Literal[
    "photo",
    "job",
    "failed",
    "abandoned",
    "state",
    "files",
    "notification",
    "key",
    "like",
    "counter",
]


class AuditImpossible(Unknown):
    """The database or the published files could not be read, so nothing can be said."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One acknowledged write that is not as it should be; `what` says it in words.

    `kind` names the part of the promise: the photo or its job is gone, the job failed or was
    abandoned (nothing in the queue would finish it), the photo's state, its published files, its
    notification, its idempotency key, the like, or the photo's counter of likes.
    """

    kind: Kind
    photo_id: int
    what: str
    user_id: int | None = None
    request_id: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class UploadSeen:
    """One photo as the database has it; empty texts where there is no job or no error.

    `idle_s`: seconds since the job last changed.
    """

    user_id: int
    photo_status: str
    job_id: str
    job_status: str
    error: str
    notifications: int
    idle_s: int = 0


@dataclass(frozen=True)
class Inventory:
    """What the stack has of everything that a ledger names.

    `uploads` by photo id; `keys`: the photo that each (user, idempotency key) led to, None while it
    leads nowhere; `twins`: photos of the same user with the same bytes; `files`: names published by
    photo id; `likes`: those of the ledger that exist, as (photo, user); `counters`: photos whose
    counter of likes differs from their rows, as (counter, rows); `waiting`: tasks in the queue,
    unacknowledged ones included, counted *before* the rest was read, None if it could not be.
    """

    uploads: Mapping[int, UploadSeen] = field(default_factory=dict)
    keys: Mapping[tuple[int, str], int | None] = field(default_factory=dict)
    twins: Collection[tuple[int, int]] = ()
    files: Mapping[int, Collection[str]] = field(default_factory=dict)
    likes: Collection[tuple[int, int]] = ()
    counters: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    waiting: int | None = None


@dataclass(frozen=True)
class AuditResult:
    """What became of the acknowledged writes.

    `uploads` and `likes` count the distinct ones that were promised, `published` and `rejected`
    the uploads that are settled well. `unfinished` uploads are on their way: neither kept nor
    broken yet. `waiting` as in `Inventory`.
    """

    uploads: int = 0
    likes: int = 0
    published: int = 0
    rejected: int = 0
    lost: tuple[Finding, ...] = ()
    doubled: tuple[Finding, ...] = ()
    unfinished: tuple[int, ...] = ()
    waiting: int | None = None

    @property
    def checked(self) -> int:
        """How many distinct acknowledged writes were looked at."""
        return self.uploads + self.likes

    @property
    def ok(self) -> bool:
        """Nothing acknowledged is lost, nothing done twice."""
        return not self.lost and not self.doubled

    @property
    def settled(self) -> bool:
        """No upload is still on its way."""
        return not self.unfinished

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for `--json`."""
        return {"ok": self.ok, "settled": self.settled, "checked": self.checked, **asdict(self)}


def audit(stack: Stack, ledger: Iterable[Acknowledged]) -> AuditResult:
    """Compare a ledger with the stack as it is now; customers may go on meanwhile.

    The ledger must have been read before: what it names is then older than what is looked at.
    Raises `AuditImpossible` when the stack cannot be looked at.
    """
    from lab.inventory import take

    promised = list(ledger)
    for attempt in range(CONFIRMATIONS):
        try:
            result = compare(promised, take(stack, promised))
        except Failed as error:
            raise AuditImpossible(
                f"the ledger could not be compared with the stack: {error.message}",
                remedy=error.remedy or "`lab status` tells which service is down",
            ) from error
        # Between leaving the list and being noted as taken, a task is nowhere for a moment.
        if not any(finding.kind == "abandoned" for finding in result.lost):
            break
        if attempt + 1 < CONFIRMATIONS:
            time.sleep(1)
    return result


def compare(ledger: Iterable[Acknowledged], found: Inventory) -> AuditResult:
    """Judge what is found against what was promised. Pure."""
    uploads: dict[int, Acknowledged] = {}
    likes: dict[tuple[int, int], Acknowledged] = {}
    keyed: dict[tuple[int, str], set[int]] = {}
    for entry in ledger:
        if entry.kind == "like":
            likes.setdefault((entry.photo_id, entry.user_id), entry)
        else:
            uploads.setdefault(entry.photo_id, entry)
            if entry.idempotency_key is not None:
                keyed.setdefault((entry.user_id, entry.idempotency_key), set()).add(entry.photo_id)

    judged = {photo: _judge(entry, found) for photo, entry in uploads.items()}
    lost = [finding for finding in judged.values() if isinstance(finding, Finding)]
    doubled = _notified_twice(uploads, found) + _twins(uploads, found)
    for (user, key), photos in keyed.items():
        lost_key, doubled_key = _key(user, key, photos, uploads, found)
        lost += lost_key
        doubled += doubled_key
    lost += [
        _finding("like", entry, f"user {user} does not like photo {photo} any more")
        for (photo, user), entry in likes.items()
        if (photo, user) not in found.likes
    ]
    for photo, (counter, rows) in found.counters.items():
        what = f"photo {photo} counts {counter} likes and has {rows}"
        (lost if counter < rows else doubled).append(Finding("counter", photo, what))
    return AuditResult(
        # Distinct promises: two photos for one key were one promise, kept twice.
        uploads=len(keyed) + sum(entry.idempotency_key is None for entry in uploads.values()),
        likes=len(likes),
        published=sum(verdict == "published" for verdict in judged.values()),
        rejected=sum(verdict == "rejected" for verdict in judged.values()),
        lost=tuple(lost),
        doubled=tuple(doubled),
        unfinished=tuple(photo for photo, verdict in judged.items() if verdict == "unfinished"),
        waiting=found.waiting,
    )


def _judge(
    entry: Acknowledged, found: Inventory
) -> Finding | Literal["published", "rejected", "unfinished"]:
    """What became of one acknowledged upload: the first broken promise, or how it stands."""
    photo = entry.photo_id
    seen = found.uploads.get(photo)
    if seen is None or seen.user_id != entry.user_id:
        return _finding("photo", entry, f"photo {photo} of user {entry.user_id} is gone")
    if not seen.job_id or seen.job_id != entry.job_id:
        return _finding("job", entry, f"photo {photo} has no job {entry.job_id}")
    if seen.photo_status == "rejected":
        if seen.error:
            return "rejected"
        return _finding("state", entry, f"photo {photo} was rejected without a reason")
    if seen.job_status in ("queued", "running"):
        if found.waiting == 0 and seen.idle_s > ABANDONED_AFTER_S:
            idle = f"{seen.job_status} and untouched for {seen.idle_s} s"
            what = f"the job of photo {photo} is {idle}, and the queue is empty"
            return _finding("abandoned", entry, what)
        return "unfinished"
    if seen.job_status != "done" or seen.photo_status == "failed":
        why = seen.error or "no reason given"
        return _finding("failed", entry, f"processing photo {photo} failed: {why}")
    if seen.photo_status != "ready":
        what = f"the job of photo {photo} is done, and the photo is {seen.photo_status}"
        return _finding("state", entry, what)
    missing = FILES - set(found.files.get(photo, ()))
    if missing:
        what = f"photo {photo} is published without {', '.join(sorted(missing))}"
        return _finding("files", entry, what)
    if not seen.notifications:
        return _finding("notification", entry, f"nobody was told that photo {photo} is published")
    return "published"


def _notified_twice(uploads: Mapping[int, Acknowledged], found: Inventory) -> list[Finding]:
    return [
        _finding("notification", uploads[photo], f"photo {photo}: {seen.notifications} times told")
        for photo, seen in found.uploads.items()
        if seen.notifications > 1 and photo in uploads
    ]


def _twins(uploads: Mapping[int, Acknowledged], found: Inventory) -> list[Finding]:
    """Customers never upload the same bytes twice, so photos that share them are one, twice."""
    pairs = sorted({(min(pair), max(pair)) for pair in found.twins})
    return [
        _finding("photo", uploads.get(one) or uploads[other], f"photos {one} and {other} are one")
        for one, other in pairs
    ]


def _key(
    user: int,
    key: str,
    photos: Collection[int],
    uploads: Mapping[int, Acknowledged],
    found: Inventory,
) -> tuple[list[Finding], list[Finding]]:
    """What is lost and what is doubled under one idempotency key."""
    entry = uploads[min(photos)]
    if len(photos) > 1:
        told = " and ".join(map(str, sorted(photos)))
        return [], [_finding("key", entry, f"one idempotency key was answered with photos {told}")]
    leads_to = found.keys.get((user, key))
    if leads_to is None:
        return [
            _finding("key", entry, f"the idempotency key of photo {entry.photo_id} is gone")
        ], []
    if leads_to != entry.photo_id:
        what = f"the idempotency key of photo {entry.photo_id} now leads to photo {leads_to}"
        return [], [_finding("key", entry, what)]
    return [], []


def _finding(kind: Kind, entry: Acknowledged, what: str) -> Finding:
    return Finding(kind, entry.photo_id, what, entry.user_id, entry.request_id, entry.run_id)
