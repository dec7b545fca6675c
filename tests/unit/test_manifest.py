"""What is at home, and what somebody has made of it: found, put back, and told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab import manifest
from lab.ending import chosen, end, history_of
from lab.errors import MachineLacks
from lab.manifest import Change, Kind
from lab.manifest.role_settings import RoleSettings, _undoing
from lab.progress import QUIET
from lab.restore import bring_up, restore
from tests.unit.test_incident import mend, started
from tests.unit.world import World, doors_to, write_scenario


class Shelf(Kind):
    """A kind whose things are in a dictionary."""

    def __init__(self, name: str, things: Mapping[str, str], *, within: bool) -> None:
        self.name, self.needs_services = name, within  # type: ignore[misc]
        self.things = dict(things)

    def read(self, _: object) -> Mapping[str, str]:
        return dict(self.things)

    def put_back(self, _: object, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.before is None:
                del self.things[change.name]
            else:
                self.things[change.name] = change.before


THINGS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("xyz"))


@settings(deadline=None)
@given(st.lists(st.tuples(THINGS, THINGS, st.booleans()), max_size=3))
def test_whatever_differs_is_told_and_put_back(
    shelves: list[tuple[dict[str, str], dict[str, str], bool]],
) -> None:
    """Of any kinds, whatever became of their things: each difference is told once, nothing else is,
    and all is as it was."""
    from tempfile import TemporaryDirectory

    found = [Shelf(f"k{nth}", home, within=w) for nth, (home, _, w) in enumerate(shelves)]
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "kinds", lambda: tuple(found))
        patch.setattr(manifest, "_made_from", lambda _: {})
        with doors_to(World(), Path(folder)) as doors:
            manifest.keep(doors.stack)
            for shelf, (_, changed, _) in zip(found, shelves, strict=True):
                shelf.things = dict(changed)
            told = [
                change
                for within in (False, True)
                for change in manifest.put_back(doors.stack, needs_services=within)
            ]
    differing = {
        (f"k{nth}", name, home.get(name), changed.get(name))
        for nth, (home, changed, _) in enumerate(shelves)
        for name in {*home, *changed}
        if home.get(name) != changed.get(name)
    }
    assert {(one.kind, one.name, one.before, one.after) for one in told} == differing
    assert len(told) == len(differing)
    assert [shelf.things for shelf in found] == [home for home, _, _ in shelves]


def test_what_is_at_home_is_kept_until_the_containers_are_made_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coming home, or starting, when something was changed does not make that home."""
    shelf = Shelf("limit", {"cpus": "1"}, within=False)
    made = {"api": "image one"}
    monkeypatch.setattr(manifest, "kinds", lambda: (shelf,))
    monkeypatch.setattr(manifest, "_made_from", lambda _: dict(made))
    with doors_to(World(), tmp_path) as doors:
        manifest.keep(doors.stack)
        shelf.things = {"cpus": "2"}
        manifest.keep(doors.stack)
        assert manifest.put_back(doors.stack, needs_services=False) != []
        made["api"] = "image two"
        shelf.things = {"cpus": "3"}
        manifest.keep(doors.stack)
        assert manifest.put_back(doors.stack, needs_services=False) == []


def test_what_an_older_lab_kept_in_its_own_words_is_no_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything would differ, and nothing was changed; it is kept anew."""
    shelf = Shelf("schema", {"column photos.id": "bigint"}, within=True)
    monkeypatch.setattr(manifest, "kinds", lambda: (shelf,))
    monkeypatch.setattr(manifest, "_made_from", lambda _: {})
    with doors_to(World(), tmp_path) as doors:
        kept = doors.stack.home.dir / manifest.FILE
        kept.write_text('{"made_from": {}, "schema": {"table photos": "id bigint"}}')
        assert manifest.put_back(doors.stack, needs_services=True) == []
        manifest.keep(doors.stack)
        shelf.things = {}
        assert len(manifest.put_back(doors.stack, needs_services=True)) == 1


def test_what_came_with_a_new_version_is_nobodys_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Services that were made anew from other images are what is at home now."""
    shelf = Shelf("Redis setting", {"maxmemory": "64mb"}, within=True)
    made = {"redis-cache": "image one"}
    monkeypatch.setattr(manifest, "kinds", lambda: (shelf,))
    monkeypatch.setattr(manifest, "_made_from", lambda _: dict(made))
    world = World()
    with doors_to(world, tmp_path) as doors:
        manifest.keep(doors.stack)

        def upgrade() -> None:
            made["redis-cache"] = "image two"
            shelf.things = {"maxmemory": "128mb"}

        world.on_up = upgrade
        assert bring_up(doors, QUIET) == []
        assert shelf.things == {"maxmemory": "128mb"}
        world.on_up = lambda: None
        shelf.things = {"maxmemory": "1mb"}
        assert [one.before for one in bring_up(doors, QUIET)] == ["128mb"]


