"""What the stack has of everything that a ledger names, for the audit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from lab.audit import Inventory, UploadSeen
from lab.errors import Failed
from lab.faults._sessions import quietly

if TYPE_CHECKING:
    from lab.load import Acknowledged
    from lab.stack import Stack

CHUNK = 500
"""Ids in one statement: some milliseconds of the database's time."""

FIND_TIMEOUT = 60.0
"""Seconds for the list of files; in the middle of an incident a service may be slow."""

BREATH_S = 0.05
"""Between two statements somebody else gets a turn: who is measured must not feel the measuring."""

MEDIA_SERVICES = ("worker", "api-1", "api-2", "api-3", "nginx")
"""Any of them sees the published files; the first that answers is asked. The front door, through
which everybody comes, comes last."""

# Celery's broker keeps waiting messages in the list, and those taken but not yet acknowledged here.
QUEUE_SCRIPT = "return redis.call('llen', 'photos') + redis.call('hlen', 'unacked')"

# Each row begins with the name of what it is about: all questions go to one session, one by one.
_UPLOADS = """
SELECT 'upload', p.id, p.user_id, p.status, j.id, j.status,
       left(regexp_replace(j.error, '\\s+', ' ', 'g'), 200),
       (SELECT count(*) FROM notifications AS n WHERE n.photo_id = p.id),
       extract(epoch FROM now() - j.updated_at)::int
FROM unnest({ids}::bigint[]) AS wanted (id)
JOIN photos AS p USING (id)
LEFT JOIN jobs AS j ON j.photo_id = p.id
"""
_KEYS = """
SELECT 'key', k.user_id, k.key, k.photo_id
FROM (VALUES {pairs}) AS wanted (user_id, key)
JOIN idempotency_keys AS k USING (user_id, key)
"""
_TWINS = """
SELECT 'twin', p.id, twin.id
FROM unnest({ids}::bigint[]) AS wanted (id)
JOIN photos AS p USING (id)
JOIN photos AS twin ON twin.checksum = p.checksum AND twin.user_id = p.user_id AND twin.id <> p.id
"""
_LIKES = """
SELECT 'like', l.photo_id, l.user_id
FROM (VALUES {pairs}) AS wanted (photo_id, user_id)
JOIN likes AS l USING (photo_id, user_id)
"""
# One statement is one snapshot: row and counter are compared as of the same moment.
_COUNTERS = """
SELECT 'counter', p.id, p.likes, count(l.user_id)
FROM unnest({ids}::bigint[]) AS wanted (id)
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
    found = _found(
        stack,
        [
            *(_UPLOADS.format(ids=_list(ids)) for ids in _chunks(uploads)),
            *(_KEYS.format(pairs=_pairs(some)) for some in _chunks(keys)),
            *(_TWINS.format(ids=_list(ids)) for ids in _chunks(uploads)),
            *(_LIKES.format(pairs=_pairs(pairs)) for pairs in _chunks(likes)),
            *(
                _COUNTERS.format(ids=_list(ids))
                for ids in _chunks(sorted({photo for photo, _ in likes}))
            ),
        ],
    )
    return Inventory(
        waiting=waiting,
        uploads=dict(map(_upload, found["upload"])),
        keys={(int(user), key): int(photo) if photo else None for user, key, photo in found["key"]},
        twins=[(int(one), int(other)) for one, other in found["twin"]],
        likes={(int(photo), int(user)) for photo, user in found["like"]},
        counters={
            int(photo): (int(counter), int(rows)) for photo, counter, rows in found["counter"]
        },
        files=_files(stack) if uploads else {},
    )


def _found(stack: Stack, statements: Sequence[str]) -> Mapping[str, list[list[str]]]:
    """The rows that all statements give, by what they are about, without that word."""
    found: dict[str, list[list[str]]] = defaultdict(list)
    if statements:
        breath = f";\nDO $$ BEGIN PERFORM pg_sleep({BREATH_S}); END $$;\n"
        for about, *row in quietly(stack, breath.join(statements)):
            found[about].append(row)
    return found


def _waiting(stack: Stack) -> int | None:
    try:
        done = stack.exec("redis-broker", ["redis-cli", "--raw", "eval", QUEUE_SCRIPT, "0"])
    except Failed:
        return None
    said = done.stdout.strip()
    return int(said) if done.code == 0 and said.isdigit() else None


def _upload(row: Sequence[str]) -> tuple[int, UploadSeen]:
    photo, user, status, job, job_status, error, notifications, idle = row
    return int(photo), UploadSeen(
        int(user), status, job, job_status, error, int(notifications), int(idle or 0)
    )


def _files(stack: Stack) -> dict[int, set[str]]:
    """The names of each photo's published files, empty files left out."""
    where = ["/media/public", "-mindepth", "2", "-maxdepth", "2"]
    which = ["-type", "f", "-size", "+0", "-name", "*.jpg", "-printf", "%P\\n"]
    problems: list[str] = []
    for service in MEDIA_SERVICES:
        try:
            # Behind whatever else the service has to do.
            done = stack.exec(service, ["nice", "find", *where, *which], timeout=FIND_TIMEOUT)
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


def _chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _list(ids: Collection[int]) -> str:
    return _literal("{" + ",".join(map(str, ids)) + "}")


def _pairs(pairs: Iterable[tuple[int | str, int | str]]) -> str:
    return ",".join(f"({_literal(one)},{_literal(other)})" for one, other in pairs)


def _literal(value: int | str) -> str:
    """As SQL has it. What is no number is quoted, whatever it is called: a ledger is written where
    anybody may reach it, and what is asked here is asked as superuser."""
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
