"""Serving the room: on this machine only, or to whoever has the token."""

from __future__ import annotations

import ipaddress
import math
import secrets
from pathlib import Path

from fastapi import Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from nicegui import app, ui
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from lab.ending import chosen
from lab.errors import LabError
from lab.group import tell_all
from lab.room import charts
from lab.room.catalogue import Wanted, catalogue_page
from lab.room.charts import asked_by
from lab.room.desk import Opener
from lab.room.feed import KEPT_S
from lab.room.night import night_page
from lab.room.past import past_page
from lab.room.room import Room
from lab.screen.telling import tell_story

STATIC = Path(__file__).with_name("static")
COOKIE = "room"


def is_local(host: str) -> bool:
    """Whether nobody but this machine can come to that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """Hard to guess, easy to paste."""
    return secrets.token_urlsafe(18)


def serve(opened: Opener, host: str, port: int, token: str | None, *, leave: bool = False) -> None:
    """Serve until somebody ends it; or, to `leave`, until nobody has needed it for a while. With a
    `token` nobody comes in without it."""
    room = Room(opened)
    if leave:
        app.timer(10, lambda: app.shutdown() if room.forsaken else None)
    _add_pages(room)
    app.add_static_files("/room", STATIC)
    if token is not None:
        app.add_middleware(Keeper, token=token)
    # Whoever closes the room does not wait for what was typed in it.
    app.on_shutdown(tell_all)
    room.watch()
    ui.run(
        host=host,
        port=port,
        title="3AM Lab",
        favicon="🌙",
        show=False,
        reload=False,
        show_welcome_message=False,
        storage_secret=secrets.token_hex(16),
        uvicorn_logging_level="warning",
    )


class Keeper:
    """ASGI: lets in who brings the token, once in the address and then as a cookie. Web sockets
    are doors, too."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        come = HTTPConnection(scope)
        if self._fits(come.cookies.get(COOKIE, "")):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(code=1008)(scope, receive, send)
        elif self._fits(come.query_params.get("token", "")):
            answer = RedirectResponse(str(come.url.remove_query_params("token")))
            answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
            await answer(scope, receive, send)
        else:
            refusal = "This room asks for its token: /?token=...\n"
            await PlainTextResponse(refusal, status_code=403)(scope, receive, send)

    def _fits(self, brought: str) -> bool:
        return secrets.compare_digest(brought.encode(), self._token.encode())


def _add_pages(room: Room) -> None:
    @ui.page("/")
    async def catalogue(
        text: str = "", family: str = "", difficulty: int = 0, tag: str = ""
    ) -> None:
        await catalogue_page(room, Wanted(text, family, difficulty, tag))

    @ui.page("/night")
    def night(board: str = "") -> None:
        night_page(room, board)

    @ui.page("/past")
    async def past() -> None:
        await past_page(room)

    @app.get("/feed")
    def feed(since: float = 0.0, board: str = "", back: float = KEPT_S) -> Response:
        # Not a number is no time: all of it.
        begun = since if math.isfinite(since) else 0.0
        far = back if math.isfinite(back) else KEPT_S
        told = room.feed.since(begun, asked_by(charts.board(board)), far)
        return Response(told, media_type="application/json")

    @app.get("/grafana/{signal}")
    def grafana(signal: str) -> Response:
        where = room.in_grafana(signal)
        if where is None:
            refusal = f"there is no Grafana here, or no panel that shows {signal}\n"
            return PlainTextResponse(refusal, status_code=404)
        return RedirectResponse(where)

    @app.get("/report/{number}")
    def report(number: int) -> Response:
        try:
            paths = room.act(lambda doors: tell_story(doors, chosen(doors, number)))
        except LabError as error:
            return PlainTextResponse(f"{error.message}\n", status_code=404)
        return HTMLResponse(paths.html.read_text(encoding="utf-8"))
