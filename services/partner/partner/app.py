"""What it offers: POST /sign and POST /rank, as JSON; GET /health."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from partner.desk import Busy, Desk

#: How long a signed link may be used, in seconds.
VALID_S = 300
#: Items that one call may ask to be ranked.
MOST_ITEMS = 1000


def create_app(env: Mapping[str, str] = os.environ) -> Starlette:
    """The service, with its latencies and its plan from the environment."""
    signing = Desk(
        seconds=float(env.get("SIGN_SECONDS", "0.2")),
        at_once=int(env.get("SIGN_AT_ONCE", "64")),
        patience=float(env.get("SIGN_PATIENCE_SECONDS", "10")),
    )
    ranking = Desk(
        seconds=float(env.get("RANK_SECONDS", "0.7")),
        at_once=int(env.get("RANK_AT_ONCE", "2")),
        patience=float(env.get("RANK_PATIENCE_SECONDS", "10")),
    )
    key = secrets.token_bytes(32)

    async def sign(request: Request) -> Response:
        """{"path", "viewer"} -> {"expires", "signature"}: good for that viewer, for a while."""
        asked = await _object(request)
        if asked is None or not isinstance(asked.get("path"), str):
            return _refusal(400, 'send {"path": "/...", "viewer": ...}')
        expires = int(time.time()) + VALID_S
        text = f"{asked['path']}\n{asked.get('viewer')}\n{expires}"
        try:
            await signing.serve()
        except Busy:
            return _refusal(503, "too much to do; come again")
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return JSONResponse({"expires": expires, "signature": signature})

    async def rank(request: Request) -> Response:
        """{"items": [[id, likes], ...]} -> {"order": [id, ...]}: what people like best, first."""
        asked = await _object(request)
        items = asked.get("items") if asked else None
        if not isinstance(items, list) or len(items) > MOST_ITEMS or not all(map(_item, items)):
            return _refusal(400, f'send {{"items": [[id, likes], ...]}}, {MOST_ITEMS} at most')
        try:
            await ranking.serve()
        except Busy:
            return _refusal(503, "too much to do; come again")
        ranked = sorted(items, key=lambda item: (item[1], item[0]), reverse=True)
        return JSONResponse({"order": [identifier for identifier, _ in ranked]})

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/sign", sign, methods=["POST"]),
            Route("/rank", rank, methods=["POST"]),
            Route("/health", health),
        ]
    )


async def _object(request: Request) -> dict[str, object] | None:
    """The JSON object that was sent, None where it is none."""
    try:
        sent = json.loads(await request.body())
    except ValueError:
        return None
    return sent if isinstance(sent, dict) else None


def _item(item: object) -> bool:
    return isinstance(item, list) and len(item) == 2 and all(isinstance(one, int) for one in item)


def _refusal(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status_code=status)
