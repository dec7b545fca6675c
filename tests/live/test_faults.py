"""Every fault on the real stack: it breaks what it says, its witness sees it, and it heals."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import faultproof, faults
from lab.command import run
from lab.doors import Doors, open_doors
from lab.errors import MachineLacks
from lab.faults import FaultParams
from lab.injection import WITNESS_WITHIN_S
from lab.progress import QUIET
from lab.stack import Stack
from lab.steady import HOME_RATE, prove_home

pytestmark = pytest.mark.live

WELL_WITHIN_S = 60
LOAD_S = 900

ALL = [example for fault in faults.discover().values() for example in fault.examples]

# What an operator types. {id} is the container's; the others are of docker-compose.yml.
BY_HAND = {
    "kill_container": "compose start api-2",
    "pause_container": "compose unpause api-2",
    "partition": "network connect --alias api-2 {network} {id}",
    "throttle_cpu": "update --cpus 0.35 {id}",
    "limit_memory": "update --memory 192m --memory-swap 384m {id}",
    "cap_bandwidth": "compose restart api-2",
    "loss": "compose restart api-2",
}
MORE = {"throttle_cpu": {"cpus": 0.05}, "limit_memory": {"mib": 112}}
MORE |= {"cap_bandwidth": {"kbit": 256}, "loss": {"percent": 20}}


def named(params: FaultParams) -> str:
    """A fault and its parameters, as the name of a test."""
    return "-".join(
        re.findall(r"[\w.]+", str(list(params.model_dump(exclude_defaults=True).values())))
    )


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


@pytest.mark.parametrize("params", ALL, ids=named)
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
        wait_for(doors, name, token, active=name != faultproof.CONTROL)
        faults.inject(stack, name, token)
        wait_for(doors, name, token, active=name != faultproof.CONTROL)
    finally:
        faults.heal(stack, name, token)
    faults.heal(stack, name, token)
    wait_for(doors, name, token, active=False)
    wait_until_well(doors)


@pytest.mark.parametrize("name", BY_HAND)
def test_an_operator_can_mend_it_by_hand(doors: Doors, name: str) -> None:
    """One ordinary command is enough for the witness; healing afterwards breaks nothing."""
    stack = doors.stack
    kind = faults.discover()[name]
    token = faults.plan(stack, kind.Params(fault=name, service="api-2", **MORE.get(name, {})))
    faults.inject(stack, name, token)
    try:
        wait_for(doors, name, token, active=True)
        facts = {"network": stack.project.network, "id": stack.container("api-2").id}
        command, *args = BY_HAND[name].format(**facts).split()
        if command == "compose":
            stack.project.compose(*args)
        else:
            run(["docker", command, *args])
        wait_for(doors, name, token, active=False)
    finally:
        faults.heal(stack, name, token)
    assert not faults.active(stack, name, token)
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
