"""What a person at the terminal sees and answers, and the autopilot in their place."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from lab import autopilot, incident
from lab.doors import Doors
from lab.ending import end, resolve
from lab.errors import BadInput, MachineLacks, Unknown
from lab.history import Outcome
from lab.progress import QUIET
from lab.restore import call_off, restore
from lab.screen import oncall
from lab.screen.asking import ask_for_diagnosis
from lab.screen.board import read_board, spark
from lab.screen.console import board_table, console, measured_view, table, verdict_view
from lab.screen.night import Kept, Night, look_at, night_view
from tests.unit.world import INDEX, SERVICES, World


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Console:
    """A terminal that only writes."""
    made = Console(file=io.StringIO(), width=140, force_terminal=False)
    monkeypatch.setattr(oncall, "console", lambda: made)
    return made


def shown(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """What the person types, one answer after the other."""
    left = list(answers)
    monkeypatch.setattr("builtins.input", lambda *_: left.pop(0))


def pressed(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    """The keys that the person presses in the live view; the view is drawn once before each."""
    left = list(keys)

    def show(view, **_):  # type: ignore[no-untyped-def]
        view()
        return left.pop(0)

    monkeypatch.setattr(oncall, "show_until_key", show)


class Told:
    """A report that remembers what was going on."""

    def __init__(self) -> None:
        self.doing: list[str] = []

    def say(self, line: str) -> None:
        self.doing.append(line)

    @contextmanager
    def step(self, title: str) -> Iterator[Told]:
        self.doing.append(title)
        yield self

    def at(self, done: float, total: float, doing: str = "") -> None:
        self.doing.append(doing)


def on(doors: Doors, world: World, wait: float = 40) -> None:
    incident.start(doors, "slow", 1, QUIET)
    world.pause(wait)


class TestBoard:
    def test_it_tells_what_moved_from_what_did_not(self, doors: Doors, world: World) -> None:
        """Against the baseline of the incident, by the catalogue's tolerance."""
        on(doors, world)
        lines = {line.signal.name: line for line in read_board(doors, doors.journal.open_one())}
        assert lines["postgres:seq_rows:rate"].moved is True
        assert lines["client:arrivals:rate"].moved is False
        assert lines["client:latency_seconds:p95"].broken

    def test_without_an_incident_there_is_no_baseline(self, doors: Doors, world: World) -> None:
        """Nothing has moved from anything; steady bounds are still known."""
        world.fixed["client:latency_seconds:p95"] = 2.0
        lines = {line.signal.name: line for line in read_board(doors, None)}
        assert lines["client:latency_seconds:p95"].moved is None
        assert lines["client:latency_seconds:p95"].broken

    def test_an_unknown_component_suggests_the_nearest(self, doors: Doors) -> None:
        """`lab signals -c nginks`."""
        with pytest.raises(BadInput) as raised:
            read_board(doors, None, "nginks")
        assert raised.value.remedy == "did you mean nginx?"

    def test_it_can_be_shown(self, doors: Doors, world: World, screen: Console) -> None:
        """Every signal has a line, and what moved says so."""
        on(doors, world)
        lines = read_board(doors, doors.journal.open_one())
        screen.print(board_table(lines, with_baseline=True))
        assert "postgres:seq_rows:rate" in shown(screen)
        assert "moved" in shown(screen)

    def test_a_flat_line_is_drawn_flat(self) -> None:
        """And a climb climbs."""
        assert spark([5.0] * 60) == "▁" * 20
        assert spark([0.0] * 30 + [9.0] * 30)[0] < spark([0.0] * 30 + [9.0] * 30)[-1]
        assert spark([]) == ""


