"""Settings of running servers: changed, found by asking them, and put back as they were."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import faults
from lab.errors import Failed
from lab.faults._nginx import Nginx
from lab.faults._settings import Flag, Postgres, Redis, Target
from lab.faults.setting import Setting, SettingParams
from lab.stack import Stack
from tests.services.customer import until

pytestmark = pytest.mark.docker


def changed(stack: Stack, change: Target) -> str:
    """The token of a change that the running target has confirmed."""
    params = SettingParams.model_validate({"fault": "setting", "change": change.model_dump()})
    token = faults.plan(stack, params)
    assert not faults.active(stack, "setting", token)
    faults.heal(stack, "setting", token)
    for _ in range(2):
        faults.inject(stack, "setting", token)
        until(lambda: faults.active(stack, "setting", token), bool, "it is in force")
    return token


@pytest.fixture
def healing(stack: Stack) -> Iterator[list[str]]:
    """Tokens that the test has broken something with: healed twice, whatever comes."""
    tokens: list[str] = []
    yield tokens
    for token in tokens:
        for _ in range(2):
            faults.heal(stack, "setting", token)
            assert not faults.active(stack, "setting", token)


@pytest.mark.parametrize(
    "change", [one.change for one in Setting.examples], ids=lambda change: str(change)[:30]
)
def test_it_is_as_it_was_before(stack: Stack, healing: list[str], change: Target) -> None:
    """What was not configured is not configured afterwards, and what was, is again."""
    before = change.configured(stack)
    healing.append(changed(stack, change))
    faults.heal(stack, "setting", healing[0])
    assert not change.in_force(stack)
    assert change.configured(stack) == before


def auto_conf(stack: Stack) -> list[list[str]]:
    return stack.psql(
        "SELECT name, setting FROM pg_file_settings "
        "WHERE sourcefile LIKE '%/postgresql.auto.conf' AND name = 'checkpoint_timeout'"
    )


def test_what_an_operator_had_set_comes_back(stack: Stack, healing: list[str]) -> None:
    """ALTER SYSTEM RESET only where nothing was set."""
    stack.psql("ALTER SYSTEM SET checkpoint_timeout TO '8min'")
    try:
        change = Postgres(target="postgres", name="checkpoint_timeout", value="7min")
        healing.append(changed(stack, change))
        faults.heal(stack, "setting", healing[0])
        assert auto_conf(stack) == [["checkpoint_timeout", "8min"]]
    finally:
        stack.psql("ALTER SYSTEM RESET checkpoint_timeout;\nSELECT pg_reload_conf()")
    assert auto_conf(stack) == []


def test_what_an_operator_sets_instead_stays(stack: Stack, healing: list[str]) -> None:
    """It is mended by any other value, and healing is none of that value's business."""
    change = Postgres(target="postgres", name="checkpoint_timeout", value="7min")
    healing.append(changed(stack, change))
    try:
        stack.psql("ALTER SYSTEM SET checkpoint_timeout TO '9min';\nSELECT pg_reload_conf()")
        until(lambda: faults.active(stack, "setting", healing[0]), lambda on: not on, "it is not")
        faults.heal(stack, "setting", healing[0])
        assert auto_conf(stack) == [["checkpoint_timeout", "9min"]]
    finally:
        stack.psql("ALTER SYSTEM RESET checkpoint_timeout;\nSELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (Postgres(target="postgres", name="shared_buffers", value="64MB"), "postmaster"),
        (Postgres(target="postgres", name="no_such_thing", value="1"), "not there"),
        (Postgres(target="postgres", name="work_mem", value="tiny"), "tiny"),
        (Postgres(target="postgres", name="work_mem", value="4096"), "4MB"),
        (Postgres(target="postgres", name="work_mem", value="4MB"), "already"),
        (Redis(target="redis", service="redis-cache", name="no-such", value="1"), "no-such"),
        (Flag(target="flag", name="no_such_flag", value="on"), "no_such_flag"),
        (Flag(target="flag", name="ttl_jitter", value="off"), "already"),
        (Nginx(target="nginx", file="proxy.conf", text="nowhere", becomes="here"), "nowhere"),
    ],
    ids=lambda one: str(one)[:24],
)
def test_what_cannot_be_set_cannot_be_planned(stack: Stack, change: Target, complaint: str) -> None:
    """The message says why, before anything is changed."""
    params = SettingParams.model_validate({"fault": "setting", "change": change.model_dump()})
    with pytest.raises(Failed, match=complaint):
        faults.plan(stack, params)


def edit(stack: Stack, script: str) -> None:
    """An operator's sed in nginx's files."""
    done = stack.exec("nginx", ["sed", "-i", script, "/etc/nginx/upstreams.lua"], user="root")
    assert done.code == 0, done.stderr


def upstreams(stack: Stack) -> str:
    return stack.exec("nginx", ["cat", "/etc/nginx/upstreams.lua"]).stdout


def test_an_edit_counts_when_nginx_has_taken_it_up(stack: Stack, healing: list[str]) -> None:
    """Without a reload the old configuration is in force, whatever the file says."""
    change = Nginx(target="nginx", file="upstreams.lua", text="rise = 2,", becomes="rise = 3,")
    healing.append(changed(stack, change))
    edit(stack, "s/rise = 3/rise = 4/")
    assert faults.active(stack, "setting", healing[0])
    assert stack.exec("nginx", ["nginx", "-s", "reload"]).code == 0
    until(
        lambda: faults.active(stack, "setting", healing[0]),
        lambda active: not active,
        "it is mended",
    )
    edit(stack, "s/rise = 4/rise = 2/")
    assert stack.exec("nginx", ["nginx", "-s", "reload"]).code == 0


def test_an_operators_other_edits_of_the_file_stay(stack: Stack, healing: list[str]) -> None:
    """Only the very text is put back."""
    before = upstreams(stack)
    change = Nginx(target="nginx", file="upstreams.lua", text="rise = 2,", becomes="rise = 3,")
    healing.append(changed(stack, change))
    edit(stack, "s/fall = 3/fall = 4/")
    faults.heal(stack, "setting", healing[0])
    assert upstreams(stack) == before.replace("fall = 3", "fall = 4")
    edit(stack, "s/fall = 4/fall = 3/")
    assert stack.exec("nginx", ["nginx", "-s", "reload"]).code == 0
    assert upstreams(stack) == before