def test_a_draft_that_was_cut_off_is_no_record(tmp_path: Path) -> None:
    """Half a file says nothing of home; then nothing is taken for changed."""
    with doors_to(World(), tmp_path) as doors:
        (doors.home.dir / manifest.FILE).write_text('{"made_fr')
        assert manifest.put_back(doors.stack, needs_services=False) == []
        manifest.keep(doors.stack)
        assert "made_from" in json.loads((doors.home.dir / manifest.FILE).read_text())


def test_the_end_lists_what_was_changed_by_hand(tmp_path: Path) -> None:
    """In what it returns and in the history, and so in the report; and it is as it was."""
    write_scenario(tmp_path)
    world = World()
    with doors_to(world, tmp_path) as doors:
        started(doors, world)
        mend(world)
        world.flags["shed"] = "on"
        told = [str(change) for change in end(doors, QUIET).put_back]
        assert told == ["flag shed: on"]
        history = history_of(chosen(doors, None))
        assert [event.detail for event in history.of_kind("put-back")] == told
        assert world.flags == {}
        assert restore(doors, QUIET).put_back == ()


def test_a_night_does_not_begin_with_what_the_last_one_left(tmp_path: Path) -> None:
    """What was changed while nothing was on is put back before anything is measured."""
    write_scenario(tmp_path)
    world = World()
    with doors_to(world, tmp_path) as doors:
        world.flags["shed"] = "on"
        started(doors, world)
        assert world.flags == {}


def test_an_engine_that_does_not_run_yet_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be looked at before: what was changed from outside is put back afterwards."""
    shelf = Shelf("limit", {"cpus": "1"}, within=False)
    world = World()
    down: set[str] = set()

    def read(_: object) -> Mapping[str, str]:
        if down:
            raise MachineLacks("no Docker engine answers")
        return dict(shelf.things)

    monkeypatch.setattr(shelf, "read", read)
    monkeypatch.setattr(manifest, "kinds", lambda: (shelf,))
    monkeypatch.setattr(manifest, "_made_from", lambda _: {})
    with doors_to(world, tmp_path) as doors:
        manifest.keep(doors.stack)
        shelf.things = {"cpus": "2"}
        down.add("engine")
        world.on_up = down.clear
        changed = bring_up(doors, QUIET)
    assert [str(one) for one in changed] == ["limit cpus: 2, at home 1"]
    assert shelf.things == {"cpus": "1"}


@pytest.mark.parametrize(
    ("change", "statement"),
    [
        (
            Change("", "darkroom in *: statement_timeout", "5s", "1min"),
            'ALTER ROLE "darkroom" SET "statement_timeout" TO \'5s\'',
        ),
        (
            Change("", "darkroom in darkroom: work_mem", None, "1MB"),
            'ALTER ROLE "darkroom" IN DATABASE "darkroom" RESET "work_mem"',
        ),
        (
            Change("", "* in darkroom: search_path", 'public, "$user"', "nowhere"),
            'ALTER DATABASE "darkroom" SET "search_path" TO public, "$user"',
        ),
        (
            Change("", "darkroom in *: role", "LOGIN CONNECTION LIMIT -1", "NOLOGIN"),
            'ALTER ROLE "darkroom" LOGIN CONNECTION LIMIT -1',
        ),
        (
            Change("", "debug in *: role", None, "LOGIN"),
            'DROP OWNED BY "debug"; DROP ROLE "debug"',
        ),
    ],
)
def test_a_role_is_put_back_by_the_statement_that_undoes_it(change: Change, statement: str) -> None:
    """Of a role, of a role in one database, of a database, of a right, of a role that is new."""
    assert _undoing(change) == statement


def test_every_kind_is_found() -> None:
    """By its file alone, each with a noun of its own."""
    names = [kind.name for kind in manifest.kinds()]
    assert len(names) == len(set(names)) >= 9
    assert any(isinstance(kind, RoleSettings) for kind in manifest.kinds())
