"""Asking a Redis server; and what of a cache expires when."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.command import CommandFailed
from lab.errors import Failed

if TYPE_CHECKING:
    from lab.stack import Stack

CACHE = "redis-cache"

TTL_MS = 30_000
"""How long Darkroom keeps an object."""

LONG_LIVED, LIVES = "circle:", 4
"""What Darkroom keeps for so many TTLs, by how its keys begin."""

LONGEST = 1.5
"""The longest that a life is spread to, as a share of it. What is kept for longer is served beyond
its expiry, so that nobody misses it."""

STEP_MS = 3_000
"""What expires within so short a time, one TTL after another, is loaded again at once, too."""

LEAST_STEP_MS = 100
"""Less than it takes to tell all of them when to end."""

FEW = 3

# A script for each page: one for all of it would keep every reader waiting. Hashes are the cached
# objects; what else is there (marks of recent writes, leases) is not to be touched.
_EVERY_PAGE = (
    "at=0; while :; do "
    'page=$(redis-cli -e EVAL "$0" 0 "$at" "$@") || { printf %s "$page" >&2; exit 1; }; '
    'printf "%s\\n" "$page" | tail -n +2; at=$(printf "%s\\n" "$page" | head -n 1); '
    '[ "$at" = 0 ] && exit; done'
)


def _page(what: str) -> str:
    """A script that does `what` to each `key` of a page, which has `left` of its `life` in ms; `n`
    counts them."""
    return f"""
        local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 500, 'TYPE', 'hash')
        local n, said = tonumber(redis.call('TIME')[2]), {{}}
        for _, key in ipairs(page[2]) do
          local life = {TTL_MS}
          if key:sub(1, {len(LONG_LIVED)}) == '{LONG_LIVED}' then life = life * {LIVES} end
          local left = redis.call('PTTL', key)
          if left >= 0 and left <= {LONGEST} * life then {what} end
        end
        return {{ page[1], table.concat(said, ' ') }}
    """


_TELL = _page("said[#said + 1] = left")
_MOVE = _page("redis.call('PEXPIREAT', key, ARGV[3])")
# Multiples of the golden ratio fall evenly into the unit interval, however many there are.
_SPREAD = _page(
    "n = n + 1; redis.call('PEXPIRE', key, 1 + math.floor(n * 0.6180339887 % 1 * life))"
)


def cli(stack: Stack, service: str, *words: str) -> list[str]:
    """The lines that `redis-cli WORDS` says in `service`. Raises `CommandFailed` for an error."""
    return _said(stack, service, ["redis-cli", "-e", *words])


def config_get(stack: Stack, service: str, name: str) -> str:
    """The value of a setting as the server has it now. Raises `Failed` where it has none."""
    said = cli(stack, service, "CONFIG", "GET", name)
    if len(said) != 2:
        raise Failed(f"{service} has no setting {name!r}")
    return said[1]


def config_set(stack: Stack, service: str, name: str, value: str) -> None:
    """Give a setting a value, until the server restarts. Raises `CommandFailed`."""
    cli(stack, service, "CONFIG", "SET", name, value)


def calls(stack: Stack, command: str) -> int:
    """How often redis-cache has been told `command` (in lower case), by its own count."""
    for line in cli(stack, CACHE, "INFO", "commandstats"):
        if line.startswith(f"cmdstat_{command}:calls="):
            return int(line.split("=")[1].split(",")[0])
    return 0


def lifetimes(stack: Stack, keys: str = "*") -> list[int]:
    """How many ms each cached object whose key is like `keys` has left, the shortest first."""
    return sorted(map(int, " ".join(_on_every_page(stack, _TELL, keys)).split()))


def require_some(stack: Stack, keys: str) -> None:
    """Raises `Failed` when the cache holds hardly an object like `keys`."""
    if (found := len(lifetimes(stack, keys))) < FEW:
        raise Failed(
            f"the cache holds {found} objects like {keys!r}: nobody would miss them",
            remedy="customers have to come first; `redis-cli --scan` in redis-cache shows keys",
        )


def in_step(lifetimes: Sequence[int]) -> bool:
    """Whether half of them or more end within `STEP_MS` of each other. They are in order.

    Of objects that nobody loads again only those are left, after a while, that end soon: they are
    in step when they end closely together for the time that is left to them.
    """
    if not lifetimes:
        return False
    step = min(STEP_MS, max(LEAST_STEP_MS, lifetimes[-1] // 4))
    most = max(bisect_left(lifetimes, left + step) - i for i, left in enumerate(lifetimes))
    return most >= max(FEW, len(lifetimes) / 2)


def expire_at_once(stack: Stack, keys: str, in_s: float) -> None:
    """Let the objects like `keys` expire at one moment, `in_s` seconds from now."""
    seconds, micros = map(int, cli(stack, CACHE, "TIME"))
    moment = seconds * 1000 + micros // 1000 + round(in_s * 1000)
    _on_every_page(stack, _MOVE, keys, str(moment))


def spread(stack: Stack, keys: str) -> None:
    """Let the objects like `keys` expire evenly, each within the life that it has in the cache."""
    _on_every_page(stack, _SPREAD, keys)


def _on_every_page(stack: Stack, script: str, *argv: str) -> list[str]:
    return _said(stack, CACHE, ["sh", "-c", _EVERY_PAGE, script, *argv])


def _said(stack: Stack, service: str, argv: list[str]) -> list[str]:
    done = stack.exec(service, argv)
    if done.code != 0:
        raise CommandFailed(argv, done.code, done.stderr or done.stdout)
    return done.stdout.splitlines()
