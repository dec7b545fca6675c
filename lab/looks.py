"""How a signal looks wherever it is shown: what its lines are called, their colours, its bound.

Pure, and the one place for it: Grafana's boards, the control room, the terminal and the report ask
here. Units, bounds and tolerances are the catalogue's; the only tables are those of colours.

Quiet when well: nothing is green, and red means broken. The same thing has the same colour
everywhere, and colour alone says nothing: names do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from lab.series import Condition, Op
from lab.signals import Signal
from lab.units import measure

BROKEN = "#E02F44"
"""What breaks a promise, and nothing else; read on white and on black."""

UP = "#41658A"
"""Of a state that is well: told from red also by those who see no red."""

INKS = ("#5A9CF5", "#E69F00", "#2BA784", "#CC79A7")
"""Several signals of one chart, in their order."""

REST = "#8E8E8E"
"""What stands for all together, and what nobody has given a colour."""

CROWD = (
    *("#22AAFF", "#DD8800", "#AA0099", "#447700"),
    *("#EE88CC", "#1155FF", "#BB9977", "#337766"),
)
"""More lines than anybody names: eight colours that are told apart on light and on dark, also
without seeing red or green (tests/unit/test_looks.py says how well). None of them is a red."""

_REPLICAS = {"api-1": INKS[0], "api-2": INKS[1], "api-3": INKS[2]}
_SERVERS = {"postgres-primary": "#A352CC", "postgres-replica": "#E07BB0"}
_STORES = {"redis-cache": "#C98B5B", "redis-broker": "#E6B58C"}

COLOURS: dict[str, dict[str, str]] = {
    "state": {
        "active": INKS[0],
        "idle": REST,
        "idle in transaction": INKS[1],
        "reading": INKS[2],
        "writing": INKS[1],
        "waiting": REST,
    },
    "class": {"2xx": REST, "3xx": INKS[0], "4xx": INKS[1], "5xx": BROKEN},
    "outcome": {
        "http_5xx": INKS[1],
        "timeout": INKS[3],
        "connection": INKS[2],
        "wrong": "#AA0099",
        "dropped": INKS[0],
        "refused": INKS[0],
        "slot_timeout": "#C98B5B",
        "http_4xx": REST,
    },
    "upstream": _REPLICAS,
    "server": {**_SERVERS, **_STORES},
    "service": {
        **_REPLICAS,
        **_SERVERS,
        **_STORES,
        "nginx": "#56C3E0",
        "worker": "#D4B106",
        "partner": "#2BA784",
    },
}
"""Label -> value -> colour, of what there are few of."""

_NAMES = """
feed photo user_photos user like upload album circle job media rank sign

moderation_checksum moderation_latest moderation_today upload_accept upload_claim upload_earlier
upload_permit job_begin job_finish jobs_lost likes album_photos ready

photos users follows albums jobs notifications idempotency_keys heartbeat

photos_user_recent_idx photos_checksum_idx photos_pkey users_pkey likes_pkey albums_user_idx
photos_album_recent_idx jobs_open_idx follows_pkey follows_followee_idx albums_pkey jobs_pkey
jobs_photo_id_key notifications_once notifications_pkey idempotency_keys_pkey users_handle_key
heartbeat_pkey

/api/feed /api/photos/{photo_id} /api/users/{user_id}/photos /api/photos /api/users/{user_id}
/api/photos/{photo_id}/like /api/albums/{album_id} /api/users/{user_id}/circle /api/jobs/{job_id}

shed rate_limit serve_stale single_flight early_refresh ttl_jitter

