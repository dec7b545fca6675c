"""Somebody's script keeps connections to a database and does nothing with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from lab.errors import Failed
from lab.faults import Fault, FaultParams, Token
from lab.faults._sessions import ENDS_WITHIN_MS, end_client, leave_open, quietly

if TYPE_CHECKING:
    from lab.stack import Stack

ApplicationName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,30}$")]


class HoldConnectionsParams(FaultParams):
    """How many connections to which server, by what `application_name`. The server ends them after
    `minutes`."""

    fault: Literal["hold_connections"]
    connections: int = Field(ge=1, le=200)
    service: Literal["postgres-primary", "postgres-replica"] = "postgres-primary"
    application: ApplicationName = "report"
    minutes: int = Field(default=60, ge=1, le=120)


class HoldConnectionsToken(Token):
    """What was asked for; the sessions themselves tell the rest."""

    connections: int
    service: str
    application: ApplicationName
    minutes: int


class HoldConnections(Fault[HoldConnectionsParams, HoldConnectionsToken]):
    """Idle sessions of the application's own role. `pg_terminate_backend` undoes it.

    It is active while half of them are there. What is reserved for superusers and for monitoring
    stays free. Where the others have taken the rest, it gets fewer than it asks for.
    """

    Params = HoldConnectionsParams
    Token = HoldConnectionsToken
    examples = (
        HoldConnectionsParams(fault="hold_connections", connections=10),
        HoldConnectionsParams(fault="hold_connections", connections=10, service="postgres-replica"),
    )

    def plan(self, stack: Stack, params: HoldConnectionsParams) -> HoldConnectionsToken:
        token = HoldConnectionsToken(
            **params.model_dump(include=set(HoldConnectionsToken.model_fields))
        )
        ((most,),) = quietly(
            stack,
            "SELECT sum(CASE name WHEN 'max_connections' THEN 1 ELSE -1 END * setting::int) "
            "FROM pg_settings WHERE name IN ('max_connections', 'reserved_connections', "
            "'superuser_reserved_connections')",
            service=token.service,
        )
        if token.connections > int(most):
            raise Failed(
                f"{token.service} has {most} connections for everybody, not {token.connections}"
            )
        if _sessions(stack, token):
            raise Failed(
                f"{token.application!r} is connected to {token.service} already",
                remedy="give this one another name, with `application`",
            )
        return token

    def inject(self, stack: Stack, token: HoldConnectionsToken) -> None:
        if len(_sessions(stack, token)) >= token.connections:
            return
        # Beside a client that is still opening some, a second one would make it too many.
        self.heal(stack, token)
        leave_open(
            stack,
            f"host={token.service} user=darkroom dbname=darkroom connect_timeout=5 "
            f"application_name={token.application} "
            f"options='-c idle_session_timeout={token.minutes}min'",
            count=token.connections,
            auth_file="/run/secrets/postgres_app",
        )

    def active(self, stack: Stack, token: HoldConnectionsToken) -> bool:
        return len(_sessions(stack, token)) >= token.connections / 2

    def heal(self, stack: Stack, token: HoldConnectionsToken) -> None:
        # First whoever would take what becomes free.
        end_client(stack, f"host={token.service} .*application_name={token.application} ")
        _sessions(stack, token, f"pg_terminate_backend(pid, {ENDS_WITHIN_MS})")


def _sessions(
    stack: Stack, token: HoldConnectionsToken, condition: str = "true"
) -> list[list[str]]:
    """Those that are held of which `condition` is true. It is tried on no others."""
    return quietly(
        stack,
        f"""
        WITH held AS MATERIALIZED (
            SELECT pid FROM pg_stat_activity
            WHERE usename = 'darkroom' AND application_name = '{token.application}'
        )
        SELECT pid FROM held WHERE {condition}
        """,  # noqa: S608 - an ApplicationName
        service=token.service,
    )
