"""Darkroom as a customer sees it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from io import BytesIO

import httpx
import pytest

from lab.stack import Stack
from tests.services.customer import Darkroom


@pytest.fixture(scope="session")
def darkroom(stack: Stack) -> Iterator[Darkroom]:
    """Darkroom through the front door."""
    with httpx.Client(base_url=stack.url("nginx"), timeout=20) as client:
        yield Darkroom(stack, client)


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """Makes image files: `picture(width, height, format="JPEG")`, each call's bytes its own."""
    pillow = pytest.importorskip("PIL.Image", reason="Pillow makes the test's pictures")

    def make(width: int = 320, height: int = 240, kind: str = "JPEG", mode: str = "RGB") -> bytes:
        image = pillow.effect_mandelbrot((width, height), (-2, -1.5, 1, 1.5), 20).convert(mode)
        image.putpixel((0, 0), tuple(os.urandom(len(image.getbands()))))
        out = BytesIO()
        comment = {"comment": uuid.uuid4().hex.encode()} if kind == "JPEG" else {}
        image.save(out, kind, **comment)
        return out.getvalue()

    return make
