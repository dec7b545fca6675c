"""What the stack has of everything that a ledger names, for the audit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from lab.audit import Inventory, UploadSeen
from lab.errors import Failed

if TYPE_CHECKING:
    from lab.load import Acknowledged
    from lab.stack import Stack

CHUNK = 5000
"""Ids in one statement: a few hundred kilobytes of SQL, and about 0.1 s of the database's time."""

QUERY_TIMEOUT = 60.0
"""Seconds for one statement; in the middle of an incident the database may be slow."""

MEDIA_SERVICES = ("nginx", "worker", "api-1", "api-2", "api-3")
"""Any of them sees the published files; the first that answers is asked."""

# Celery's broker keeps waiting messages in the list, and those taken but not yet acknowledged here.
QUEUE_SCRIPT = "return redis.call('llen', 'photos') + redis.call('hlen', 'unacked')"

_UPLOADS = """
SELECT p.id, p.user_id, p.status, j.id, j.status,
       left(regexp_replace(j.error, '\\s+', ' ', 'g'), 200),
       (SELECT count(*) FROM notifications AS n WHERE n.photo_id = p.id),
       extract(epoch FROM now() - j.updated_at)::int
FROM unnest('{{{ids}}}'::bigint[]) AS wanted (id)
JOIN photos AS p USING (id)
LEFT JOIN jobs AS j ON j.photo_id = p.id
"""
_KEYS = """
SELECT k.user_id, k.key, k.photo_id
FROM (VALUES {pairs}) AS wanted (user_id, key)
JOIN idempotency_keys AS k USING (user_id, key)
"""
_TWINS = """
SELECT p.id, twin.id
FROM unnest('{{{ids}}}'::bigint[]) AS wanted (id)
JOIN photos AS p USING (id)
JOIN photos AS twin ON twin.checksum = p.checksum AND twin.user_id = p.user_id AND twin.id <> p.id
"""
_LIKES = """
SELECT l.photo_id, l.user_id
FROM (VALUES {pairs}) AS wanted (photo_id, user_id)
JOIN likes AS l USING (photo_id, user_id)
"""
# One statement is one snapshot: row and counter are compared as of the same moment.
_COUNTERS = """
SELECT p.id, p.likes, count(l.user_id)
FROM unnest('{{{ids}}}'::bigint[]) AS wanted (id)
JOIN photos AS p USING (id)
LEFT JOIN likes AS l ON l.photo_id = p.id
GROUP BY p.id, p.likes
HAVING p.likes <> count(l.user_id)
"""

_T = TypeVar("_T")


def take(stack: Stack, ledger: Sequence[Acknowledged]) -> Inventory:
    """Look up in the stack what `ledger` names.

    Raises `Failed` (or what the stack's door raises) when the database or every service that sees
    the published files cannot be asked. A broker that cannot be asked leaves `waiting` unknown.
    """
    uploads = sorted({entry.photo_id for entry in ledger if entry.kind == "upload"})
    keys = sorted({(e.user_id, e.idempotency_key) for e in ledger if e.idempotency_key is not None})
    likes = sorted({(entry.photo_id, entry.user_id) for entry in ledger if entry.kind == "like"})
    # In this order: a task leaves the queue only after its job is done, and a job is done only
    # after its files are there.
    waiting = _waiting(stack)
    seen = dict(_uploads(stack, uploads))
    return Inventory(
        waiting=waiting,
        uploads=seen,
        keys=dict(_keys(stack, keys)),
        twins=[
            (int(one), int(other))
            for ids in _chunks(uploads)
            for one, other in _rows(stack, _TWINS.format(ids=_list(ids)))
        ],
        likes={
            (int(photo), int(user))
            for pairs in _chunks(likes)
            for photo, user in _rows(stack, _LIKES.format(pairs=_pairs(pairs)))
        },
        counters={
            int(photo): (int(counter), int(rows))
            for ids in _chunks(sorted({photo for photo, _ in likes}))
            for photo, counter, rows in _rows(stack, _COUNTERS.format(ids=_list(ids)))
        },
        files=_files(stack) if uploads else {},
    )


def _waiting(stack: Stack) -> int | None:
    try:
        done = stack.exec("redis-broker", ["redis-cli", "--raw", "eval", QUEUE_SCRIPT, "0"])
    except Failed:
        return None
    said = done.stdout.strip()
    return int(said) if done.code == 0 and said.isdigit() else None


def _uploads(stack: Stack, photos: Sequence[int]) -> Iterator[tuple[int, UploadSeen]]:
    for ids in _chunks(photos):
        for row in _rows(stack, _UPLOADS.format(ids=_list(ids))):
            photo, user, status, job, job_status, error, notifications, idle = row
            seen = UploadSeen(
                int(user), status, job, job_status, error, int(notifications), int(idle or 0)
            )
            yield int(photo), seen


def _keys(
    stack: Stack, keys: Sequence[tuple[int, str]]
) -> Iterator[tuple[tuple[int, str], int | None]]:
    for some in _chunks(keys):
        pairs = _pairs((user, _quoted(key)) for user, key in some)
        for user, key, photo in _rows(stack, _KEYS.format(pairs=pairs)):
            yield (int(user), key), int(photo) if photo else None


def _files(stack: Stack) -> dict[int, set[str]]:
    """The names of each photo's published files, empty files left out."""
    where = ["/media/public", "-mindepth", "2", "-maxdepth", "2"]
    which = ["-type", "f", "-size", "+0", "-name", "*.jpg", "-printf", "%P\\n"]
    problems: list[str] = []
    for service in MEDIA_SERVICES:
        try:
            done = stack.exec(service, ["find", *where, *which], timeout=QUERY_TIMEOUT)
        except Failed as error:
            problems.append(f"{service}: {error.message}")
            continue
        if done.code == 0:
            break
        problems.append(f"{service}: {done.stderr.strip()}")
    else:
        raise Failed("no service could list the published files: " + "; ".join(problems))
    found: dict[int, set[str]] = {}
    for line in done.stdout.splitlines():
        photo, _, name = line.partition("/")
        if photo.isdigit():
            found.setdefault(int(photo), set()).add(name.removesuffix(".jpg"))
    return found


def _rows(stack: Stack, sql: str) -> list[list[str]]:
    return stack.psql(sql, timeout=QUERY_TIMEOUT)


def _chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _list(ids: Collection[int]) -> str:
    return ",".join(map(str, ids))


def _pairs(pairs: Iterable[tuple[object, object]]) -> str:
    return ",".join(f"({one},{other})" for one, other in pairs)


def _quoted(text: str) -> str:
    """A text literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
