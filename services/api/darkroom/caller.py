"""Who is asking: the header that an authenticating gateway would set."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header

from darkroom.errors import Problem

#: Ids of users, albums and follows are Postgres "int".
INT_MAX = 2**31 - 1
#: Ids of photos are Postgres "bigint".
BIGINT_MAX = 2**63 - 1

_UserHeader = Annotated[
    int | None,
    Header(alias="X-User-Id", ge=1, le=INT_MAX, description="Set by the authenticating gateway."),
]


async def _reader(x_user_id: _UserHeader = None) -> int | None:
    return x_user_id


async def _user(x_user_id: _UserHeader = None) -> int:
    if x_user_id is None:
        raise Problem(401, "Say who you are: the header X-User-Id is missing.")
    return x_user_id


#: A user's id, or None for somebody who has not said.
Reader = Annotated[int | None, Depends(_reader)]
#: A user's id; without it the request is refused with 401.
User = Annotated[int, Depends(_user)]
