"""Who gets into the room: by which name it was asked for, from which page, and with what token.

A room on this machine alone asks as much as one for others: whatever a browser shows can send
requests to 127.0.0.1, and a name that somebody else owns can lead there.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket
from collections.abc import Collection
from html import escape
from urllib.parse import urlsplit

from starlette.datastructures import URL, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""What changes nothing (RFC 9110, 9.2.1)."""

POLICY = "; ".join(
    (
        "default-src 'self'",
        # NiceGUI writes scripts into its pages, and runs what the room tells them.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Nothing comes from, or goes to, anywhere else, whatever text has become a part of the page."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}


_STRANGER = """<!doctype html><html lang="en"><title>3AM Lab</title>
<p>This room asks for its token: open the whole address that it was announced with.</p>
<p>Who has been here before and comes from another page <a href="/">goes in</a>.</p>
"""
"""A browser keeps a strict cookie back when another site leads here; not so on our own link."""

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?")
"""What a browser says it was asked for: an address or a name, and a port."""


class Keeper:
    """ASGI: lets in who brings the token, once in the address and then as a cookie, and asks for a
    name that is the room's own. Web sockets are doors, too.

    `port` tells the cookies of rooms on one machine apart, which for a browser are all the same;
    `names` are those by which the room is known beside its addresses.
    """

    def __init__(self, app: ASGIApp, token: str, port: int, names: Collection[str] = ()) -> None:
        self._app = app
        self._token = token
        self._cookie = f"room-{port}"
        own = socket.gethostname().lower()
        self._names = {"localhost", own, f"{own}.local", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        come = HTTPConnection(scope)
        answer = self._answer(come)
        if answer is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await WebSocketClose(code=1008)(scope, receive, send)
        else:
            await answer(scope, receive, _with_headers(send))

    def _answer(self, come: HTTPConnection) -> Response | None:
        """What the keeper says itself; None for whom it lets in."""
        host = _only(come, "host")
        if not self._is_ours(host):
            return _refusal(421, "This room has no such name; `lab room --known-as NAME` gives one")
        if not _from_here(come, host):
            return _refusal(403, "Another page has no say in this room")
        if come.scope["type"] == "http" and self._fits(come.query_params.get("token", "")):
            return self._way_in(come)
        if not self._fits(come.cookies.get(self._cookie, "")):
            return HTMLResponse(_STRANGER, status_code=403)
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether nobody else can own that name: an address is nobody's."""
        asked = _HOST.fullmatch(host)
        if asked is None:
            return False
        name = (asked[1] or asked[2]).removesuffix(".")
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True

    def _way_in(self, come: HTTPConnection) -> Response:
        """Keeps the token as a cookie, and goes on to the page without it.

        A page and no redirect: on the way from a link on another site a browser keeps a strict
        cookie back, through all redirects.
        """
        url: URL = come.url.remove_query_params("token")
        path = "/" + url.path.lstrip("/\\") + (f"?{url.query}" if url.query else "")
        link = escape(path)
        answer = HTMLResponse(
            f'<!doctype html><html lang="en"><title>3AM Lab</title>'
            f'<meta http-equiv="refresh" content="0; url={link}"><a href="{link}">Come in</a>\n',
            headers={"Cache-Control": "no-store"},
        )
        answer.set_cookie(self._cookie, self._token, path="/", httponly=True, samesite="strict")
        return answer

    def _fits(self, brought: str) -> bool:
        return secrets.compare_digest(brought.encode(), self._token.encode())


def _only(come: HTTPConnection, name: str) -> str:
    """A header that is there once; empty otherwise."""
    found = come.headers.getlist(name)
    return found[0].lower() if len(found) == 1 else ""


def _from_here(come: HTTPConnection, host: str) -> bool:
    """Whether no other page has asked. A browser says which one did wherever that could matter: of
    every web socket, of every change, and of what a script of another origin wants to read."""
    if "origin" not in come.headers:
        return come.scope["type"] == "http" and come.scope["method"] in READING
    try:
        return urlsplit(_only(come, "origin")).netloc == host
    except ValueError:
        return False


def _refusal(status: int, why: str) -> Response:
    return PlainTextResponse(f"{why}.\n", status_code=status)


def _with_headers(send: Send) -> Send:
    """What every answer says of who may show and use it."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent
