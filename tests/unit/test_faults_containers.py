"""The faults of containers: what they refuse, when they count as mended, what they leave alone."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from lab import faults
from lab.errors import BadInput, Failed, MachineLacks
from lab.faults import FaultParams, _cgroup, _containers, pause_container
from tests.unit.played import MIB, NETWORK, Box, Engine

OURS = ("kill_container", "pause_container", "partition", "throttle_cpu", "limit_memory")
MORE: dict[str, dict[str, Any]] = {"throttle_cpu": {"cpus": 0.05}, "limit_memory": {"mib": 100}}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine("api-2", "worker")
    monkeypatch.setattr(_containers, "run", made.run)
    monkeypatch.setattr(pause_container, "PAUSE_S", 0)
    return made


def asked(fault: str, service: str = "api-2", **more: Any) -> FaultParams:
    """The parameters of a fault of ours."""
    kind = faults.discover()[fault].Params
    return kind(fault=fault, service=service, **{**MORE.get(fault, {}), **more})


def broken(engine: Engine, fault: str, **more: Any) -> str:
    """The token of a fault that was planned and injected."""
    token = faults.plan(engine, asked(fault, **more))  # type: ignore[arg-type]
    assert not active(engine, fault, token)
    faults.inject(engine, fault, token)  # type: ignore[arg-type]
    assert active(engine, fault, token)
    return token


def active(engine: Engine, fault: str, token: str) -> bool:
    return faults.active(engine, fault, token)  # type: ignore[arg-type]


def heal(engine: Engine, fault: str, token: str) -> None:
    faults.heal(engine, fault, token)  # type: ignore[arg-type]


def image(engine: Engine) -> list[Box]:
    """How all containers are."""
    return deepcopy(engine.boxes)


@pytest.mark.parametrize(
    "service",
    ["prometheus", "load", "heartbeat", "grafana", "engine-proxy", "postgres-exporter-primary"],
)
@pytest.mark.parametrize("fault", OURS)
def test_observers_cannot_be_broken(fault: str, service: str) -> None:
    """Whoever must witness is refused while the scenario is read, with the reason."""
    with pytest.raises(ValidationError, match="observes"):
        asked(fault, service)


@pytest.mark.parametrize("fault", OURS)
def test_an_unknown_service_is_named_with_those_that_there_are(engine: Engine, fault: str) -> None:
    """A slip of the pen in a scenario."""
    with pytest.raises(BadInput, match="api-9") as raised:
        faults.plan(engine, asked(fault, "api-9"))  # type: ignore[arg-type]
    assert raised.value.remedy is not None
    assert "worker" in raised.value.remedy


@pytest.mark.parametrize("fault", OURS)
def test_what_does_not_run_cannot_be_broken(engine: Engine, fault: str) -> None:
    """It would be the wrong reason for whatever is seen afterwards."""
    engine["api-2"].state = "exited"
    with pytest.raises(Failed, match="does not run"):
        faults.plan(engine, asked(fault))  # type: ignore[arg-type]


@pytest.mark.parametrize("version", [1, 2], ids=["cgroup v1", "cgroup v2"])
@pytest.mark.parametrize("fault", OURS)
def test_injected_and_healed_twice_it_is_as_it_was(
    engine: Engine, fault: str, version: int
) -> None:
    """The witness sees it in between, and nothing is left."""
    engine.version = version
    before = image(engine)
    token = broken(engine, fault)
    faults.inject(engine, fault, token)  # type: ignore[arg-type]
    assert active(engine, fault, token)
    for _ in range(2):
        heal(engine, fault, token)
        assert not active(engine, fault, token)
        assert image(engine) == before


@pytest.mark.parametrize("fault", OURS)
def test_healing_what_was_never_injected_changes_nothing(engine: Engine, fault: str) -> None:
    """The process may have died between the plan and the injection."""
    before = image(engine)
    heal(engine, fault, faults.plan(engine, asked(fault)))  # type: ignore[arg-type]
    assert image(engine) == before


@pytest.mark.parametrize("fault", OURS)
def test_a_container_that_an_operator_made_anew_is_left_alone(engine: Engine, fault: str) -> None:
    """It has the limits and the network that docker-compose.yml gives it."""
    token = broken(engine, fault)
    engine.boxes.remove(engine["api-2"])
    engine.boxes.append(Box("api-2", "f" * 64, nano=500_000_000, memory=(MIB << 8, MIB << 9)))
    before = image(engine)
    assert not active(engine, fault, token)
    heal(engine, fault, token)
    assert image(engine) == before


def test_a_container_that_is_gone_comes_back(engine: Engine) -> None:
    """An operator may have removed what was dead."""
    token = broken(engine, "kill_container")
    engine.boxes.remove(engine["api-2"])
    assert active(engine, "kill_container", token)
    heal(engine, "kill_container", token)
    assert engine["api-2"].state == "running"


def test_a_container_that_will_not_freeze_is_asked_again(engine: Engine) -> None:
    """Under load the kernel does not get hold of every process at once."""
    refusals = iter(["unable to freeze", "unable to freeze"])
    engine.refuses = lambda args: next(refusals, None) if args[0] == "pause" else None
    broken(engine, "pause_container")


def test_a_container_that_never_freezes_is_told(engine: Engine) -> None:
    """Not for ever."""
    engine.refuses = lambda args: "unable to freeze" if args[0] == "pause" else None
    with pytest.raises(Failed, match="unable to freeze"):
        broken(engine, "pause_container")


@pytest.mark.parametrize(
    ("fault", "less", "enough"),
    [
        ("throttle_cpu", {"nano": 190_000_000}, {"nano": 210_000_000}),
        ("limit_memory", {"memory": (140 * MIB, -1)}, {"memory": (150 * MIB, -1)}),
    ],
)
def test_half_of_the_way_back_counts_as_mended(
    engine: Engine, fault: str, less: dict[str, Any], enough: dict[str, Any]
) -> None:
    """An operator need not know the number that it was; healing knows it."""
    before = image(engine)
    token = broken(engine, fault)
    vars(engine["api-2"]).update(less)
    assert active(engine, fault, token)
    vars(engine["api-2"]).update(enough)
    assert not active(engine, fault, token)
    heal(engine, fault, token)
    assert image(engine) == before


@pytest.mark.parametrize("fault", ["throttle_cpu", "limit_memory"])
def test_a_limit_outlives_the_container_s_end(engine: Engine, fault: str) -> None:
    """Stopping what is starved does not mend it: it would start as starved again."""
    token = broken(engine, fault)
    engine["api-2"].state = "exited"
    assert active(engine, fault, token)
    heal(engine, fault, token)
    assert not active(engine, fault, token)


@pytest.mark.parametrize(
    ("fault", "more"), [("throttle_cpu", {"cpus": 0.35}), ("limit_memory", {"mib": 192})]
)
def test_a_limit_that_is_none_is_refused(engine: Engine, fault: str, more: dict[str, Any]) -> None:
    """It must be lower than what is there."""
    with pytest.raises(Failed, match="already"):
        faults.plan(engine, asked(fault, **more))  # type: ignore[arg-type]


def test_memory_in_use_is_not_taken_by_accident(engine: Engine) -> None:
    """Less than what is pinned right now only if the scenario wants it to be killed; file cache
    does not count."""
    engine["api-2"].pinned = 110 * MIB
    with pytest.raises(Failed, match="uses 110 MiB") as raised:
        faults.plan(engine, asked("limit_memory"))  # type: ignore[arg-type]
    assert "kill: true" in (raised.value.remedy or "")
    broken(engine, "limit_memory", kill=True)


def test_an_old_kernel_does_not_kill_for_a_limit(engine: Engine) -> None:
    """cgroup version 1 refuses to go below what is in use; that is told before anything breaks."""
    engine.version = 1
    engine["api-2"].pinned = 110 * MIB
    with pytest.raises(MachineLacks, match="version 1"):
        faults.plan(engine, asked("limit_memory", kill=True))  # type: ignore[arg-type]


def test_an_address_that_is_taken_is_given_up_but_not_the_names(engine: Engine) -> None:
    """Others find a service by its name."""
    token = broken(engine, "partition")
    engine.refuses = lambda args: "Address already in use" if "--ip" in args else None
    heal(engine, "partition", token)
    link = engine["api-2"].networks[NETWORK]
    assert {"api-2", "lab-api-2-1"} <= set(link["Aliases"])
    assert not active(engine, "partition", token)


def test_connected_by_hand_without_its_name_it_is_still_cut_off(engine: Engine) -> None:
    """`docker network connect` gives the address only; with the alias an operator mends it, and
    healing then changes nothing."""
    token = broken(engine, "partition")
    engine["api-2"].join((), "172.18.0.50")
    assert active(engine, "partition", token)
    heal(engine, "partition", token)
    assert not active(engine, "partition", token)
    engine["api-2"].join(("api-2",), "172.18.0.51")
    before = image(engine)
    heal(engine, "partition", token)
    assert image(engine) == before


def test_what_nobody_limits_has_no_limit() -> None:
    """Both versions have a word for it; a container without processes has no cgroup."""
    assert _cgroup.read("") is None
    second = (
        "/a/cpu.max:max 100000\n/a/cgroup.events:frozen 0\n/a/memory.max:max\n"
        "/a/memory.current:9\n/a/memory.stat:inactive_file 4\n/a/memory.stat:active_file 2\n"
    )
    first = (
        "/a/cpu.cfs_quota_us:-1\n/a/cpu.cfs_period_us:100000\n/a/freezer.state:THAWED\n"
        "/b/memory.limit_in_bytes:9223372036854771712\n/b/memory.usage_in_bytes:9\n"
        "/b/memory.stat:total_inactive_file 4\n/b/memory.stat:total_active_file 2\n"
    )
    for text in (first, second):
        found = _cgroup.read(text)
        assert found is not None
        assert (found.cpus, found.memory, found.pinned, found.frozen) == (None, None, 3, False)


def test_nobody_to_ask_is_no_answer(engine: Engine) -> None:
    """Without an observer the witness says that it cannot look, not that all is well."""
    token = broken(engine, "partition")
    engine["prometheus"].state = "exited"
    with pytest.raises(Failed, match="observers"):
        active(engine, "partition", token)
