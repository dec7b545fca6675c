"""The replica receives everything and applies nothing, as when its replay was paused for a backup
and never resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.faults._sessions import quietly

if TYPE_CHECKING:
    from lab.stack import Stack

REPLICA = "postgres-replica"


class PauseReplayParams(FaultParams):
    """Nothing to choose."""

    fault: Literal["pause_replay"]


class PauseReplayToken(Token):
    """Nothing to remember: the server tells whether it is paused."""


class PauseReplay(Fault[PauseReplayParams, PauseReplayToken]):
    """pg_wal_replay_pause() on the replica. pg_wal_replay_resume() undoes it, a restart too."""

    Params = PauseReplayParams
    Token = PauseReplayToken
    examples = (PauseReplayParams(fault="pause_replay"),)

    def plan(self, stack: Stack, params: PauseReplayParams) -> PauseReplayToken:  # noqa: ARG002
        if (state := _state(stack)) != "not paused":
            raise Failed(
                f"the replay of {REPLICA} cannot be paused: it is {state}",
                remedy="`lab restore` brings the stack home",
            )
        return PauseReplayToken()

    def inject(self, stack: Stack, token: PauseReplayToken) -> None:  # noqa: ARG002
        quietly(stack, "SELECT pg_wal_replay_pause()", service=REPLICA)

    def active(self, stack: Stack, token: PauseReplayToken) -> bool:  # noqa: ARG002
        return _state(stack) in ("paused", "pause requested")

    def heal(self, stack: Stack, token: PauseReplayToken) -> None:
        if self.active(stack, token):
            quietly(stack, "SELECT pg_wal_replay_resume()", service=REPLICA)


def _state(stack: Stack) -> str:
    ((state,),) = quietly(
        stack,
        "SELECT CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() "
        "ELSE 'no replica any more' END",
        service=REPLICA,
    )
    return state
