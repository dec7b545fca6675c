"""Ports and passwords: chosen once, remembered, never silently replaced when chosen by hand."""

import json
from pathlib import Path

import pytest

from lab.command import run
from lab.engine import compose_version
from lab.errors import BadInput
from lab.home import Home
from lab.settings import (
    PORTS,
    SECRETS,
    choose_ports,
    link_env,
    make_secrets,
    quoted,
    read_env,
    write_env,
)


def every_port_free(_: int) -> bool:
    return True


def test_default_ports_where_nobody_has_them():
    """On an idle machine every service gets its usual port."""
    chosen = choose_ports({}, {}, ours=(), free=every_port_free)
    assert chosen == {name: default for name, (_, default) in PORTS.items()}


def test_taken_default_moves_on():
    """A default port that somebody has is replaced by the next one that is free."""
    chosen = choose_ports({}, {}, ours=(), free=lambda port: port not in (8080, 8081))
    assert chosen["LAB_NGINX_PORT"] == 8082


def test_two_services_never_share_a_port():
    """Moving on skips the ports that another service of the stack has."""
    chosen = choose_ports({"LAB_LOAD_PORT": "8081"}, {}, (), lambda port: port != 8080)
    assert chosen["LAB_NGINX_PORT"] == 8082
    assert len(set(chosen.values())) == len(PORTS)


def test_remembered_port_is_kept():
    """What was found at the first start is what the next start takes."""
    chosen = choose_ports({}, {"LAB_NGINX_PORT": "18080"}, (), every_port_free)
    assert chosen["LAB_NGINX_PORT"] == 18080


def test_our_own_ports_are_not_taken():
    """A port that this stack's running container holds is not somebody else's."""
    chosen = choose_ports({"LAB_NGINX_PORT": "8080"}, {}, {8080}, lambda port: port != 8080)
    assert chosen["LAB_NGINX_PORT"] == 8080


@pytest.mark.parametrize(
    ("explicit", "says"),
    [
        ({"LAB_NGINX_PORT": "http"}, "not a port"),
        ({"LAB_NGINX_PORT": "0"}, "not a port"),
        ({"LAB_NGINX_PORT": "70000"}, "not a port"),
        ({"LAB_NGINX_PORT": "5000", "LAB_LOAD_PORT": "5000"}, "another service"),
        ({"LAB_NGINX_PORT": "4000"}, "already listens"),
    ],
)
def test_explicit_port_is_taken_or_refused(explicit, says):
    """A port chosen by hand is never replaced: where it cannot be had, that is an error."""
    with pytest.raises(BadInput, match=says):
        choose_ports(explicit, {}, (), lambda port: port != 4000)


def test_env_file_is_read_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is written for compose is what the lab itself reads later."""
    for name in PORTS:
        monkeypatch.delenv(name, raising=False)
    home = Home(root=tmp_path, base=tmp_path / ".lab")
    home.prepare()
    written = write_env(home, {8080, 9090, 8089, 3000}, extras={"grafana"})
    assert read_env(home.env_file) == written
    assert written["COMPOSE_PROFILES"] == "grafana"
    assert (tmp_path / ".env").readlink() == Path(".lab/stack.env")


def test_traces_go_to_whoever_collects_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """To the stack's own store where it is up, to somebody's collector where one is named."""
    home = Home(root=tmp_path, base=tmp_path / ".lab")
    home.prepare()
    monkeypatch.delenv("LAB_OTLP_ENDPOINT", raising=False)
    assert write_env(home, ())["LAB_OTLP_ENDPOINT"] == ""
    assert write_env(home, ())["LAB_TRACED"] == ""
    traced = write_env(home, (), extras={"traces"})
    assert (traced["LAB_OTLP_ENDPOINT"], traced["LAB_TRACED"]) == ("http://jaeger:4318", "1")
    monkeypatch.setenv("LAB_OTLP_ENDPOINT", "http://elsewhere:4318")
    assert write_env(home, (), extras={"traces"})["LAB_OTLP_ENDPOINT"] == "http://elsewhere:4318"


def test_a_real_env_file_of_the_user_stays(tmp_path: Path):
    """Where somebody keeps a .env of their own, it is not replaced by our link."""
    home = Home(root=tmp_path, base=tmp_path / ".lab")
    (tmp_path / ".env").write_text("MINE=1\n")
    link_env(home)
    assert (tmp_path / ".env").read_text() == "MINE=1\n"


def test_only_the_default_project_has_the_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A second stack does not take over what a plain `docker compose` talks to."""
    for name in PORTS:
        monkeypatch.delenv(name, raising=False)
    home = Home(root=tmp_path, base=tmp_path / ".lab", project="second")
    home.prepare()
    write_env(home, ())
    assert not (tmp_path / ".env").is_symlink()


def test_passwords_are_made_once(tmp_path: Path):
    """A password is random, behind a private directory, and the same at the next start."""
    home = Home(root=tmp_path, base=tmp_path / ".lab")
    home.prepare()
    make_secrets(home)
    first = {name: (home.secrets / name).read_text() for name in SECRETS}
    make_secrets(home)
    assert first == {name: (home.secrets / name).read_text() for name in SECRETS}
    assert len(set(first.values())) == len(SECRETS)
    assert home.secrets.stat().st_mode & 0o777 == 0o700
    assert (home.secrets / "redis_cache").stat().st_mode & 0o777 == 0o644


ODD = ["plain-1.2_3/x", "two words", "a#b", "$HOME", "${LAB_PROJECT}", "it's", 'say "x"', "a\\nb"]
ODD += [
    "back\\slash",
    "end\\",
    " led by space",
    "'",
    '"',
    "tab\there",
    "line\nbreak",
    "ä€",
    "a=b",
    "",
]


@pytest.mark.parametrize("value", ODD)
def test_whatever_is_written_into_the_env_file_is_read_from_it(tmp_path: Path, value: str):
    """A home may be in a folder of any name."""
    path = tmp_path / "stack.env"
    path.write_text(f"# ours\nONE={quoted(value)}\nTWO=2\n")
    assert read_env(path) == {"ONE": value, "TWO": "2"}


@pytest.mark.skipif(compose_version() is None, reason="asks docker compose how it reads the file")
def test_compose_reads_the_same(tmp_path: Path):
    """What the lab writes means to compose what it means to the lab."""
    (tmp_path / "stack.env").write_text(
        "".join(f"V{number}={quoted(value)}\n" for number, value in enumerate(ODD))
    )
    labels = {f"v{number}": f"${{V{number}}}" for number in range(len(ODD))}
    service = {"image": "none", "labels": labels}
    (tmp_path / "compose.json").write_text(json.dumps({"services": {"one": service}}))
    asked = ["docker", "compose", "--file", str(tmp_path / "compose.json"), "--env-file"]
    shown = run([*asked, str(tmp_path / "stack.env"), "config", "--format", "json"]).stdout
    read = json.loads(shown)["services"]["one"]["labels"]
    # As compose prints it, to be read by compose again.
    assert [read[name].replace("$$", "$") for name in labels] == ODD


def test_what_is_no_env_file_is_said(tmp_path: Path):
    """With its path and with what to do, and not with a traceback."""
    (tmp_path / "stack.env").write_bytes(b"\xff\xfe\x00=")
    with pytest.raises(BadInput, match=r"stack\.env cannot be read"):
        read_env(tmp_path / "stack.env")
