"""When the replica's supervisor throws a cluster away: never on one answer."""

from __future__ import annotations

import pytest
import replica
from following import STUCK, Primary, Standby, begin

PRIMARY = Primary(incarnation="a", lsn=300, slot=True, kept=200)
BEHIND = Standby(incarnation="a", lsn=100, receiver=None)
STREAMING = Standby(incarnation="a", lsn=300, receiver=7)


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch):
    """Lets a supervisor look once, the standby answering in turn; returns how often it rebuilt."""

    def once(*answers: Standby) -> int:
        supervisor = replica.Supervisor()
        rebuilt: list[bool] = []
        said = iter(answers)
        monkeypatch.setattr(supervisor, "replace", lambda *, from_image: rebuilt.append(from_image))
        monkeypatch.setattr(replica, "look_at_primary", lambda: PRIMARY)
        monkeypatch.setattr(replica, "look_at_standby", lambda: next(said))
        supervisor.look()
        return len(rebuilt)

    return once


def test_a_stream_that_began_between_two_questions_is_no_reason(look):
    """A standby that looked too far behind, and streams when asked again, keeps its cluster."""
    assert look(BEHIND, STREAMING) == 0


def test_a_standby_that_is_behind_is_rebuilt(look):
    """Two answers that agree are enough."""
    assert look(BEHIND, BEHIND) == 1


def test_one_that_is_stuck_does_not_begin_again_where_it_was_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After too long without a stream the primary itself is copied, and not the image."""
    supervisor = replica.Supervisor()
    rebuilt: list[bool] = []
    monkeypatch.setattr(supervisor, "replace", lambda *, from_image: rebuilt.append(from_image))
    monkeypatch.setattr(replica, "look_at_primary", lambda: PRIMARY)
    waiting = Standby(incarnation="a", lsn=250, receiver=None)
    monkeypatch.setattr(replica, "look_at_standby", lambda: waiting)
    supervisor.look()
    supervisor.streamed -= STUCK + 1
    supervisor.look()
    assert rebuilt == [False]


def test_a_wal_file_begins_where_its_name_says() -> None:
    """Files are numbered; the timeline in front is no part of the position."""
    assert begin("000000010000000000000003") == 3 * 16 * 2**20
    assert begin("000000020000000100000000") == 2**32
