"""What the stack is like at home, thing by thing, and what somebody has made of it since.

One file for each kind of thing in this folder, nothing else to edit. What is at home is read once,
when the containers were made, and kept beside the journal; whatever differs later, and was not the
lab's own doing (that is healed from tokens, before anything is compared), is put back and listed.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from lab.compose import HASH_LABEL, SERVICE_LABEL
from lab.files import replace_file

if TYPE_CHECKING:
    from lab.stack import Stack

Things = Mapping[str, str]
"""Name -> what it is like, of one kind."""

FILE = "manifest.json"

FORMAT = "2"
"""How kinds name their things and tell what they are like. What was kept in another is no record:
everything would differ."""


@dataclass(frozen=True, slots=True)
class Change:
    """A thing that is not as it is at home. `before` is what it is like there, `after` what it was
    found like; None is: there is none."""

    kind: str
    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        found = f"{self.kind} {self.name}: {'missing' if self.after is None else self.after}"
        return found if self.before is None else f"{found}, at home {self.before}"


class Kind(ABC):
    """One kind of thing that somebody on call may change. Stateless.

    Any method may raise `LabError` where the stack does not let it work.
    """

    name: ClassVar[str]
    """The noun, as a person reads it."""

    needs_services: ClassVar[bool] = True
    """Whether it is read from running services, and not from their containers. Containers come
    first: what is changed there is replaced when the services start."""

    as_shipped: ClassVar[Things | None] = None
    """What there is at home, where that needs no looking."""

    @abstractmethod
    def read(self, stack: Stack) -> Things:
        """What is there now. Changes nothing, and leaves no trace in what a learner sees."""

    @abstractmethod
    def put_back(self, stack: Stack, changes: Sequence[Change]) -> None:
        """Make it as it is at home; done with, at the latest, when the services were started."""


@cache
def kinds() -> tuple[Kind, ...]:
    """Every kind that there is a file for, in the order of their files."""
    found: list[Kind] = []
    for info in pkgutil.iter_modules(__path__):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{info.name}")
            found += [
                kind()
                for kind in vars(module).values()
                if isinstance(kind, type)
                and issubclass(kind, Kind)
                and kind.__module__ == module.__name__
            ]
    return tuple(found)


def keep(stack: Stack) -> None:
    """Keep what is at home now, unless that is on record for containers made like these.

    To be called when everything is up, and as it was shipped.
    """
    made = _made_from(stack)
    if _recorded(stack).get("made_from") == made:
        return
    record = {
        "format": FORMAT,
        "made_from": made,
        **{kind.name: things for kind, things in _read(stack, kinds())},
    }
    replace_file(stack.home.dir / FILE, json.dumps(record, indent=1, sort_keys=True))


def made_otherwise(stack: Stack, services: Iterable[str]) -> list[str]:
    """Of these services those that are made from another image or configuration than at home; none
    where nobody has kept that. One that has no container is none. Raises `LabError`."""
    home, now = _recorded(stack).get("made_from", {}), _made_from(stack)
    return [one for one in services if one in home and one in now and home[one] != now[one]]


def put_back(stack: Stack, *, needs_services: bool) -> list[Change]:
    """Put back what differs from home in the kinds that need running services, or in the others.

    Returns what differed, by kind and name; where nobody has kept what is at home, nothing does.
    After the kinds of containers the services are to be started, and after the others too, once
    more: some changes cannot be undone without a new container.
    """
    recorded = _recorded(stack)
    if needs_services and recorded.get("made_from") != _made_from(stack):
        # They are of another version by now: what differs came with it.
        recorded = {}
    changed: list[Change] = []
    for kind, now in _read(stack, [one for one in kinds() if one.needs_services == needs_services]):
        home = recorded.get(kind.name, now) if kind.as_shipped is None else kind.as_shipped
        found = sorted(_differences(kind.name, home, now), key=str)
        if found:
            kind.put_back(stack, found)
            changed += found
    return changed


def _read(stack: Stack, wanted: Iterable[Kind]) -> list[tuple[Kind, Things]]:
    with ThreadPoolExecutor(4) as pool:
        asked = [(kind, pool.submit(kind.read, stack)) for kind in wanted]
        return [(kind, answer.result()) for kind, answer in asked]


def _differences(kind: str, home: Things, now: Things) -> Iterable[Change]:
    for name in {*home, *now}:
        if home.get(name) != now.get(name):
            yield Change(kind, name, home.get(name), now.get(name))


def _recorded(stack: Stack) -> dict[str, Things]:
    try:
        found = json.loads((stack.home.dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
        return {}
    return found if all(isinstance(things, dict) for things in found.values()) else {}


def _made_from(stack: Stack) -> Things:
    """Of each service its image, and its configuration as compose has summed it up."""
    return {
        one["Labels"][SERVICE_LABEL]: f"{one['ImageID']} {one['Labels'].get(HASH_LABEL, '')}"
        for one in stack.project.containers()
        if one["Labels"][SERVICE_LABEL] in stack.expected
    }
