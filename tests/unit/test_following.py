"""Whether a standby can still follow its primary."""

from __future__ import annotations

import pytest
from following import STUCK, Primary, Standby, Verdict, judge, position

PRIMARY = Primary(incarnation="a", lsn=1000, slot=True, kept=400)
STREAMING = Standby(incarnation="a", lsn=900, receiver=17)
CUT_OFF = Standby(incarnation="a", lsn=900, receiver=None)


def test_a_position_is_a_number_of_bytes():
    """The two halves are the high and the low 32 bits."""
    assert position("1/2E004170") == (1 << 32) + 0x2E004170


@pytest.mark.parametrize(
    ("standby", "primary", "idle", "verdict"),
    [
        pytest.param(STREAMING, PRIMARY, 0, Verdict.KEEP, id="streaming"),
        pytest.param(CUT_OFF, PRIMARY, 5, Verdict.KEEP, id="about to reconnect"),
        pytest.param(None, PRIMARY, 5, Verdict.KEEP, id="still starting"),
        pytest.param(
            Standby(None, 500, None), PRIMARY, 0, Verdict.KEEP, id="from the image, WAL kept"
        ),
        pytest.param(
            Standby("old", 900, None), PRIMARY, 0, Verdict.REBUILD, id="the primary was reset"
        ),
        pytest.param(
            Standby("old", 900, 17), PRIMARY, 0, Verdict.REBUILD, id="streams another life"
        ),
        pytest.param(
            Standby("a", 1001, None), PRIMARY, 0, Verdict.REBUILD, id="ahead of the primary"
        ),
        pytest.param(
            Standby("a", 399, None), PRIMARY, 0, Verdict.REBUILD, id="WAL is not kept any more"
        ),
        pytest.param(
            STREAMING,
            Primary("a", 1000, slot=True, kept=None),
            0,
            Verdict.REBUILD,
            id="slot gave up",
        ),
        pytest.param(
            CUT_OFF, Primary("a", 1000, slot=False, kept=None), 999, Verdict.KEEP, id="slot dropped"
        ),
        pytest.param(CUT_OFF, PRIMARY, STUCK + 1, Verdict.REBUILD, id="stuck for no known reason"),
        pytest.param(None, PRIMARY, STUCK + 1, Verdict.REBUILD, id="never becomes readable"),
    ],
)
def test_only_what_cannot_follow_is_rebuilt(standby, primary, idle, verdict):
    """Lost WAL and another life are for the supervisor; what an operator can mend is not."""
    assert judge(standby, primary, idle)[0] is verdict
