"""What a board must be like, said so that it can be checked without Grafana.

Each check looks at the JSON of one board and yields what it has to complain about. They are proven
in test_board_checks.py: each refuses a panel that was made bad by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lab import looks
from lab.boards import discover
from lab.signals import Signal
from tests.unit.boards import (
    CHAIN,
    FIRST_ROW,
    FIRST_SCREEN,
    IDS,
    MOST_QUERIES,
    OVERVIEW,
    ROOT,
    VALUES,
    Json,
    Look,
    defaults,
    steps,
)

Check = Callable[[Look], Iterator[str]]


def _named(panel: Json) -> str:
    return f"{panel['title']!r} ({panel['id']})"


def ids(look: Look) -> Iterator[str]:
    """1. A panel's id is in evidence that people have pasted: written down, and never reused."""
    written = IDS.get(look.made["uid"], {})
    there = {
        str(one["id"]): one["targets"][0]["expr"] if one.get("targets") else "(text)"
        for one in look.made["panels"]
        if one["type"] != "row"
    }
    for number in {*written} | {*there}:
        if written.get(number) != there.get(number):
            yield f"{number} asks {there.get(number)}, in panels.json {written.get(number)}"


def state_timelines(look: Look) -> Iterator[str]:
    """2. Yes and no have two colours that nobody takes for one another, without a pager, and each
    row has room for its name."""
    for panel in (one for one in look.panels if one["type"] == "state-timeline"):
        if panel["options"]["legend"]["showLegend"] or "perPage" in panel["options"]:
            yield f"{_named(panel)} has a legend or a pager"
        if look.strip(panel) or look.flags(panel):
            continue
        if steps(panel) != [(None, "red"), (1, looks.UP)]:
            yield f"{_named(panel)} cannot turn red: {steps(panel)}"
        words = defaults(panel)["mappings"][0]["options"]
        if [words["0"]["color"], words["1"]["color"]] != [colour for _, colour in steps(panel)]:
            yield f"{_named(panel)}: its words have other colours than its steps"
        rows = sum(_rows(one) for one in look.signals(panel))
        if panel["gridPos"]["h"] < 2 + 0.5 * rows:
            yield f"{_named(panel)} is too low for {rows} rows"


def _rows(signal: Signal) -> int:
    """As many series as the stack has when it is up."""
    if signal.component == "host":
        return len(
            re.findall(r"^  [a-z-]+:\n    <<", (ROOT / "docker-compose.yml").read_text(), re.M)
        )
    return 3 if {"service", "upstream"} & {*signal.split} else 2 if signal.split else 1


def legends(look: Look) -> Iterator[str]:
    """3. A legend is a table at the bottom, and the culprit is its first row; low panels have
    none."""
    wanted = {
        "showLegend": True,
        "displayMode": "table",
        "placement": "bottom",
        "calcs": ["max", "median", "lastNotNull"],
        "sortBy": "Max",
        "sortDesc": True,
    }
    for panel in (one for one in look.panels if one["type"] == "timeseries"):
        legend = panel["options"]["legend"]
        if panel["gridPos"]["h"] < 5:
            if legend["showLegend"]:
                yield f"{_named(panel)} has no room for a legend"
        elif legend != wanted:
            yield f"{_named(panel)}: {legend}"


def names(look: Look) -> Iterator[str]:
    """4. A line is called by what tells it apart, which no signal's name does."""
    for panel in look.panels:
        formats: dict[str, bool] = {}
        if look.strip(panel):
            continue
        for target, signal in zip(panel["targets"], look.signals(panel), strict=True):
            name = target["legendFormat"]
            if ":" in name:
                yield f"{_named(panel)}: {name}"
            if missing := [one for one in signal.split if f"{{{{{one}}}}}" not in name]:
                yield f"{_named(panel)} does not tell {missing} apart"
            if name in formats and not (signal.split and formats[name]):
                yield f"{_named(panel)} has two lines called {name}"
            formats[name] = bool(signal.split)


