"""flags: lists the operator's switches, and sets them.

    flags                    each flag: name, value, default, meaning
    flags set NAME VALUE     VALUE is on or off, or a number where the flag has one
    flags unset NAME         back to its default

All replicas take a change up within about a second. redis-cli does it as well, on redis-broker:
HSET flags NAME VALUE, HDEL flags NAME.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from darkroom.config import BadConfig, Config
from darkroom.flags import FLAGS, KEY, BadFlag, find

_TIMEOUT = 2.0


def main(argv: Sequence[str]) -> int:
    """0; 1 when the broker does not answer; 2 for a name or value that is none."""
    try:
        return _run(list(argv), _broker())
    except (BadFlag, BadConfig) as error:
        _complain(str(error))
        return 2
    except (RedisError, OSError) as error:
        _complain(f"redis-broker does not answer: {error}")
        return 1


def _run(argv: list[str], broker: Redis) -> int:
    match argv:
        case [] | ["list"]:
            _list(broker)
        case ["set", name, text]:
            flag = find(name)
            value = flag.show(flag.parse(text))
            broker.hset(KEY, name, value)
            _say(f"{name} is {value}")
        case ["unset", name]:
            flag = find(name)
            broker.hdel(KEY, name)
            _say(f"{name} is {flag.show(flag.default)}, its default")
        case ["--help" | "-h" | "help"]:
            _say((__doc__ or "").strip())
        case _:
            _complain(f"{' '.join(argv)!r} is nothing that I can do; `flags help` tells what is")
            return 2
    return 0


def _list(broker: Redis) -> None:
    fields = broker.hgetall(KEY)
    complaints: list[str] = []
    rows = [("FLAG", "VALUE", "DEFAULT", "MEANING")]
    for name, flag in FLAGS.items():
        default = flag.show(flag.default)
        try:
            shown = flag.show(flag.parse(fields.pop(name))) if name in fields else default
        except BadFlag as error:
            shown = "?"
            complaints.append(f"{error}; it is ignored")
        rows.append((name, shown, default, flag.meaning))
    complaints += [f"there is no flag {name!r}; it is ignored" for name in fields]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        _say("  ".join([*cells, row[3]]))
    for words in complaints:
        _complain(words)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _complain(words: str) -> None:
    sys.stderr.write(f"flags: {words}\n")


def _broker() -> Redis:
    config = Config.from_env(os.environ)
    return Redis(
        host=config.broker_host,
        password=config.broker_password,
        decode_responses=True,
        encoding_errors="replace",
        socket_timeout=_TIMEOUT,
        socket_connect_timeout=_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        client_name="flags",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