class TestNight:
    def test_a_quiet_night(self, doors: Doors, screen: Console) -> None:
        """No incident: the services, and whether the objectives are kept."""
        screen.print(night_view(look_at(doors)))
        assert "no incident is on" in shown(screen)

    def test_the_page_names_the_symptom(self, doors: Doors, world: World, screen: Console) -> None:
        """The live state: the page, the time since the breach, the budget, broken objectives."""
        on(doors, world)
        night = look_at(doors)
        screen.print(night_view(night))
        assert "the queue is backing up" in shown(screen)
        assert "since the first breach" in shown(screen)
        assert "BROKEN" in shown(screen)
        assert night.budget is not None
        assert night.budget > 0

    def test_an_objective_is_called_as_on_every_board(
        self, doors: Doors, world: World, screen: Console
    ) -> None:
        """ "p95 ≤ 500 ms", in the terminal as in Grafana; a program has the signal's name."""
        on(doors, world)
        night = look_at(doors)
        screen.print(night_view(night))
        assert "p95 ≤ 500 ms" in shown(screen)
        kept = [one["keep"] for one in night.as_dict()["objectives"]]
        assert "client:latency_seconds:p95 <= 0.5" in kept

    def test_what_left_its_calm_furthest_is_the_first_of_its_layer(
        self, doors: Doors, world: World, screen: Console
    ) -> None:
        """Along the chain; and what is normal stands beside it, promised or measured."""
        on(doors, world)
        lines = read_board(doors, incident.current(doors))
        layers = [line.signal.component for line in lines]
        assert layers == sorted(layers, key=[*dict.fromkeys(layers)].index)
        for layer in {*layers}:
            strayed = [line.strayed or 0 for line in lines if line.signal.component == layer]
            moved = [one for one in strayed if one > 1]
            assert strayed[: len(moved)] == sorted(moved, reverse=True)
        (first, *_) = (one for one in lines if one.signal.component == "postgres-primary")
        assert (first.signal.name, first.moved) == ("postgres:seq_rows:rate", True)
        screen.print(board_table(lines, with_baseline=True))
        assert "≤ 500 ms" in shown(screen)

    def test_a_broken_objective_says_where_it_goes(
        self, doors: Doors, world: World, screen: Console
    ) -> None:
        """Whether it drains, how fast, and when it will be kept; what stays is said to stay."""
        on(doors, world)
        begun = world.now
        world.courses["client:latency_seconds:p95"] = lambda at: max(0.02, 4 - 0.05 * (at - begun))
        world.pause(20)
        night = look_at(doors)
        ways = {one.text: one.way for one in night.objectives}
        falling = ways["client:latency_seconds:p95 <= 0.5"]
        assert falling is not None
        assert falling.within_s == pytest.approx(50, abs=3)
        screen.print(night_view(night))
        assert "3 s, falling by 50 ms a second: kept in about 50 s" in shown(screen)
        assert "60 %, not falling" in shown(screen)
        told = {one["keep"]: one["on_its_way_s"] for one in night.as_dict()["objectives"]}
        assert told["client:errors:ratio <= 0.05"] is None

    def test_nothing_of_the_answer_is_in_it(self, doors: Doors, world: World) -> None:
        """Neither for people nor for programs."""
        on(doors, world)
        assert INDEX not in str(look_at(doors).as_dict())
        assert "missing-index" not in str(look_at(doors).as_dict())

    @pytest.mark.parametrize("late", [0.004, 0.4])
    def test_a_machine_that_is_too_busy_is_told_apart_from_the_stack(
        self, doors: Doors, world: World, screen: Console, late: float
    ) -> None:
        """Who looks at slow answers is told when the machine itself begins customers late."""
        world.fixed["client:start_delay_seconds:p95"] = late
        screen.print(night_view(look_at(doors)))
        assert ("begins customers up to 400 ms late" in shown(screen)) == (late > 0.1)

    def test_without_prometheus_it_says_so(
        self, doors: Doors, world: World, screen: Console
    ) -> None:
        """What is known from elsewhere is still shown."""
        on(doors, world)
        world.blind = True
        screen.print(night_view(look_at(doors)))
        assert "cannot look" in shown(screen)


