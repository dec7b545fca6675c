"""When the replica's supervisor throws a cluster away: never on one look."""

from __future__ import annotations

import pytest
import replica
from following import Primary, Standby

PRIMARY = Primary(incarnation="a", lsn=300, slot=True, kept=200)
BEHIND = Standby(incarnation="a", lsn=100, receiver=None)
STREAMING = Standby(incarnation="a", lsn=300, receiver=7)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch):
    """Lets a supervisor look once per standby given; returns how often it rebuilt."""

    def look(*standbys: Standby) -> int:
        supervisor = replica.Supervisor()
        rebuilt: list[bool] = []
        monkeypatch.setattr(supervisor, "replace", lambda *, from_image: rebuilt.append(from_image))
        monkeypatch.setattr(replica, "look_at_primary", lambda: PRIMARY)
        for standby in standbys:
            monkeypatch.setattr(replica, "look_at_standby", lambda standby=standby: standby)
            supervisor.look()
        return len(rebuilt)

    return look


def test_a_stream_that_began_between_two_questions_is_no_reason(looks):
    """A standby that looked too far behind, and streams at the next look, keeps its cluster."""
    assert looks(BEHIND, STREAMING, BEHIND) == 0


def test_a_standby_that_stays_behind_is_rebuilt(looks):
    """Two looks in a row that agree are enough, and count once."""
    assert looks(BEHIND, BEHIND) == 1
    assert looks(BEHIND, BEHIND, BEHIND) == 1
