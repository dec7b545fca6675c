"""The page of the night behind its buttons: what goes on, what applies, and what has happened."""

from __future__ import annotations

import pytest

from lab import incident
from lab.doors import Doors
from lab.ending import end, resolve
from lab.errors import BadInput
from lab.gather import gather
from lab.incident import scenario_of
from lab.progress import QUIET
from lab.records import Row
from lab.room import operating
from lab.room.acts import ACKNOWLEDGE, END, GIVE_UP, HINT, HOME, RESOLVE, applying
from lab.room.desk import Desk
from lab.room.diagnosing import refusal
from lab.room.entering import completed
from lab.room.pager import NOBODY, RINGS, standing
from lab.room.pager import QUIET as SILENT
from lab.room.room import begun_of, story_of
from lab.room.verdict import BEING_MADE, NONE_YET, STILL_ON, last_told
from lab.screen.night import Night, look_at
from tests.unit.world import INDEX, World

MEND = f"CREATE INDEX {INDEX} ON photos (user_id)"


@pytest.fixture
def row(doors: Doors, world: World) -> Row:
    """A night that is on, whose pager rings."""
    begun = incident.start(doors, "slow", 1, QUIET)
    world.pause(40)
    return begun


@pytest.mark.usefixtures("row")
class TestWhatApplies:
    def acts(self, doors: Doors, *, busy: bool = False) -> dict[str, bool]:
        return applying(look_at(doors), busy=busy)

    def test_what_is_done_is_not_offered_again(self, doors: Doors) -> None:
        """Acknowledged once, hints until there is none, and nothing is given up that is mended."""
        assert self.acts(doors) == dict.fromkeys((ACKNOWLEDGE, HINT, RESOLVE, END, GIVE_UP), True)
        incident.acknowledge(doors)
        assert ACKNOWLEDGE not in self.acts(doors)
        incident.take_hint(doors)
        assert HINT in self.acts(doors)
        incident.take_hint(doors)
        assert HINT not in self.acts(doors)
        doors.stack.psql(MEND)
        resolve(doors, QUIET)
        assert self.acts(doors) == {RESOLVE: True, END: True}

    def test_one_thing_at_a_time_is_offered(self, doors: Doors) -> None:
        """While it is measured nothing else that takes its time can be begun."""
        assert self.acts(doors, busy=True) == {
            **dict.fromkeys((ACKNOWLEDGE, HINT), True),
            **dict.fromkeys((RESOLVE, END, GIVE_UP), False),
        }

    def test_a_stack_that_is_not_home_is_brought_there(self, doors: Doors, row: Row) -> None:
        """An end that was interrupted leaves that, and a night that is over nothing."""
        doors.journal.stamp(row.id, "ended_at", doors.now())
        assert self.acts(doors) == {HOME: True}
        assert self.acts(doors, busy=True) == {}
        end(doors, QUIET)
        assert self.acts(doors) == {}

    def test_a_diagnosis_is_given_while_it_counts(self, doors: Doors, row: Row) -> None:
        """And not after the last word."""
        assert refusal(look_at(doors)) == ""
        doors.journal.stamp(row.id, "final_at", doors.now())
        assert "final" in refusal(look_at(doors))
        assert "while a night is on" in refusal(None)


class TestPager:
    def test_it_is_quiet_until_somebody_is_called(self, doors: Doors, world: World) -> None:
        """Then it rings until that is acknowledged."""
        assert standing(None) == standing(look_at(doors)) == ("", NOBODY)
        incident.start(doors, "slow", 1, QUIET)
        assert standing(look_at(doors)) == ("slow is on, the pager is quiet", SILENT)
        world.pause(40)
        said, loud = standing(look_at(doors))
        assert loud == RINGS
        assert said.startswith("PAGE ")
        assert said.endswith("the queue is backing up")
        incident.acknowledge(doors)
        said, loud = standing(look_at(doors))
        assert loud == SILENT
        assert "acknowledged" in said

    def test_what_comes_before_and_after_is_told(self, doors: Doors) -> None:
        """A night that is prepared, and a stack that comes home."""
        row = doors.journal.begin(
            "slow", 1, doors.library.load("slow", 1).model_dump_json(), doors.now()
        )
        assert standing(look_at(doors)) == ("slow is being prepared", SILENT)
        doors.journal.stamp(row, "announced_at", doors.now())
        doors.journal.stamp(row, "ended_at", doors.now())
        assert "on its way home" in standing(look_at(doors))[0]