class TestAsking:
    def test_lists_lead_to_a_diagnosis(
        self, doors: Doors, world: World, screen: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Numbers, names and aliases; a wrong answer is asked again."""
        on(doors, world)
        typed(
            monkeypatch,
            *("databose", "postgres-primary"),
            *("query-plans", "1"),
            *("1", "rate(x[5s])", "http://g/d/night-overview/x?viewPanel=1", ""),
            *("nonsense", "postgres:seq_rows:rate", "postgres:seq_rows:rate", "queue:depth", ""),
            "sleepy",
        )
        diagnosis = ask_for_diagnosis(doors, incident.current(doors), screen)
        assert (diagnosis.component, diagnosis.cause) == ("postgres-primary", "missing-index")
        assert [one.kind for one in diagnosis.evidence] == ["signal", "promql", "panel"]
        assert diagnosis.chain == ("postgres:seq_rows:rate", "queue:depth")
        assert diagnosis.note == "sleepy"

    def test_whoever_knows_the_cause_names_it(
        self, doors: Doors, world: World, screen: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without going through its family; an alias will do."""
        on(doors, world)
        typed(monkeypatch, "db", "dropped-index", "", "", "")
        diagnosis = ask_for_diagnosis(doors, incident.current(doors), screen)
        assert (diagnosis.component, diagnosis.cause) == ("postgres-primary", "missing-index")


class TestKeys:
    def test_a_whole_night_by_keys(
        self, doors: Doors, world: World, screen: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Acknowledge, a hint, the diagnosis, the fix, the end: verdict and answer are shown."""
        on(doors, world)
        pressed(monkeypatch, "a", "h", "d", "r", "e")
        typed(monkeypatch, "y", "db", "missing-index", "1", "", "1", "", "", "y", "y")
        world.run(f"CREATE INDEX {INDEX} ON photos (...)")
        ended = oncall.be_on_call(doors, QUIET)
        assert ended is not None
        assert ended.verdict.mitigated is Outcome.PASS
        assert "look behind the queue" in shown(screen)
        assert "The answer: postgres-primary, missing-index" in shown(screen)

    def test_an_error_does_not_end_the_night(
        self, doors: Doors, world: World, screen: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Acknowledging too early says so, and the view goes on."""
        on(doors, world, wait=1)
        pressed(monkeypatch, "a", "q")
        assert oncall.be_on_call(doors, QUIET) is None
        assert "not rung" in shown(screen)
        assert doors.journal.open_one() is not None

    def test_an_end_is_asked_back(
        self, doors: Doors, world: World, screen: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A slip of the finger ends nothing."""
        on(doors, world)
        pressed(monkeypatch, "e", "g", "q")
        typed(monkeypatch, "n", "n")
        oncall.be_on_call(doors, QUIET)
        assert incident.current(doors).phase == "live"


class TestOnItsWay:
    def test_a_recovery_that_only_takes_its_time_says_so(
        self, doors: Doors, world: World, screen: Console
    ) -> None:
        """It is not mended yet, and nothing is left to do but to wait: how long, and what to
        type. Then it passes by what is measured, as ever."""
        on(doors, world)
        world.run(f"CREATE INDEX {INDEX} ON photos (...)")
        begun = world.now
        world.courses["client:latency_seconds:p95"] = lambda at: max(0.02, 4 - 0.05 * (at - begun))
        world.pause(20)
        measured = resolve(doors, QUIET, within_s=1)
        assert measured.outcome is Outcome.FAIL
        assert measured.on_its_way_s == pytest.approx(50, abs=8)
        screen.print(measured_view(measured))
        assert "falling by 50 ms a second: kept in about" in shown(screen)
        assert "it is on its way, about" in shown(screen)
        (wait,) = re.findall(r"`lab resolve --wait (\d+)`", shown(screen))
        assert resolve(doors, QUIET, within_s=float(wait)).outcome is Outcome.PASS

    def test_what_is_still_broken_is_not_waited_for(
        self, doors: Doors, world: World, screen: Console
    ) -> None:
        """A curve that happens to fall while the cause is there is no way home."""
        on(doors, world)
        begun = world.now
        world.courses["client:latency_seconds:p95"] = lambda at: 4 - 0.05 * (at - begun)
        world.fixed["client:errors:ratio"] = 0.0
        world.pause(20)
        measured = resolve(doors, QUIET, within_s=1)
        assert (measured.outcome, measured.on_its_way_s) == (Outcome.FAIL, None)
        screen.print(measured_view(measured))
        assert "--wait" not in shown(screen)

    def test_the_progress_of_waiting_says_where_it_goes(self, doors: Doors, world: World) -> None:
        """Who waits sees how far it is, not only that it is not there yet."""
        on(doors, world)
        world.run(f"CREATE INDEX {INDEX} ON photos (...)")
        begun = world.now
        world.courses["client:latency_seconds:p95"] = lambda at: max(0.02, 4 - 0.05 * (at - begun))
        world.pause(20)
        told = Told()
        resolve(doors, told)
        assert any("kept in about" in doing for doing in told.doing)
        assert "looking at everything else" in told.doing


class TestAutopilot:
    def test_it_plays_the_night_to_a_pass(
        self, doors: Doors, world: World, screen: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Page, decoys that do not help, true diagnosis, remedy, verdict."""

        def script(_doors: Doors, path: Path, _say: object) -> None:
            if path.name == "remedy.sh":
                world.run(f"CREATE INDEX {INDEX} ON photos (...)")

        monkeypatch.setattr(autopilot, "run_script", script)
        row = incident.start(doors, "slow", 1, QUIET)
        tried: dict[str, Outcome] = {}
        ended = autopilot.fly(
            doors,
            row,
            QUIET,
            decoys=True,
            on_measured=lambda what, measured: tried.update({what: measured.outcome}),
        )
        assert tried == {"restart": Outcome.FAIL, "the remedy": Outcome.PASS}
        assert (ended.verdict.diagnosed, ended.verdict.mitigated) == (Outcome.PASS, Outcome.PASS)

    def test_verdict_and_measurement_can_be_shown(
        self, doors: Doors, world: World, screen: Console
    ) -> None:
        """Arithmetic, checks, times, budget and the answer."""
        on(doors, world)
        screen.print(measured_view(resolve(doors, QUIET, within_s=1)))
        screen.print(verdict_view(end(doors, QUIET).verdict))
        assert "not mitigated yet" in shown(screen)
        for word in ("diagnosed: fail", "points", "first breach", "error budget", "The answer"):
            assert word in shown(screen)


@pytest.mark.parametrize(
    ("kept", "code"),
    [((True, True), 0), ((True, False), 1), ((None, False), 1), ((True, None), 3), ((), 3)],
)
def test_a_probe_can_ask_whether_all_is_well(kept: tuple[bool | None, ...], code: int) -> None:
    """What `lab status --check` leaves with: broken before not measured, before kept."""
    objectives = tuple(Kept(f"{n} <= 1", f"objective {n}", one) for n, one in enumerate(kept))
    assert Night(at=0.0, services=(), blind=None, objectives=objectives).exit_code == code


def test_brackets_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """A note, a query or a container's name may hold what looks like a style."""
    shown = table("what")
    shown.add_row('[/x] {a=~"[0-9]+"} [red]')
    console().print(shown, "[/y]")
    told = capsys.readouterr().out
    assert '[/x] {a=~"[0-9]+"} [red]' in told
    assert "[/y]" in told


class TestElsewhere:
    """What somebody else does to the night that one looks at."""

    @pytest.mark.parametrize("ends", [end, restore])
    def test_a_night_that_was_ended_elsewhere_is_left(
        self,
        doors: Doors,
        world: World,
        screen: Console,
        monkeypatch: pytest.MonkeyPatch,
        ends: Callable[..., object],
    ) -> None:
        """In another terminal or in the room: whoever looks on is told, and what to read."""
        on(doors, world)
        polled: list[bool] = []

        def watched(view: Callable[[], object], *, until: Callable[[], bool], **_: object) -> str:
            view()
            polled.append(until())
            ends(doors, QUIET)
            polled.append(until())
            return ""

        monkeypatch.setattr(oncall, "show_until_key", watched)
        assert oncall.be_on_call(doors, QUIET) is None
        assert polled == [False, True]
        assert "ended elsewhere" in shown(screen)
        assert "lab report --incident 1" in shown(screen)

    def test_a_key_that_comes_too_late_says_so(
        self, doors: Doors, world: World, screen: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was pressed while the other one was ending it, and nothing is asked any more."""
        on(doors, world)

        def pressed_late(*_: object, **__: object) -> str:
            end(doors, QUIET)
            return "h"

        monkeypatch.setattr(oncall, "show_until_key", pressed_late)
        assert oncall.be_on_call(doors, QUIET) is None
        assert "ended elsewhere" in shown(screen)

    def test_a_night_that_was_called_off_says_why(
        self, doors: Doors, world: World, screen: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing came of what was broken, for instance."""
        on(doors, world)

        def called_off(*_: object, **__: object) -> str:
            call_off(doors, incident.current(doors), "nothing came of it", QUIET)
            return ""

        monkeypatch.setattr(oncall, "show_until_key", called_off)
        assert oncall.be_on_call(doors, QUIET) is None
        assert "called off" in shown(screen)
        assert "nothing came of it" in shown(screen)

    def test_a_look_that_fails_does_not_end_the_view(
        self, doors: Doors, world: World, screen: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An engine that is busy for a moment is no reason to leave."""
        on(doors, world)

        def refuse() -> None:
            raise MachineLacks("the engine does not answer")

        views: list[object] = []

        def look(view: Callable[[], object], **_: object) -> str:
            monkeypatch.setattr(doors.stack, "services", refuse)
            views.append(view())
            return "q"

        monkeypatch.setattr(oncall, "show_until_key", look)
        assert oncall.be_on_call(doors, QUIET) is None
        screen.print(views[0])
        assert "the engine does not answer" in shown(screen)
        assert "give up" in shown(screen)

    def test_a_stack_that_went_down_is_told(
        self, doors: Doors, world: World, screen: Console
    ) -> None:
        """By whoever looks and by whoever measures, with what can be done; no claim is recorded."""
        on(doors, world)
        world.down |= set(SERVICES)
        screen.print(night_view(look_at(doors)))
        assert "The stack is down" in shown(screen)
        with pytest.raises(Unknown, match="the stack is down") as refused:
            resolve(doors, QUIET)
        assert "lab restore" in (refused.value.remedy or "")
        assert doors.journal.claims(1) == []

    def test_some_services_that_are_down_are_not(
        self, doors: Doors, world: World, screen: Console
    ) -> None:
        """That may be the night."""
        on(doors, world)
        world.down |= set(SERVICES) - {"prometheus"}
        screen.print(night_view(look_at(doors)))
        assert "The stack is down" not in shown(screen)
