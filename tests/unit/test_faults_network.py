"""The faults of a network link: what the kernel must have, and what the measured link means."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from lab import faults
from lab.command import Exec
from lab.errors import Failed, MachineLacks
from lab.faults import FaultParams, _containers, _link
from tests.unit.played import Engine

OURS: dict[str, dict[str, Any]] = {
    "cap_bandwidth": {"kbit": 256},
    "delay": {"ms": 100},
    "loss": {"percent": 10},
}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine("api-2")
    for module in (_containers, _link):
        monkeypatch.setattr(module, "run", made.run)
    return made


def asked(fault: str, service: str = "api-2") -> FaultParams:
    return faults.discover()[fault].Params(fault=fault, service=service, **OURS[fault])


def planned(engine: Engine, fault: str) -> str:
    return faults.plan(engine, asked(fault))  # type: ignore[arg-type]


def active(engine: Engine, fault: str, token: str) -> bool:
    return faults.active(engine, fault, token)  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", OURS)
def test_observers_cannot_be_broken(fault: str) -> None:
    """Their links must carry what they see."""
    with pytest.raises(ValidationError, match="observes"):
        asked(fault, "redis-exporter")


@pytest.mark.parametrize(
    ("fault", "names"),
    [("delay", "sch_netem"), ("cap_bandwidth", "sch_tbf"), ("loss", "CONFIG_NFT_NUMGEN")],
)
def test_what_the_kernel_lacks_is_named(engine: Engine, fault: str, names: str) -> None:
    """Tried out in a network of its own, before anything is written down; the machine's lack is
    nobody's mistake."""
    engine.refuses = lambda args: "qdisc kind is unknown" if "none" in args else None
    with pytest.raises(MachineLacks, match="kind is unknown") as raised:
        planned(engine, fault)
    assert names in (raised.value.remedy or "")


def test_where_nothing_can_be_delayed_other_faults_are_named(engine: Engine) -> None:
    """Whoever writes a scenario for every machine wants to know what to use instead."""
    engine.refuses = lambda args: "qdisc kind is unknown" if "netem" in args else None
    with pytest.raises(MachineLacks) as raised:
        planned(engine, "delay")
    assert "cap_bandwidth" in (raised.value.remedy or "")
    assert "loss" in (raised.value.remedy or "")


@pytest.mark.parametrize("fault", OURS)
def test_planning_tries_only_in_a_network_of_its_own(engine: Engine, fault: str) -> None:
    """Nothing is set on the service's own link."""
    planned(engine, fault)
    setting = [args for args in engine.done if {"replace", "-f", "add", _link.SET} & set(args)]
    assert setting
    assert all(args[args.index("--network") + 1] == "none" for args in setting)


@pytest.mark.parametrize("fault", OURS)
def test_whatever_shapes_a_link_looks_like_any_other(engine: Engine, fault: str) -> None:
    """It is there for a moment, with one right only, counted by nobody as a service, under a name
    such as compose gives."""
    faults.inject(engine, fault, planned(engine, fault))  # type: ignore[arg-type]
    made = [args for args in engine.done if args[0] == "run"]
    assert made
    for args in made:
        assert "--rm" in args
        assert args[args.index("--name") + 1].startswith("3am-lab-api-2-run-")
        assert "com.docker.compose.oneoff=True" in args
        assert [args[at + 1] for at, word in enumerate(args) if word == "--cap-add"] == [
            "NET_ADMIN"
        ]


@pytest.mark.parametrize("fault", ["cap_bandwidth", "delay"])
def test_somebody_else_s_shaping_is_respected(engine: Engine, fault: str) -> None:
    """A link that is shaped already is not ours to shape, and what an operator put there since
    stays when ours is undone."""
    engine["api-2"].roots["eth0"] = "htb 1:"
    with pytest.raises(Failed, match="htb"):
        planned(engine, fault)
    engine["api-2"].roots["eth0"] = "noqueue 0:"
    token = planned(engine, fault)
    faults.inject(engine, fault, token)  # type: ignore[arg-type]
    ours = engine["api-2"].roots["eth0"]
    assert ours != "noqueue 0:"
    engine["api-2"].roots["eth0"] = "htb 1:"
    faults.heal(engine, fault, token)  # type: ignore[arg-type]
    assert engine["api-2"].roots["eth0"] == "htb 1:"
    engine["api-2"].roots["eth0"] = ours
    for _ in range(2):
        faults.heal(engine, fault, token)  # type: ignore[arg-type]
        assert engine["api-2"].roots["eth0"] == "noqueue 0:"


@pytest.mark.parametrize(
    ("fault", "said", "broken"),
    [
        ("cap_bandwidth", 0.003, False),
        ("cap_bandwidth", 1.1, True),
        ("delay", [0.1] * 9, False),
        ("delay", [0.1] * 4 + [101.0] * 5, True),
        ("delay", [None] * 9, True),
        ("loss", [0.1] * 200, False),
        ("loss", [0.1] * 198 + [None] * 2, False),
        ("loss", [0.1] * 190 + [None] * 10, True),
    ],
)
def test_what_is_measured_decides(engine: Engine, fault: str, said: object, broken: bool) -> None:
    """Not what was set: how long it takes to send, to come back, and how much comes back."""
    token = planned(engine, fault)
    engine.measured = Exec(0, json.dumps(said), "")
    assert active(engine, fault, token) is broken


@pytest.mark.parametrize("fault", OURS)
def test_a_link_that_is_gone_is_not_broken(engine: Engine, fault: str) -> None:
    """A container that ended took its network along; a new one has a clean one. Healing has
    nothing to do then."""
    token = planned(engine, fault)
    engine.measured = Exec(1, "", "No such container")
    with pytest.raises(Failed, match="cannot be measured: No such container"):
        active(engine, fault, token)
    engine["api-2"].state = "exited"
    assert not active(engine, fault, token)
    engine.done.clear()
    faults.heal(engine, fault, token)  # type: ignore[arg-type]
    assert engine.done == []


def test_round_trips_are_measured_for_real() -> None:
    """The script that runs in a container, here against this machine: every connection is refused
    at once; who does not wait has seen none."""
    argv = [sys.executable, "-c", _link.KNOCK]
    done = subprocess.run([*argv, "127.0.0.1", "50", "2"], capture_output=True, check=True)
    trips = json.loads(done.stdout)
    assert len(trips) == 50
    assert all(trip is not None and trip < 2000 for trip in trips)
    done = subprocess.run([*argv, "127.0.0.1", "3", "0"], capture_output=True, check=True)
    assert json.loads(done.stdout) == [None] * 3


def test_pouring_is_measured_for_real() -> None:
    """The script that runs in a container, here on this machine: a megabyte takes no second."""
    argv = [sys.executable, "-c", _link.POUR, "127.0.0.1", "1000000"]
    done = subprocess.run(argv, capture_output=True, check=True)
    assert 0 < float(done.stdout) < 1


@pytest.mark.parametrize("fault", OURS)
def test_an_image_without_the_tools_is_no_fault_of_the_kernel(engine: Engine, fault: str) -> None:
    """It was built before they were in it; what helps is another remedy."""
    engine.code = 127
    engine.refuses = lambda args: "executable file not found" if "none" in args else None
    with pytest.raises(Failed, match="the image of api-2 has no"):
        planned(engine, fault)
