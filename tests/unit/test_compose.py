"""Reading what the engine says of containers, and pointing compose at one project only."""

from pathlib import Path

import pytest

from lab.compose import CHECKOUT_LABEL, ENV_LABEL, SERVICE_LABEL, Project, ServiceState, state_of
from lab.errors import BadInput
from lab.home import Home


def container(
    state: str = "running",
    status: str = "Up 3 seconds",
    network: str = "p_default",
    made_for: str = "p_default",
):
    return {
        "Id": "abc",
        "State": state,
        "Status": status,
        "Labels": {"com.docker.compose.service": "nginx"},
        "HostConfig": {"NetworkMode": made_for},
        "NetworkSettings": {"Networks": {network: {}} if network else {}},
    }


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("Up 3 seconds (healthy)", "healthy"),
        ("Up 3 seconds (unhealthy)", "unhealthy"),
        ("Up Less than a second (health: starting)", "starting"),
        ("Up 2 hours (Paused)", ""),
        ("Up 2 hours", ""),
    ],
)
def test_health_is_read_from_the_sentence(status, health):
    """The engine tells a container's health only in words for people."""
    assert state_of(container(status=status), "p_default").health == health


@pytest.mark.parametrize(
    ("described", "ok"),
    [
        (container(status="Up 3 seconds (healthy)"), True),
        (container(), True),
        (container(status="Up 3 seconds (health: starting)"), False),
        (container(state="paused", status="Up 3 seconds (Paused)"), False),
        (container(state="exited", status="Exited (137) 3 seconds ago"), False),
        (container(network=""), False),
        (container(network="other_default"), False),
        (container(network="p_engine", made_for="p_engine"), True),
        (container(network="", made_for="p_engine"), False),
    ],
)
def test_ok_is_running_attached_and_not_ill(described, ok):
    """A service counts as up only when it runs, can be reached and is not known to be ill."""
    assert state_of(described, "p_default").ok is ok


def test_missing_service_is_not_ok():
    """A service without a container is not up."""
    assert not ServiceState("nginx", "missing").ok


def test_callers_compose_settings_do_not_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """COMPOSE_FILE and the like, meant for another project, do not reach ours."""
    monkeypatch.setenv("COMPOSE_FILE", "/elsewhere/compose.yml")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "elsewhere")
    monkeypatch.setenv("LAB_NGINX_PORT", "1")
    environment = Project.environment()
    assert not {"COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "LAB_NGINX_PORT"} & set(environment)
    argv = Project(Home(root=tmp_path, base=tmp_path, project="mine")).argv("ps")
    assert argv[argv.index("--project-name") + 1] == "mine"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """One container of this checkout, and one of another that is gone by now."""
    made = Project(Home(root=tmp_path / "here", base=tmp_path / "home"))
    found = [
        {"Id": where, "State": "running", "Labels": {CHECKOUT_LABEL: str(tmp_path / where)}}
        for where in ("here", "there")
    ]
    monkeypatch.setattr(made, "containers", lambda: found)
    return made


@pytest.mark.parametrize(("anew", "removed"), [(False, ["there"]), (True, ["here", "there"])])
def test_what_another_checkout_has_left_is_removed(
    project: Project, monkeypatch: pytest.MonkeyPatch, anew: bool, removed: list[str]
):
    """It has other passwords; with new ones of our own nothing that is there fits."""
    gone: list[str] = []
    monkeypatch.setattr(project, "remove", gone.extend)
    project.claim(anew=anew)
    assert gone == removed


def test_a_stack_of_another_checkout_is_left_alone(project: Project, tmp_path: Path):
    """While it is up and its checkout there: the message says where, and how to have two."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "docker-compose.yml").touch()
    with pytest.raises(BadInput, match=str(tmp_path / "there")) as refused:
        project.claim(anew=True)
    assert "LAB_PROJECT=" in str(refused.value.remedy)


def test_a_stack_of_another_home_is_left_alone(project: Project, tmp_path: Path):
    """Also in this checkout: a home knows neither the passwords nor the night of another. One that
    is gone has left its containers to whoever comes."""
    other = tmp_path / "other" / "stack.env"
    other.parent.mkdir()
    other.touch()
    (here, _) = project.containers()
    here["Labels"][ENV_LABEL] = str(project.home.env_file)
    project.refuse_others()
    here["Labels"][ENV_LABEL] = str(other)
    with pytest.raises(BadInput, match=str(other.parent)) as refused:
        project.claim(anew=False)
    assert "LAB_PROJECT=" in str(refused.value.remedy)
    other.unlink()
    project.refuse_others()


def test_each_service_has_the_port_that_the_engine_tells(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    """A container that does not run holds none."""
    found = [
        {"Labels": {SERVICE_LABEL: "nginx"}, "Ports": [{"PrivatePort": 1, "PublicPort": 18080}]},
        {"Labels": {SERVICE_LABEL: "api-1"}, "Ports": [{"PrivatePort": 8000}]},
        {"Labels": {SERVICE_LABEL: "load"}, "Ports": []},
    ]
    monkeypatch.setattr(project, "containers", lambda: found)
    assert project.published() == {"nginx": 18080}


@pytest.mark.parametrize("state", ["exited", "created", "dead"])
def test_what_does_not_run_is_nobodys_any_more(project: Project, tmp_path: Path, state: str):
    """Containers that were only made, or have ended, may be taken over."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "docker-compose.yml").touch()
    project.containers()[1]["State"] = state
    project.refuse_others()
