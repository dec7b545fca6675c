"""The control room behind its pages: what it reads, and what it does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import incident
from lab.diagnosis import Diagnosis
from lab.doors import Doors
from lab.ending import end
from lab.errors import BadInput, Failed
from lab.history import Outcome
from lab.progress import QUIET
from lab.room.catalogue import Wanted
from lab.room.charts import CHAIN, charted
from lab.room.desk import Desk, Draft
from lab.room.feed import KEPT_S, Feed
from lab.room.operating import understood
from lab.room.past import lived, solved, weak
from lab.signals import Catalogue
from tests.unit.world import World, write_scenario

CATALOGUE = Catalogue.load()


class TestCharts:
    def test_they_show_signals(self) -> None:
        """What is seen there can be cited."""
        assert set(charted()) <= {signal.name for signal in CATALOGUE}

    def test_a_chart_has_one_unit(self) -> None:
        """Two would need two axes, and be misread."""
        for chart in CHAIN:
            assert len({CATALOGUE[name].unit for name in chart.signals}) == 1, chart.title

    def test_they_follow_the_chain(self) -> None:
        """From the customers down."""
        components = [CATALOGUE[chart.signals[0]].component for chart in CHAIN]
        assert components[0] == "client"
        assert components[-1] == "host"


class TestFeed:
    def test_only_what_is_new_is_told(self, doors: Doors, world: World) -> None:
        """A page that has the past asks for the rest of it, and each point comes once."""
        feed = Feed([CATALOGUE["client:errors:ratio"]])
        feed.read(doors)
        first = json.loads(feed.since(0))
        points = first["signals"]["client:errors:ratio"][""]
        assert len(points) == pytest.approx(KEPT_S, abs=2)
        assert json.loads(feed.since(first["until"]))["signals"] == {}
        world.now += 3
        feed.read(doors)
        second = json.loads(feed.since(first["until"]))
        assert [at for at, _ in second["signals"]["client:errors:ratio"][""]] == [
            first["until"] + n for n in (1, 2, 3)
        ]

    def test_the_past_is_let_go(self, doors: Doors, world: World) -> None:
        """A room that is open for a week keeps minutes."""
        feed = Feed([CATALOGUE["client:errors:ratio"]])
        feed.read(doors)
        world.now += 2 * KEPT_S
        feed.read(doors)
        points = json.loads(feed.since(0))["signals"]["client:errors:ratio"][""]
        assert min(at for at, _ in points) >= world.now - KEPT_S

    def test_it_says_that_it_cannot_look(self, doors: Doors, world: World) -> None:
        """A Prometheus that does not answer is told, and what is known stays."""
        feed = Feed([CATALOGUE["client:errors:ratio"]])
        feed.read(doors)
        world.blind = True
        feed.read(doors)
        told = json.loads(feed.since(0))
        assert "does not answer" in told["blind"]
        assert told["signals"]

    def test_nobody_looks_until_somebody_asks(self) -> None:
        """An open room without a page costs nothing."""
        feed = Feed([])
        assert not feed.watched
        feed.since(0)
        assert feed.watched


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


def test_what_is_weak_comes_first(doors: Doors, world: World, tmp_path: Path) -> None:
    """A night that was given up counts as it is: no points in its family."""
    write_scenario(tmp_path)
    incident.start(doors, "slow", 1, QUIET)
    world.pause(40)
    end(doors, QUIET, give_up=True)
    (one,) = lived(doors)
    assert one.verdict is not None
    assert weak([one]) == [("database", 0.0, 1)]
    assert solved(doors) == {"slow": Outcome.FAIL}