class TestVerdict:
    def test_what_goes_on_is_told_until_it_is_there(self, doors: Doors, world: World) -> None:
        """No night, one that is on, one whose history is being read: no error at any moment."""
        assert last_told(doors) == NONE_YET
        row = incident.start(doors, "slow", 1, QUIET)
        assert last_told(doors) == STILL_ON
        world.pause(40)
        # As while `lab end` reads the history, or where it was interrupted.
        doors.journal.stamp(row.id, "ended_at", doors.now())
        assert last_told(doors) == BEING_MADE
        end(doors, QUIET)
        found = last_told(doors)
        assert not isinstance(found, str)
        assert found[0] == row.id


@pytest.mark.usefixtures("row")
class TestStory:
    @pytest.fixture(autouse=True)
    def _engine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An engine that does what it is told."""
        monkeypatch.setattr(operating, "follow", lambda *_, **__: None)

    def kinds(self, doors: Doors) -> list[str]:
        return [event.kind for event in story_of(doors, doors.journal.open_one(), look_at(doors))]

    def test_it_tells_what_whoever_is_on_call_knows(
        self, doors: Doors, world: World, row: Row
    ) -> None:
        """What broke is not in it, nor what the pager will say; what was done is."""
        assert self.kinds(doors) == ["breached", "paged"]
        for act in (incident.acknowledge, incident.take_hint):
            act(doors)
            world.pause(1)
        doors.stack.psql(MEND)
        resolve(doors, QUIET)
        assert self.kinds(doors)[2:] == ["acknowledged", "hint", "claimed", "recovered"]
        assert begun_of(doors.journal.open_one()) == row.baseline_from

    def test_what_was_typed_is_part_of_it(self, doors: Doors, row: Row) -> None:
        """As it was typed, in the room and in the history; what was refused was not done."""
        operating.operate(doors, "restart  api-1")
        operating.operate(doors, 'docker compose exec -T nginx sh -c "ls /"')
        with pytest.raises(BadInput):
            operating.operate(doors, "docker compose down")
        typed = [
            "docker compose restart api-1",
            'docker compose exec -T nginx sh -c "ls /"',
        ]
        told = story_of(doors, doors.journal.open_one(), look_at(doors))
        assert [event.detail for event in told if event.kind == "action"] == typed
        history = gather(doors, row, scenario_of(row), doors.now(), QUIET)
        assert [event.detail for event in history.of_kind("action")] == typed

    def test_nothing_is_noted_where_nothing_is_on(self, doors: Doors, world: World) -> None:
        """What is typed after the end is nobody's story."""
        end(doors, QUIET, give_up=True)
        operating.operate(doors, "ps")
        assert story_of(doors, doors.journal.open_one(), look_at(doors)) == ()


@pytest.mark.usefixtures("row")
def test_what_was_measured_is_told_with_when(doors: Doors) -> None:
    """By whoever claimed it: also in a terminal, or before the room was opened."""
    assert look_at(doors).measured is None
    first = resolve(doors, QUIET, within_s=0)
    measured = look_at(doors).measured
    assert measured is not None
    assert (measured.detail, measured.at) == (first.outcome, first.at)
    doors.stack.psql(MEND)
    second = resolve(doors, QUIET)
    measured = look_at(doors).measured
    assert measured is not None
    assert (measured.detail, measured.at) == ("pass", second.at)


def test_a_draft_is_of_one_night(doors: Doors) -> None:
    """It survives a reload of the page, and says nothing about the next incident."""
    desk = Desk(lambda: pytest.fail("nothing is done"))
    desk.turn_to(1)
    desk.draft.component = "nginx"
    desk.draft.cite("queue:depth", ("-60s", "now"), doors.catalogue)
    draft = desk.draft
    for number in (1, None, 1):
        desk.turn_to(number)
        assert draft.component == "nginx"
    desk.turn_to(2)
    assert (draft.component, draft.evidence, draft.chain) == (None, [], [])


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("queue:old", "queue:oldest_age_seconds"),
        (" QUEUE:D", "queue:depth"),
        ("queue:depth", None),
        ("rate(x[5s])", None),
        ("", None),
    ],
)
def test_half_of_a_name_is_completed(typed: str, taken: str | None) -> None:
    """A name, PromQL and nothing are taken as they are."""
    assert completed(typed, ["queue:depth", "queue:depth:max", "queue:oldest_age_seconds"]) == taken


def test_a_look_has_its_defaults() -> None:
    """Nothing applies where no incident is known."""
    assert applying(None, busy=False) == applying(Night(0.0, (), None), busy=False) == {}
