"""A whole stack of the tests' own, shared by the tests of services and of live incidents."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.home import DEFAULT_PROJECT, Home
from lab.host.machine import Machine
from lab.progress import QUIET
from lab.stack import Stack

PROJECT = os.environ.get("LAB_TEST_PROJECT", "lab-test")

# Nobody sits in the control rooms that the nights of tests would open beside themselves.
os.environ["LAB_NO_ROOM"] = "1"


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
    # Taking an old one down needs the engine, which on a fresh machine is not there or asleep.
    home.prepare()
    Machine(home, QUIET).ready()
    if not keep:
        stack.down(volumes=True)
    if not (keep and all(service.ok for service in stack.services())):
        stack.up()
    yield stack
    if not keep:
        stack.down(volumes=True)