def scales(look: Look) -> Iterator[str]:
    """5. A scale does not zoom into noise: what fills a panel has moved."""
    for panel in (one for one in look.panels if one["type"] == "timeseries"):
        signals = look.signals(panel)
        custom = defaults(panel)["custom"]
        low, high = custom["axisSoftMin"], custom["axisSoftMax"]
        if low != 0:
            yield f"{_named(panel)} begins at {low}"
        whole = [
            one for one in signals if one.whole or (one.unit, one.direction) == ("ratio", "down")
        ]
        if whole:
            if high != 1:
                yield f"{_named(panel)} is of a whole, and reaches {high}"
        elif any(high < 1.999 * one.tolerance.floor for one in signals):
            yield f"{_named(panel)} reaches {high}: noise would fill it"
        if any(one.steady and high <= one.steady.value and high != 1 for one in signals):
            yield f"{_named(panel)} reaches {high}: its bound is outside"


def bounds(look: Look) -> Iterator[str]:
    """6. Red means broken, and nothing is green; what is not measured is not red."""
    for panel in (one for one in look.panels if one["type"] in ("stat", "timeseries")):
        bound = looks.bound(look.signals(panel))
        found = steps(panel)
        if any("green" in colour for _, colour in found):
            yield f"{_named(panel)} has a green step"
        number = panel["type"] == "stat"
        if bound is None:
            wanted = [(None, found[0][1])]
            if found[0][1] == "red":
                yield f"{_named(panel)} is red without a bound"
        elif bound[0] in ("<", "<="):
            wanted = [(None, "transparent"), (bound[1] or 1e-9, "red")]
        elif number:
            wanted = [(None, "transparent"), (-1e9, "red"), (bound[1], "transparent")]
        else:
            wanted = [(None, "red"), (bound[1], "transparent")]
        if found != wanted:
            yield f"{_named(panel)}: steps {found}, not {wanted}"
        if not number:
            style = defaults(panel)["custom"]["thresholdsStyle"]["mode"]
            if style != ("dashed" if bound and bound[1] else "off"):
                yield f"{_named(panel)}: its bound is {style}"


def numbers(look: Look) -> Iterator[str]:
    """7. A number is about now, and says what was promised."""
    for panel in (one for one in look.panels if one["type"] == "stat"):
        (target,), (signal,) = panel["targets"], look.signals(panel)
        if not target["instant"] or panel["options"]["graphMode"] != "none":
            yield f"{_named(panel)} is not about now"
        if signal.steady is not None:
            told = looks.promised(signal)
            if panel["title"] != told:
                yield f"{_named(panel)} does not say {told}"


UNITS = {"ratio": "percentunit", "bytes": "bytes", "1/s": "count:/s", "rows/s": "count:rows/s"}


def units(look: Look) -> Iterator[str]:
    """8. Rates by the second, ages in seconds however long, shares in per cent."""
    for panel in (one for one in look.panels if one["type"] in ("stat", "timeseries")):
        signal = look.signals(panel)[0]
        wanted = UNITS.get(signal.unit, "short")
        if signal.unit == "s":
            wanted = "suffix:s" if signal.tolerance.floor >= 1 else "s"
        elif signal.unit == "s/s":
            wanted = "suffix:s/s"
        if defaults(panel)["unit"] != wanted:
            yield f"{_named(panel)} is in {defaults(panel)['unit']}, not {wanted}"


def marks(look: Look) -> Iterator[str]:
    """9. What happened is a thin line where it began: what rang and what an operator did, and
    nothing that marks the fault. No mark falls into the corner of a panel without a time axis."""
    every = [one for one in look.made["annotations"]["list"] if one.get("expr")]
    if [one["name"] for one in every] != ["Pages", "Flags turned", "API started anew"]:
        yield f"the marks are {[one['name'] for one in every]}"
        return
    pages, flags, starts = every
    if "unless max_over_time(" not in pages["expr"]:
        yield "a page is a region"
    if "unless changes(" not in flags["expr"]:
        yield "a flag is a region"
    if starts.get("useValueForTime") is not True or "* 1000" not in starts["expr"]:
        yield "a start is marked when it is seen, not when it was"
    low = sorted(one["id"] for one in look.panels if one["gridPos"]["h"] == 3)
    for one in every:
        without = one.get("filter", {"exclude": True, "ids": []})
        if not without["exclude"] or sorted(without["ids"]) != low:
            yield f"{one['name']} are marked on the wrong panels"


