"""The control room behind its pages: what it reads, and what it does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from lab import incident, looks
from lab.boards import discover
from lab.boards.happened import HAPPENINGS
from lab.diagnosis import Diagnosis
from lab.doors import Doors
from lab.ending import end
from lab.errors import BadInput, Failed
from lab.history import Outcome
from lab.past import lived
from lab.progress import QUIET
from lab.room.catalogue import Wanted
from lab.room.charts import GLANCE, asked_by, board, boards, for_script
from lab.room.curve import COARSE_S
from lab.room.desk import Desk, Draft
from lab.room.feed import IDLE_S, KEPT_S, LONGEST_S, Feed
from lab.room.operating import understood
from lab.room.past import solved, weak
from lab.series import Span
from lab.signals import Catalogue
from tests.unit.world import World

CATALOGUE = Catalogue.load()


ERRORS = "client:errors:ratio"


class TestCharts:
    def test_they_show_signals(self) -> None:
        """What is seen there can be cited."""
        known = {signal.name for signal in CATALOGUE} | {one.kind for one in HAPPENINGS}
        for each in boards():
            assert set(asked_by(each)) <= known

    def test_a_chart_has_one_unit(self) -> None:
        """Two would need two axes, and be misread."""
        for panel in (panel for each in boards() for panel in each.panels):
            assert len({CATALOGUE[name].unit for name in panel.signals}) <= 1, panel.title

    def test_they_follow_the_chain(self) -> None:
        """From the customers down."""
        components = [CATALOGUE[panel.signals[0]].component for panel in GLANCE.panels]
        assert components[0] == "client"
        assert components[-1] == "host"

    def test_every_board_of_grafana_can_be_shown(self) -> None:
        """By the same name; an unknown one is the glance that a page opens with."""
        assert [one.uid for one in boards()] == ["glance", *(one.uid for one in discover())]
        assert board("database").title == "Database"
        assert board("nonsense") is GLANCE

    def test_a_chart_has_its_bound_and_its_scale(self) -> None:
        """As in Grafana: what was promised, and no zooming into noise."""
        (told,) = for_script([(7, board("queue").panels[0])], CATALOGUE)
        assert (told["id"], told["title"]) == (7, "Oldest photo")
        assert told["bound"] == {"op": "<=", "value": 5.0}
        assert told["top"] > 5
        (number,) = for_script([(8, board("night-overview").panels[1])], CATALOGUE)
        assert (number["kind"], number["title"]) == ("number", "p95 ≤ 500 ms")

    def test_words_are_of_the_signal_that_has_them(self) -> None:
        """That all are tried when none is in says nothing about how many are ready."""
        (panel,) = (one for one in board("api").panels if one.number == 6)
        (told,) = for_script([(7, panel)], CATALOGUE)
        words = {"api:ready:count": {}, "nginx:upstreams_up:count": {"0": "none: all tried"}}
        assert told["words"] == words


class TestFeed:
    @pytest.fixture
    def feed(self) -> Feed:
        """One that a page has asked for a signal."""
        feed = Feed()
        feed.since(0, [ERRORS])
        return feed

    def test_only_what_is_new_is_told(self, feed: Feed, doors: Doors, world: World) -> None:
        """A page that has the past asks for the rest of it, and each point comes once."""
        feed.read(doors)
        first = json.loads(feed.since(0, [ERRORS]))
        points = first["signals"][ERRORS][""]
        assert len(points) == pytest.approx(KEPT_S, abs=2)
        assert json.loads(feed.since(first["until"], [ERRORS]))["signals"] == {}
        world.now += 3
        feed.read(doors)
        second = json.loads(feed.since(first["until"], [ERRORS]))
        assert [at for at, _ in second["signals"][ERRORS][""]] == [
            first["until"] + n for n in (1, 2, 3)
        ]

    def test_another_board_comes_with_its_past(self, feed: Feed, doors: Doors) -> None:
        """What nobody looked at was not read; whoever asks first waits until it is, and has all of
        it then, whatever else is known already."""
        feed.read(doors)
        both = [ERRORS, "queue:depth"]
        assert json.loads(feed.since(0, both))["signals"] == {}
        feed.read(doors)
        told = json.loads(feed.since(0, both))["signals"]
        assert [len(told[name][""]) for name in both] == pytest.approx([KEPT_S] * 2, abs=2)

    def test_what_nobody_looks_at_is_let_go(
        self, feed: Feed, doors: Doors, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each board is read for as long as somebody has it open."""
        feed.read(doors)
        begun = time.monotonic()
        monkeypatch.setattr("lab.room.feed.time.monotonic", lambda: begun + 2 * IDLE_S)
        feed.read(doors)
        assert json.loads(feed.since(0, [ERRORS]))["signals"] == {}

    def test_the_past_is_let_go(self, feed: Feed, doors: Doors, world: World) -> None:
        """A room that is open for a week keeps minutes."""
        feed.read(doors)
        world.now += 2 * KEPT_S
        feed.read(doors)
        points = json.loads(feed.since(0, [ERRORS]))["signals"][ERRORS][""]
        assert min(at for at, _ in points) >= world.now - KEPT_S

    def test_a_longer_look_comes_with_its_past(
        self, feed: Feed, doors: Doors, world: World
    ) -> None:
        """Whoever looks further back than anybody so far waits until that is read, and has it
        without a hole: each second of the last minutes, and no more points of an hour than of
        them."""
        feed.read(doors)
        assert json.loads(feed.since(0, [ERRORS], back=3600))["signals"] == {}
        feed.read(doors)
        for later in (0, 30):
            world.now += later
            feed.read(doors)
            times = [
                at for at, _ in json.loads(feed.since(0, [ERRORS], 3600))["signals"][ERRORS][""]
            ]
            assert times[0] == pytest.approx(world.now - 3600, abs=COARSE_S)
            assert max(b - a for a, b in pairwise(times)) <= 5
            assert [at for at in times if at > world.now - KEPT_S + 1] == [
                world.now - KEPT_S + n for n in range(2, int(KEPT_S) + 1)
            ]
            assert len(times) < 2 * KEPT_S
        # A page that looks less far back is not told more than it asked for.
        (short,) = json.loads(feed.since(0, [ERRORS]))["signals"][ERRORS].values()
        assert short[0][0] >= world.now - KEPT_S

    def test_nobody_reads_a_night_that_nobody_looks_at(
        self, feed: Feed, doors: Doors, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """When those are gone who looked far back the room keeps minutes again."""
        feed.since(0, [ERRORS], back=3600)
        feed.read(doors)
        begun = time.monotonic()
        monkeypatch.setattr("lab.room.feed.time.monotonic", lambda: begun + 2 * IDLE_S)
        feed.since(0, [ERRORS])
        feed.read(doors)
        (points,) = json.loads(feed.since(0, [ERRORS]))["signals"][ERRORS].values()
        assert points[0][0] >= world.now - KEPT_S
        assert json.loads(feed.since(0, [ERRORS], back=3600))["signals"] == {}

    def test_nobody_asks_for_more_than_there_is(self, feed: Feed, doors: Doors) -> None:
        """A made-up address must not make the room read for ever."""
        feed.since(0, [ERRORS], back=1e9)
        feed.read(doors)
        (points,) = json.loads(feed.since(0, [ERRORS], back=1e9))["signals"][ERRORS].values()
        assert len(points) < LONGEST_S

    def test_it_says_that_it_cannot_look(self, feed: Feed, doors: Doors, world: World) -> None:
        """A Prometheus that does not answer is told, and what is known stays."""
        feed.read(doors)
        world.blind = True
        feed.read(doors)
        told = json.loads(feed.since(0, [ERRORS]))
        assert "does not answer" in told["blind"]
        assert told["signals"]

    def test_nobody_looks_until_somebody_asks(self) -> None:
        """An open room without a page costs nothing."""
        feed = Feed()
        assert not feed.watched
        feed.since(0)
        assert feed.watched

    def test_a_line_is_called_and_coloured_as_everywhere(self, doors: Doors) -> None:
        """Told once, with the line's first points."""
        feed = Feed()
        name = "nginx:upstream_up"
        feed.since(0, [name])
        feed.read(doors)
        first = json.loads(feed.since(0, [name]))
        assert [*first["signals"][name]] == ["api-1"]
        assert first["looks"][name]["api-1"] == [looks.COLOURS["upstream"]["api-1"], False]
        assert json.loads(feed.since(first["until"], [name]))["looks"] == {}

    def test_what_rang_is_read_like_a_signal(self, doors: Doors, world: World) -> None:
        """Pages, flags and fresh processes, in red, blue and pink."""
        world.changes.append((world.now, True))
        world.now += 60
        feed = Feed()
        feed.since(0, ["page", "flag"])
        feed.read(doors)
        told = json.loads(feed.since(0, ["page", "flag"]))
        ((line, look),) = told["looks"]["page"].items()
        assert look == [looks.BROKEN, False]
        assert told["signals"]["page"][line]

    def test_what_was_normal_is_told(self, feed: Feed, doors: Doors, world: World) -> None:
        """The median of each line while all was well; nothing before there was an incident."""
        feed.calm(doors, Span(world.now - 60, world.now - 30))
        assert json.loads(feed.since(0, [ERRORS]))["calm"] == {ERRORS: {"": 0.0}}
        feed.calm(doors, None)
        assert json.loads(feed.since(0, [ERRORS]))["calm"] == {}


class TestDesk:
    @pytest.fixture
    def desk(self, doors: Doors) -> Desk:
        @contextmanager
        def opened() -> Iterator[Doors]:
            yield doors

        return Desk(opened)

    def test_one_thing_at_a_time(self, desk: Desk) -> None:
        """A second one is refused, by name, until the first is over."""
        over = threading.Event()
        thread = desk.do("the first", lambda _doors, _report: over.wait(5) and None)
        with pytest.raises(BadInput, match="the first is still going on"):
            desk.do("the second", lambda _doors, _report: None)
        over.set()
        thread.join(5)
        desk.do("the second", lambda _doors, _report: None).join(5)
        assert desk.busy is None

    def test_what_goes_wrong_stays_to_be_read(self, desk: Desk) -> None:
        """Until something else is begun."""

        def act(_doors: Doors, _report: object) -> None:
            raise Failed("it does not start", remedy="try again")

        desk.do("a start", act).join(5)
        assert desk.error is not None
        assert desk.error.remedy == "try again"
        desk.do("another", lambda _doors, _report: None).join(5)
        assert desk.error is None

    def test_a_page_sees_how_far_it_is(self, desk: Desk) -> None:
        """The version moves with every word, so that a page need not compare more."""
        versions = [desk.version]

        def act(_doors: Doors, _report: object) -> None:
            with desk.step("waiting for calm") as step:
                step.at(15, 30, "holds")
                versions.append(desk.version)
                assert (desk.doing, desk.share) == ("waiting for calm: holds", 0.5)

        desk.do("a start", act).join(5)
        assert desk.error is None
        assert versions[0] < versions[1] < desk.version
        assert list(desk.lines) == ["waiting for calm"]


class TestDraft:
    def test_what_is_cited_is_told_apart(self) -> None:
        """A signal, a panel's address, PromQL."""
        draft = Draft("postgres-primary", "missing-index")
        for text in ("queue:depth", "http://g/d/api?viewPanel=3", "rate(x[5s])"):
            draft.cite(text, ("-60s", "now"), CATALOGUE)
        assert [one.kind for one in draft.evidence] == ["signal", "panel", "promql"]
        assert isinstance(draft.whole(), Diagnosis)

    def test_half_of_a_diagnosis_is_none(self) -> None:
        """Component and cause are what it is about."""
        with pytest.raises(BadInput, match="component and a cause"):
            Draft("nginx").whole()


class TestOperator:
    @pytest.mark.parametrize(
        ("line", "argv"),
        [
            ("docker compose ps", "docker compose ps"),
            ("restart api-1 api-2", "docker compose restart api-1 api-2"),
            ("exec api-1 flags set shed on", "docker compose exec -T api-1 flags set shed on"),
            ("exec -T nginx ls --all /", "docker compose exec -T nginx ls --all /"),
            ("up -d --scale api=2 api", "docker compose up -d --scale api=2 api"),
            ("up --scale=api=2 api", "docker compose up --detach --scale=api=2 api"),
            ("logs --tail 5 nginx", "docker compose logs --tail 5 nginx"),
        ],
    )
    def test_what_works_on_the_stack_is_run(self, line: str, argv: str) -> None:
        """As it was said, without waiting for a terminal."""
        assert " ".join(understood(line)) == argv

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "rm -rf /",
            "docker ps",
            "docker compose down",
            "docker compose -f other.yml ps",
            "docker compose run -v /:/host api-1 sh",
            "docker compose exec --privileged api-1 sh",
            "docker compose exec -u root api-1 sh",
            "docker compose logs -f nginx",
            "docker compose up --build",
            "docker compose up --detach=false",
            "docker compose up -d=0 api-1",
            "docker compose exec -T=false api-1 sh",
            "docker compose stats --no-stream=false",
            "docker compose 'ps",
        ],
    )
    def test_what_reaches_beyond_it_is_refused(self, line: str) -> None:
        """Whoever has the room has the stack, and not the machine."""
        with pytest.raises(BadInput):
            understood(line)


def test_what_is_looked_for_stands_in_the_address() -> None:
    """So that it can be sent to somebody."""
    assert Wanted().address() == "/"
    wanted = Wanted(text="cold cache", difficulty=3)
    assert wanted.address() == "/?text=cold+cache&difficulty=3"


def test_what_is_weak_comes_first(doors: Doors, world: World) -> None:
    """A night that was given up counts as it is: no points in its family."""
    incident.start(doors, "slow", 1, QUIET)
    world.pause(40)
    end(doors, QUIET, give_up=True)
    (one,) = lived(doors)
    assert one.verdict is not None
    assert weak([one]) == [("database", 0.0, 1)]
    assert solved(doors) == {"slow": Outcome.FAIL}