default fallback own_write
"""

CROWDS = tuple(tuple(group.split()) for group in _NAMES.split("\n\n"))
"""Names of crowds: what is asked for, other statements, other tables, indexes, routes, flags,
reasons. Each group begins with what is mostly on top; neighbours differ in colour. A name that is
not here is `REST`."""

_PLACES = {name: place for group in CROWDS for place, name in enumerate(group)}

ENDS = ("state", "class", "outcome")
"""Labels that say how something ended or is: they colour a line before what it is about."""

CROWDED = {
    *("statement", "index", "table", "query", "operation", "route", "flag", "object", "reason"),
}
"""Labels with more values than a person tells apart by colour."""

WHERE = ("pool", "upstream", "service", "server")
"""Labels that say where; whatever else there is says more, and stands before them."""

SECOND = r"(^|[ ·])(postgres-)?replica($| ·)"
"""Names of lines that are of the replica, where there is one of the primary, too."""

LONGEST = 25
"""Characters of a statement without a name; of a longer one the first 22 are shown."""

_SIGNS: dict[Op, str] = {"<=": "≤", ">=": "≥", "<": "<", ">": ">"}


# -- names ----------------------------------------------------------------------------------------


def telling_first(labels: Sequence[str]) -> list[str]:
    """The labels of a series, the most telling first; its own name (`__name__`) is none."""
    told = [one for one in labels if not one.startswith("__")]
    return sorted(told, key=lambda one: WHERE.index(one) if one in WHERE else -1)


def called(labels: Mapping[str, str]) -> str:
    """What tells a line apart: "moderation_checksum · primary"; empty where nothing has to."""
    values = [labels[one] for one in telling_first(list(labels)) if labels[one]]
    if len(values) > 1:
        values = [values[0], *(one.removeprefix("postgres-") for one in values[1:])]
    if len(values) > 1 and "statement" in labels and len(values[0]) >= LONGEST:
        values[0] = f"{values[0][:22]}…"
    return " · ".join(values)


def prefixes(signals: Sequence[Signal]) -> list[str]:
    """For each signal of one chart what its lines are called before their labels: nothing where the
    labels tell enough, else the word that the signal does not share with the others. The whole
    beside its parts is "all"."""
    if len(signals) > 1 and all(one.short and not one.split for one in signals):
        return [one.short or "" for one in signals]
    words = _unshared([one.name.split(":") for one in signals])
    split = [(one, word) for one, word in zip(signals, words, strict=True) if one.split]
    if len(split) == len(signals) and len({one.split for one in signals}) == 1:
        return words
    return [
        "" if one.split else "all" if any(word in other for _, other in split) else word
        for one, word in zip(signals, words, strict=True)
    ]


def _unshared(parts: list[list[str]]) -> list[str]:
    if len(parts) == 1:
        return [""]
    while len({one[0] for one in parts}) == 1:
        parts = [one[1:] for one in parts]
    while len({one[-1] for one in parts}) == 1:
        parts = [one[:-1] for one in parts]
    return [" ".join(one).replace("_", " ") for one in parts]


def promise(condition: Condition, signal: Signal | None) -> str:
    """A condition of a signal as people say it: "p95 ≤ 500 ms". One without a short name, or that
    the catalogue does not know (None), has its own name."""
    unit = signal.unit if signal else "count"
    about = called(condition.where)
    what = (signal and signal.short) or condition.signal
    bound = f"{_SIGNS[condition.op]} {measure(condition.value, unit)}"
    return f"{what}{f' of {about}' if about else ''} {bound}"


def promised(signal: Signal) -> str:
    """What a number of a signal is called: with its bound where it has one."""
    condition = signal.condition()
    return promise(condition, signal) if condition else signal.short or signal.name


def said(value: float, signal: Signal) -> str:
    """A value of a signal with its unit, or in the words that the catalogue has for it."""
    if value in signal.words:
        return signal.words[value]
    if signal.ceiling is not None and value >= signal.ceiling:
        return f"≥ {measure(signal.ceiling, signal.unit)}"
    return measure(value, signal.unit)


# -- scales ---------------------------------------------------------------------------------------


def bound(signals: Sequence[Signal]) -> tuple[Op, float] | None:
    """What holds when all is well, of the first of several signals that have such a bound."""
    found = next((one.steady for one in signals if one.steady is not None), None)
    return (found.op, found.value) if found else None


def top(signals: Sequence[Signal]) -> float:
    """How far a scale reaches at least: a share of a whole to the whole, all else to where it
    would have moved twice over, and past its bound. So a line that fills a chart has moved."""
    if any(one.whole or (one.unit == "ratio" and one.direction == "down") for one in signals):
        return 1.0
    _, limit = bound(signals) or ("<=", 0.0)
    reaches = max(1.2 * limit, *(2 * one.tolerance.floor for one in signals))
    return float(f"{reaches:.3g}")


# -- colours --------------------------------------------------------------------------------------


def crowded(signals: Sequence[Signal]) -> bool:
    """Whether there are more lines than a person tells apart by colour."""
    return any(
        CROWDED.intersection(one.split) or (one.component == "host" and one.split)
        for one in signals
    )


def inks(signals: Sequence[Signal]) -> list[str]:
    """The colours of several signals of one chart, where no label has one: in their order; the
    whole beside its parts is `REST`."""
    parts = any(one.split for one in signals)
    return [
        REST if parts and not one.split else INKS[place % len(INKS)]
        for place, one in enumerate(signals)
    ]


def colour(labels: Mapping[str, str]) -> str | None:
    """The colour of a line, wherever it is drawn; None where no label has one, and the chart gives
    each of its signals one of its `inks`."""
    first, *others = telling_first(list(labels)) or [""]
    if not first:
        return None
    if first in CROWDED and not {*ENDS}.intersection(labels):
        second = any(labels[one].endswith("replica") for one in others)
        return crowd_colour(labels[first], second=second)
    for label in (one for one in COLOURS if one in labels):
        if known := COLOURS[label].get(labels[label]):
            return known
    value = labels.get("service") or labels.get("upstream") or ""
    return _more(value) or REST


def dashed(labels: Mapping[str, str]) -> bool:
    """Whether a line is of the replica where there is one of the primary, too, in the same colour.
    Crowds have other colours instead: dashes of many are dear to draw."""
    first, *others = telling_first(list(labels)) or [""]
    where = [labels[one] for one in (first, *others) if one in ("pool", "server")]
    return bool(others) and first not in CROWDED and any(one.endswith("replica") for one in where)


def crowd_colour(name: str, *, second: bool = False) -> str:
    """The colour of one of many; the same of the replica (`second`) has another."""
    if name not in _PLACES:
        return REST
    return CROWD[(_PLACES[name] + len(CROWD) // 2 * second) % len(CROWD)]


def _more(replica: str) -> str | None:
    """Replicas that have joined are called after their address: neighbours differ in its end."""
    return CROWD[int(replica[-1]) % 5] if re.fullmatch(r"api@.*\d", replica) else None


def patterns(signals: Sequence[Signal]) -> Iterator[tuple[str, str]]:
    """The same for lines that are known by their names alone: regular expressions and colours, for
    the lines of one chart. What none of them fits is `REST`."""
    split = next((one for one in signals if one.split), None)
    if split is None:
        return
    first, *others = telling_first(split.split)
    if first in CROWDED and not {*ENDS}.intersection(others):
        yield from _crowd_patterns(bool(others))
        return
    for label in (one for one in COLOURS if one in split.split):
        # Every container is a service; where the API is measured there are its replicas only.
        every = label != "service" or split.component == "host"
        for value, known in (COLOURS[label] if every else _REPLICAS).items():
            yield f"(^|[ ·]){_plain(value)}($| ·)", known
        if label in ("service", "upstream"):
            for end in range(5):
                yield f"(^|[ ·])api@.*[{end}{end + 5}]($| ·)", CROWD[end]
        return


def _crowd_patterns(several: bool) -> Iterator[tuple[str, str]]:
    for place, known in enumerate(CROWD):
        names = {
            second: "|".join(
                _plain(name)
                for name in chain.from_iterable(CROWDS)
                if crowd_colour(name, second=second) == known
            )
            for second in (False, True)
        }
        if several:
            second = "(postgres-)?replica$"
            yield (
                f"^({names[False]}) · (?!{second})|^({names[True]}) · {second}",
                CROWD[place],
            )
        else:
            yield f"^({names[False]})$", CROWD[place]


def _plain(text: str) -> str:
    """Escaped for JavaScript and Python alike."""
    return re.sub(r"([.{}()\[\]+*?^$|\\/])", r"\\\1", text)
