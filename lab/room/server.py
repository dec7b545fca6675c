"""Serving the room to whoever has the token."""

from __future__ import annotations

import math
import socket
from collections.abc import Collection
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from nicegui import app, ui

from lab.ending import chosen
from lab.errors import LabError
from lab.group import tell_all
from lab.room import charts
from lab.room.catalogue import Wanted, catalogue_page
from lab.room.charts import asked_by
from lab.room.desk import Opener
from lab.room.feed import KEPT_S
from lab.room.keeper import Keeper
from lab.room.night import night_page
from lab.room.past import past_page
from lab.room.room import Room
from lab.screen.telling import tell_story

STATIC = Path(__file__).with_name("static")

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)
"""A report is one file without a script."""


def serve(
    opened: Opener,
    listening: socket.socket,
    token: str,
    *,
    names: Collection[str] = (),
    leave: bool = False,
) -> None:
    """Serve until somebody ends it; or, to `leave`, until nobody has needed it for a while.

    Nobody comes in without the `token`; `names` are those by which the room is known beside its
    addresses.
    """
    room = Room(opened)
    _add_pages(room)
    app.add_static_files("/room", STATIC)
    # Whoever closes the room does not wait for what was typed in it.
    app.on_shutdown(tell_all)
    room.watch()
    # Not `ui.run`: whatever it puts around the application would stand before the keeper.
    around = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    ui.run_with(around, title="3AM Lab", favicon="🌙", show_welcome_message=False)
    config = uvicorn.Config(
        Keeper(around, token, listening.getsockname()[1], names),
        log_level="warning",
        ws="wsproto",
        proxy_headers=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    if leave:
        app.timer(10, lambda: setattr(server, "should_exit", server.should_exit or room.forsaken))
    server.run(sockets=[listening])


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
        except OverflowError:
            return PlainTextResponse("no journal counts that far\n", status_code=404)
        return HTMLResponse(
            paths.html.read_text(encoding="utf-8"),
            headers={"Content-Security-Policy": REPORT_POLICY},
        )