def titles(look: Look) -> Iterator[str]:
    """10. A title is not cut off."""
    for panel in look.panels:
        most = {4: 14, 6: 24, 8: 34}.get(panel["gridPos"]["w"], 60)
        if panel["type"] == "stat" and look.signals(panel)[0].steady:
            most = 18
        if len(panel["title"]) > most:
            yield f"{_named(panel)} is longer than {most}"


def first_screen(look: Look) -> Iterator[str]:
    """11. The first screen names the layer: promises, and the chain from left to right; elsewhere
    a whole row of panels."""
    if look.made["uid"] != OVERVIEW:
        heads = [one for one in look.made["panels"] if one["type"] == "row"]
        first = [
            one
            for one in look.panels
            if one["gridPos"]["y"] == 1 or (len(heads) == 1 and one["gridPos"]["y"] == 0)
        ]
        if not first or any(one["gridPos"]["y"] + one["gridPos"]["h"] > FIRST_ROW for one in first):
            yield "the first row of panels does not fit"
        return
    glance = [one for one in look.panels if one["gridPos"]["h"] == 3]
    end = max(one["gridPos"]["y"] + one["gridPos"]["h"] for one in glance)
    if end > FIRST_SCREEN:
        yield f"what one looks at first ends at {end}"
    if any(one["type"] == "row" and one["gridPos"]["y"] < end for one in look.made["panels"]):
        yield "a title stands between"
    rows: dict[int, list[str]] = {}
    for one in sorted(glance, key=lambda one: (one["gridPos"]["y"], one["gridPos"]["x"])):
        for link in defaults(one).get("links", []):
            rows.setdefault(one["gridPos"]["y"], []).append(link["url"].split("?")[0][3:])
    if [*rows.values()] != [[*CHAIN]] * 4:
        yield f"the chain is {[*rows.values()]}"


def links(look: Look) -> Iterator[str]:
    """12. Each board is a click from each other, in the same minutes."""
    wanted = [(f"/d/{one.uid}", one.short) for one in discover() if one.uid != look.made["uid"]]
    if [(one["url"], one["title"]) for one in look.made["links"]] != wanted:
        yield f"links to {[one['url'] for one in look.made['links']]}"
    for one in look.made["links"]:
        if one["type"] != "link" or not one["keepTime"] or "placement" in one:
            yield f"the link to {one['title']} loses the time, or hides in a menu"
    for panel in look.panels:
        for link in defaults(panel).get("links", []):
            if not link["url"].endswith("?${__url_time_range}"):
                yield f"{_named(panel)} leads to other minutes"


def queries(look: Look) -> Iterator[str]:
    """13. What is asked for are signals, so that what is seen can be given as evidence; and not too
    many of them at a time."""
    for panel in look.panels:
        if not panel["targets"]:
            yield f"{_named(panel)} asks for nothing"
        for target in panel["targets"]:
            if target["datasource"] != {"type": "prometheus", "uid": "prometheus"}:
                yield f"{_named(panel)} asks somebody else"
            if target["expr"] not in look.catalogue and not look.strip(panel):
                yield f"{_named(panel)} asks for {target['expr']}"
    if len(look.panels) > MOST_QUERIES:
        yield f"{len(look.panels)} requests at a time"


def overrides(look: Look) -> Iterator[str]:
    """14. What is given a colour by its name has such a name."""
    for panel in look.panels:
        possible = [name for target in panel["targets"] for name in _names(target, look)]
        for one in panel["fieldConfig"]["overrides"]:
            if one["matcher"]["id"] != "byRegexp":
                continue
            pattern = one["matcher"]["options"]
            try:
                found = re.compile(pattern[1:-1])
            except re.error as error:
                yield f"{_named(panel)}: {pattern}: {error}"
                continue
            if pattern[0] + pattern[-1] != "//" or not any(map(found.search, possible)):
                yield f"{_named(panel)}: nothing is called {pattern}"


def _names(target: Json, look: Look) -> Iterator[str]:
    found = [target["legendFormat"]]
    for label in look.catalogue[target["expr"]].split if target["expr"] in look.catalogue else ():
        found = [
            name.replace(f"{{{{{label}}}}}", value) for name in found for value in VALUES[label]
        ]
    yield from found


CHECKS: tuple[Check, ...] = (
    *(ids, state_timelines, legends, names, scales, bounds, numbers),
    *(units, marks, titles, first_screen, links, queries, overrides),
)
