"""Errors as application/problem+json (RFC 9457): every refusal says what was wrong."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from darkroom.answers import answer
from darkroom.db import DatabaseTrouble
from darkroom.partner import PartnerTrouble

log = structlog.get_logger("darkroom.errors")

MEDIA_TYPE = "application/problem+json"
#: Seconds after which a client may try again: longer than the wait for a pooled connection.
RETRY_AFTER = 3
#: Tells the front door that this replica is well and merely busy: no failure to count against it.
REFUSED_HEADER = "X-Refused"


class Problem(HTTPException):
    """A refusal: `status`, a `detail` for people, and members that programs can read."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        **members: object,
    ) -> None:
        super().__init__(status, detail, headers)
        self.members = members


def unavailable(detail: str, **members: object) -> Problem:
    """503 with Retry-After: the same request may well succeed in a moment."""
    return Problem(503, detail, headers={"Retry-After": str(RETRY_AFTER)}, **members)


def not_found(what: str, identifier: object) -> Problem:
    """404 for an id of the right form that names nothing (or nothing the caller may see)."""
    return Problem(404, f"There is no {what} {identifier}.")


def problem_response(
    status: int,
    detail: str,
    *,
    request_id: str | None,
    headers: dict[str, str] | None = None,
    members: dict[str, object] | None = None,
) -> Response:
    """The answer for a problem; `members` are its extension members."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **(members or {}),
    }
    if request_id:
        body["request_id"] = request_id
    return answer(body, status, headers, MEDIA_TYPE)


def _request_id(request: Request) -> str | None:
    return request.scope.get("request_id")


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, OSError):
        # FastAPI says 400 of a body that could not be written down, for whatever reason.
        error = unavailable(f"The upload could not be taken: {error.__cause__.strerror}.")
    members = error.members if isinstance(error, Problem) else {}
    return problem_response(
        error.status_code,
        str(error.detail),
        request_id=_request_id(request),
        headers=dict(error.headers) if error.headers else None,
        members=members,
    )


async def _on_validation(request: Request, error: Exception) -> Response:
    """422, or 400 where the body is no JSON at all; each fault with its place."""
    assert isinstance(error, RequestValidationError)
    faults = [
        {"where": ".".join(str(part) for part in fault["loc"]), "what": fault["msg"]}
        for fault in error.errors()
    ]
    broken_json = any(fault["type"] == "json_invalid" for fault in error.errors())
    detail = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults)
    return problem_response(
        400 if broken_json else 422,
        detail,
        request_id=_request_id(request),
        members={"errors": faults},
    )


async def _on_database(request: Request, error: Exception) -> Response:
    assert isinstance(error, DatabaseTrouble)
    log.warning("database trouble", pool=error.pool, reason=error.reason, error=str(error))
    return problem_response(
        503,
        f"The database did not answer in time ({error.pool}: {error.reason}).",
        request_id=_request_id(request),
        headers={"Retry-After": str(RETRY_AFTER)},
        members={"pool": error.pool, "reason": error.reason},
    )


async def _on_partner(request: Request, error: Exception) -> Response:
    assert isinstance(error, PartnerTrouble)
    log.warning("partner trouble", operation=error.operation, reason=error.reason)
    return problem_response(
        503,
        f"The partner did not answer in time ({error.operation}: {error.reason}).",
        request_id=_request_id(request),
        # No other replica would fare better: nothing to count against this one.
        headers={"Retry-After": str(RETRY_AFTER), REFUSED_HEADER: "partner"},
        members={"operation": error.operation, "reason": error.reason},
    )


def install(app: FastAPI) -> None:
    """Makes every error of `app` a problem."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(DatabaseTrouble, _on_database)
    app.add_exception_handler(PartnerTrouble, _on_partner)
