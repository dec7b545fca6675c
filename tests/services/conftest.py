"""A whole stack of the tests' own, and Darkroom as a customer of it sees it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from io import BytesIO

import httpx
import pytest

from lab.home import DEFAULT_PROJECT, Home
from lab.stack import Stack
from tests.services.customer import Darkroom

PROJECT = os.environ.get("LAB_TEST_PROJECT", "lab-test")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A stack in a project of its own, pristine at first and removed at the end.

    LAB_TEST_KEEP=1 leaves it up and, the next time, takes it as it is: for writing tests.
    """
    if PROJECT == DEFAULT_PROJECT:
        pytest.exit("LAB_TEST_PROJECT names the stack that people use; tests would break it", 2)
    home = Home(root=Home.find().root, base=Home.find().base, project=PROJECT)
    stack = Stack(home)
    keep = os.environ.get("LAB_TEST_KEEP") == "1"
    if not keep:
        stack.down(volumes=True)
    if not (keep and all(service.ok for service in stack.services())):
        stack.up()
    yield stack
    if not keep:
        stack.down(volumes=True)


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
