"""Breaks nothing. The control of every experiment, and the file to copy for a new fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lab.faults import Fault, FaultParams, Token

if TYPE_CHECKING:
    from lab.stack import Stack


class NoopParams(FaultParams):
    """Nothing to choose."""

    fault: Literal["noop"]


class NoopToken(Token):
    """Nothing to remember."""


class Noop(Fault[NoopParams, NoopToken]):
    """Changes nothing, so its witness never sees it: an incident of it alone is invalid."""

    Params = NoopParams
    Token = NoopToken
    examples = (NoopParams(fault="noop"),)

    def plan(self, stack: Stack, params: NoopParams) -> NoopToken:  # noqa: ARG002
        return NoopToken()

    def inject(self, stack: Stack, token: NoopToken) -> None:
        pass

    def active(self, stack: Stack, token: NoopToken) -> bool:  # noqa: ARG002
        return False

    def heal(self, stack: Stack, token: NoopToken) -> None:
        pass
