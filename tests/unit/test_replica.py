"""When the replica's supervisor throws a cluster away: never on one answer."""

from __future__ import annotations

import pytest
import replica
from following import Primary, Standby

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
