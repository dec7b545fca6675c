"""Coming home: in which order faults are healed, and what is remembered of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab import faults, restore
from lab.doors import Doors
from lab.errors import Failed
from lab.progress import QUIET
from tests.unit.world import World, doors_to

HOME = {"limit": 0, "route": 0, "index": 0}


class Settings:
    """A system of a few settings. Each fault sets one of them and keeps, as every fault does, what
    it found; `deaf` counts how often each is still not to be mended."""

    def __init__(self) -> None:
        self.now = dict(HOME)
        self.deaf: dict[str, int] = {}

    def token(self, name: str, value: int) -> str:
        return json.dumps({"name": name, "before": self.now[name], "after": value})

    def inject(self, _: object, __: str, token: str) -> None:
        kept = json.loads(token)
        self.now[kept["name"]] = kept["after"]

    def active(self, _: object, __: str, token: str) -> bool:
        kept = json.loads(token)
        return bool(self.now[kept["name"]] == kept["after"] != kept["before"])

    def heal(self, _: object, name: str, token: str) -> None:
        if self.deaf.get(name, 0) > 0:
            self.deaf[name] -= 1
            raise Failed(f"{name} does not answer")
        kept = json.loads(token)
        self.now[kept["name"]] = kept["before"]


@contextmanager
def broken(
    planned: list[tuple[str, int]], deaf: Mapping[str, int]
) -> Iterator[tuple[Doors, Settings, pytest.MonkeyPatch]]:
    """An incident with those faults, one after the other, and a stack that starts when asked."""
    system = Settings()
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for name in ("inject", "active", "heal"):
            patch.setattr(faults, name, getattr(system, name))
        patch.setattr(faults, "readable", lambda *_: True)
        patch.setattr(restore, "prove_home", lambda *_: None)
        with doors_to(World(), Path(folder)) as doors:
            number = doors.journal.begin("night", 1, "{}", 1.0)
            for order, (name, value) in enumerate(planned):
                token = system.token(name, value)
                doors.journal.plan(number, f"fault{order}", token, 1.0)
                system.inject(None, name, token)
            system.deaf = dict(deaf)
            yield doors, system, patch


FAULTS = st.lists(st.tuples(st.sampled_from(sorted(HOME)), st.integers(1, 9)), max_size=6)


@settings(deadline=None)
@given(FAULTS, st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)))
def test_whatever_was_done_in_whatever_order_is_undone(
    planned: list[tuple[str, int]], late: set[int], slow: set[int]
) -> None:
    """Faults that touch the same thing, also when some can only be mended once the stack is up, and
    some are mended ahead of their turn since they make the others slow: what is healed is the state
    from before the first of them."""
    hindering = {f"fault{number}" for number in slow}
    with broken(planned, {f"fault{number}": 1 for number in late}) as (doors, system, patch):
        patch.setattr(faults, "hinders", lambda name: name in hindering)
        restore.come_home(doors, QUIET)
        assert system.now == HOME
        assert doors.journal.unhealed() == []


def test_what_makes_healing_slow_is_healed_first() -> None:
    """An index is not built again on the eighth of a core that the night gave its database."""
    with broken([("limit", 1), ("index", 2)], {}) as (doors, system, patch):
        order: list[str] = []
        mend = system.heal
        patch.setattr(faults, "hinders", lambda name: name == "fault0")
        patch.setattr(
            faults,
            "heal",
            lambda stack, name, token: (order.append(name), mend(stack, name, token)),
        )
        restore.come_home(doors, QUIET)
        assert order == ["fault0", "fault1", "fault0"]
        assert system.now == HOME


def test_what_is_healed_stays_so_where_another_is_not() -> None:
    """A fault that does not go is named, and is all that is left for the next time."""
    with broken([("limit", 1), ("route", 2)], {}) as (doors, system, patch):
        shown = system.active
        patch.setattr(
            faults,
            "active",
            lambda stack, name, token: name == "fault0" or shown(stack, name, token),
        )
        with pytest.raises(Failed, match="fault0"):
            restore.come_home(doors, QUIET)
        assert [fault.name for fault in doors.journal.unhealed()] == ["fault0"]


def test_what_comes_back_is_to_be_healed_again() -> None:
    """A command that lands after the healing is seen at the end, and is in the journal again."""
    with broken([("limit", 1)], {}) as (doors, system, patch):
        patch.setattr(restore, "prove_home", lambda *_: system.now.update({"limit": 1}))
        with pytest.raises(Failed, match="fault0"):
            restore.come_home(doors, QUIET)
        assert [fault.name for fault in doors.journal.unhealed()] == ["fault0"]
        patch.setattr(restore, "prove_home", lambda *_: None)
        restore.come_home(doors, QUIET)
        assert system.now == HOME
