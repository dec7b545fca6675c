"""Every fault on the real stack: it breaks what it says, its witness sees it, and it heals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import faultproof, faults
from lab.doors import Doors, open_doors
from lab.errors import MachineLacks
from lab.faults import FaultParams
from lab.injection import WITNESS_WITHIN_S
from lab.progress import QUIET
from lab.stack import Stack
from lab.steady import HOME_RATE, prove_home

pytestmark = pytest.mark.live

# The control: it breaks nothing, so nobody may ever see it.
CONTROL = "noop"

WELL_WITHIN_S = 60
LOAD_S = 900

ALL = [
    pytest.param(
        example,
        id="-".join(map(str, example.model_dump(exclude_defaults=True).values())),
    )
    for name, fault in faults.discover().items()
    for example in fault.examples
]


@pytest.fixture(scope="module")
def doors(stack: Stack) -> Iterator[Doors]:
    """The stack with a few customers, at home before the first fault and after the last."""
    with open_doors(stack.home) as opened:
        prove_home(opened, QUIET)
        opened.load.start(rate=HOME_RATE, duration_s=LOAD_S, seed=0)
        yield opened
        opened.load.stop()
        prove_home(opened, QUIET)


def wait_for(doors: Doors, name: str, token: str, *, active: bool) -> None:
    """Wait until the witness says so; whatever is broken shows within as long as an incident
    waits for it."""
    until = time.monotonic() + WITNESS_WITHIN_S
    while faults.active(doors.stack, name, token) is not active:
        assert time.monotonic() < until, f"the witness {'sees nothing' if active else 'sees it'}"
        time.sleep(0.2)


def wait_until_well(doors: Doors) -> None:
    """Wait until every service says itself that it is well."""
    until = time.monotonic() + WELL_WITHIN_S
    names = doors.stack.expected
    while True:
        with ThreadPoolExecutor(4) as pool:
            well = dict(zip(names, pool.map(doors.stack.healthy, names), strict=True))
        if all(well.values()):
            return
        assert time.monotonic() < until, well
        time.sleep(0.2)


@pytest.mark.parametrize("params", ALL)
def test_it_breaks_and_it_heals(doors: Doors, params: FaultParams) -> None:
    """Planning and healing what was never injected change nothing; injecting it (twice, as after
    a crash) shows; healing it (twice, too) leaves a stack that is well."""
    name, stack = params.fault, doors.stack
    try:
        token = faults.plan(stack, params)
    except MachineLacks as error:
        pytest.skip(f"{error.message}; {error.remedy}")
    assert not faults.active(stack, name, token), "planned, and already there"
    faults.heal(stack, name, token)
    # What cannot be planned any more has been changed.
    token = faults.plan(stack, params)
    try:
        faults.inject(stack, name, token)
        wait_for(doors, name, token, active=name != CONTROL)
        faults.inject(stack, name, token)
        wait_for(doors, name, token, active=name != CONTROL)
    finally:
        faults.heal(stack, name, token)
    faults.heal(stack, name, token)
    wait_for(doors, name, token, active=False)
    wait_until_well(doors)


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("operator")
def test_what_a_killed_process_broke_is_mended_from_the_journal(stack: Stack) -> None:
    """SIGKILL right after the injection, for three unlike faults: `lab restore` mends each, and
    proves it. `lab verify --faults` does it for all of them, after every step."""
    unlike = ["drop_index", "kill_container", "partition"]
    with open_doors(stack.home) as opened:
        proof = faultproof.prove(
            opened, QUIET, names=unlike, steps=["injected"], first_example_only=True
        )
    assert proof.passed, proof.rows
    assert len(proof.having(faultproof.Outcome.HOME)) == len(unlike), proof.count
