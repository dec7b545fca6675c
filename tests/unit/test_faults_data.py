"""What of the data faults needs no server: what expires in step, and which values are taken."""

from __future__ import annotations

import random

import pytest
from pydantic import TypeAdapter, ValidationError

from lab.faults._redis import STEP_MS, TTL_MS, in_step
from lab.faults.hold_connections import HoldConnectionsParams
from lab.faults.lock_table import LockTableParams
from lab.faults.restart_service import RestartServiceParams
from lab.faults.setting import SettingParams


@pytest.mark.parametrize(
    ("lifetimes", "expected"),
    [
        ([], False),
        ([5, 6], False),
        ([5, 6, 7], True),
        ([0, 10_000, 20_000], False),
        ([0, STEP_MS - 1, STEP_MS - 1, 9_000, 15_000], True),
        ([0, STEP_MS, 2 * STEP_MS, 9_000, 15_000], False),
        ([9_000] * 10 + list(range(10_000, 30_000, 1_000)), False),
        (list(range(0, 9_000, 1_000)) + [9_500] * 9, True),
    ],
    ids=[
        "nothing", "too few", "all", "far apart", "just within", "just beyond", "a third", "half",
    ],
)  # fmt: skip
def test_what_is_in_step(lifetimes: list[int], *, expected: bool) -> None:
    """Half of them or more, and three at least, within three seconds."""
    assert in_step(lifetimes) is expected


@pytest.mark.parametrize("seed", range(20))
def test_a_cache_in_use_is_not_in_step(seed: int) -> None:
    """What is loaded as customers come expires at any time."""
    chance = random.Random(seed)
    assert not in_step(sorted(chance.randrange(TTL_MS) for _ in range(50)))


@pytest.mark.parametrize("left_s", [2, 5, 10, 30])
def test_a_cache_that_nobody_fills_is_not_in_step(left_s: int) -> None:
    """Once customers have gone only what ends soon is left of it, at any time within that."""
    chance = random.Random(left_s)
    assert not in_step(sorted(chance.randrange(left_s * 1000) for _ in range(50)))


@pytest.mark.parametrize("left_s", [2, 5, 10, 30])
def test_what_ends_at_one_moment_is_in_step(left_s: int) -> None:
    """However near that is."""
    assert in_step([left_s * 1000 - 50 + i for i in range(50)])


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"target": "memcached", "name": "a", "value": "b"}, "target"),
        ({"target": "postgres", "name": "work_mem; DROP", "value": "4MB"}, "name"),
        ({"target": "postgres", "name": "work_mem", "value": "4MB'; DROP"}, "value"),
        ({"target": "redis", "service": "postgres-primary", "name": "a", "value": "b"}, "service"),
        ({"target": "nginx", "file": "../passwd", "text": "root", "becomes": "toor"}, "file"),
        ({"target": "flag", "name": "ttl_jitter", "value": "maybe"}, "value"),
    ],
    ids=["target", "name", "quote", "service", "path", "flag"],
)
def test_a_setting_is_checked_where_it_is_read(params: dict[str, str], complaint: str) -> None:
    """The mistake is named by its place; nothing of it gets near a shell or a statement."""
    with pytest.raises(ValidationError) as raised:
        SettingParams.model_validate({"fault": "setting", "change": params})
    assert complaint in str(raised.value)


def test_a_setting_is_a_union_by_its_target() -> None:
    """The schema that editors get says which fields belong to which target."""
    schema = TypeAdapter(SettingParams).json_schema()
    union = schema["properties"]["change"]["discriminator"]
    assert sorted(union["mapping"]) == ["flag", "nginx", "postgres", "redis"]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (RestartServiceParams, {"fault": "restart_service", "service": "api-1", "lasting": True}),
        (LockTableParams, {"fault": "lock_table", "table": "a b"}),
        (LockTableParams, {"fault": "lock_table", "table": "a", "mode": "ROW SHARE"}),
        (LockTableParams, {"fault": "lock_table", "table": "a", "minutes": 0}),
        (HoldConnectionsParams, {"fault": "hold_connections", "connections": 0}),
        (
            HoldConnectionsParams,
            {"fault": "hold_connections", "connections": 1, "application": "o'neill"},
        ),
    ],
)
def test_what_makes_no_sense_is_refused(kind: type[SettingParams], values: object) -> None:
    """A restart cannot last, a lock that stops nobody is none, and names are names."""
    with pytest.raises(ValidationError):
        kind.model_validate(values)
