"""The stack's compose project: docker compose as a command, its containers through the engine."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lab import engine
from lab.command import Exec, run
from lab.errors import BadInput
from lab.home import Home
from lab.settings import PORTS, read_env

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONEOFF_LABEL = "com.docker.compose.oneoff"
HASH_LABEL = "com.docker.compose.config-hash"
CHECKOUT_LABEL = "com.docker.compose.project.working_dir"
ENV_LABEL = "com.docker.compose.project.environment_file"


ALIVE = ("running", "paused", "restarting")


@dataclass(frozen=True)
class ServiceState:
    """One service as the engine sees it.

    ``state`` is the engine's word (running, exited, paused, dead, created, restarting) or
    ``missing``; ``health`` is healthy, unhealthy, starting or, without a health check, empty;
    ``container_id`` is empty where there is no container; ``attached`` tells whether it is on the
    stack's network, or on one of its own where it was made for that.
    """

    name: str
    state: str
    health: str = ""
    container_id: str = ""
    attached: bool = True

    @property
    def runs(self) -> bool:
        """Whether there is a process, however it is."""
        return self.state in ALIVE

    @property
    def ok(self) -> bool:
        """Running, on the network, and healthy as far as that can be known."""
        return self.state == "running" and self.health in ("healthy", "") and self.attached


class Project:
    """The compose project of one lab home.

    Whatever asks the engine raises ``MachineLacks`` where none answers; commands raise
    ``CommandFailed``.
    """

    def __init__(self, home: Home) -> None:
        self.home = home

    def compose(self, *args: str, timeout: float = 120) -> Exec:
        """Run ``docker compose ARGS`` for this project."""
        return run(self.argv(*args), timeout=timeout, env=self.environment(), cwd=self.home.root)

    def argv(self, *args: str, files: Sequence[str] = ()) -> list[str]:
        """``docker compose`` for this project; ``files`` are laid over docker-compose.yml."""
        names = [str(self.home.compose_file), *files]
        options = [word for name in names for word in ("--file", name)]
        if self.home.env_file.exists():
            options += ["--env-file", str(self.home.env_file)]
        directory = str(self.home.root)
        return [
            *("docker", "compose", "--project-name", self.home.project),
            *("--project-directory", directory, *options, *args),
        ]

    @staticmethod
    def environment() -> dict[str, str]:
        """Ours, without what would point compose elsewhere or override the stack's env file."""
        theirs = {"LAB_SECRETS", "LAB_HOST_CA", "LAB_ENGINE_SOCKET", "LAB_PROJECT", *PORTS}
        return {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("COMPOSE_") and name not in theirs
        }

    @cached_property
    def config(self) -> dict[str, Any]:
        """Every service of docker-compose.yml as compose understands it, those of profiles too."""
        shown = self.compose("--profile", "*", "config", "--format", "json").stdout
        services: dict[str, Any] = json.loads(shown)["services"]
        return services

    def services(self) -> list[str]:
        """The names of the services that should run: all but those of profiles not enabled."""
        enabled = set(read_env(self.home.env_file).get("COMPOSE_PROFILES", "").split(","))
        return sorted(
            name
            for name, service in self.config.items()
            if not service.get("profiles") or enabled & set(service["profiles"])
        )

    def containers(self, service: str | None = None) -> list[dict[str, Any]]:
        """The engine's short descriptions of the containers, of one service or of all."""
        labels = [f"{PROJECT_LABEL}={self.home.project}", f"{ONEOFF_LABEL}=False"]
        labels.append(SERVICE_LABEL if service is None else f"{SERVICE_LABEL}={service}")
        found: list[dict[str, Any]] = engine.client().api.containers(
            all=True, filters={"label": labels}
        )
        return found

    def states(self) -> list[ServiceState]:
        """What the engine says of each service that has a container."""
        return [state_of(container, self.network) for container in self.containers()]

    def reachable(self, state: ServiceState) -> bool:
        """Whether others find this container under its service's name.

        A network that was disconnected and connected again by hand knows the address only.
        """
        from docker.errors import NotFound

        if not state.attached:
            return False
        with suppress(NotFound):
            described = engine.client().api.inspect_container(state.container_id)
            network = _own_network(described, self.network) or {}
            return state.name in (network.get("Aliases") or ())
        return False

    @property
    def network(self) -> str:
        """The name of the network that the services share."""
        return f"{self.home.project}_default"

    def guests(self) -> dict[str, str]:
        """Who else is on the services' network: the names of containers, and their images."""
        from docker.errors import NotFound

        ours = {one["Id"] for one in self.containers()}
        api = engine.client().api
        found: dict[str, str] = {}
        with suppress(NotFound):
            there = api.inspect_network(self.network)["Containers"] or {}
            for container_id, one in there.items():
                if container_id not in ours:
                    found[one["Name"]] = api.inspect_container(container_id)["Config"]["Image"]
        return found

    def show_out(self, guest: str) -> None:
        """Take a container that is not the project's off the services' network; one that is left
        from a `docker compose run` is removed."""
        from docker.errors import NotFound

        api = engine.client().api
        with suppress(NotFound):
            labels = api.inspect_container(guest)["Config"]["Labels"] or {}
            if labels.get(PROJECT_LABEL) == self.home.project:
                api.remove_container(guest, force=True)
            else:
                api.disconnect_container_from_network(guest, self.network, force=True)

    def published(self) -> dict[str, int]:
        """The port of this machine that each service holds which publishes one, and runs."""
        return {
            container["Labels"][SERVICE_LABEL]: int(port["PublicPort"])
            for container in self.containers()
            for port in container.get("Ports") or []
            if port.get("PublicPort")
        }

    def claim(self, *, anew: bool) -> None:
        """Make the project's containers this checkout's own: what another one has left is removed,
        since other passwords are in it. With ``anew`` ours are, too.

        Raises ``BadInput`` while another checkout's run.
        """
        self.refuse_others()
        self.remove([one["Id"] for one in self.containers() if anew or not self._is_ours(one)])

    def refuse_others(self) -> None:
        """Raises ``BadInput`` while containers of this project run that another checkout or another
        home, which is still there, has made."""
        for one in self.containers():
            alive = one["State"] in ALIVE
            owner = self._owner(one)
            if alive and owner is not None and owner.exists():
                raise BadInput(
                    f"the stack {self.home.project} is up, and it is that of {owner.parent}",
                    remedy=f"`lab down` there; or LAB_PROJECT={self.home.project}-2 gives this "
                    "one a stack of its own",
                )

    def _is_ours(self, container: Mapping[str, Any]) -> bool:
        return self._owner(container) is None

    def _owner(self, container: Mapping[str, Any]) -> Path | None:
        """By which file somebody else's container is known: their docker-compose.yml, or in this
        checkout their home's env file. None for one of our own."""
        labels = container["Labels"]
        checkout = Path(labels[CHECKOUT_LABEL])
        if checkout.resolve() != self.home.root.resolve():
            return checkout / self.home.compose_file.name
        # Compose names it where it was told one, as the lab does; a learner need not.
        told = labels.get(ENV_LABEL, str(self.home.env_file))
        files = [checkout / name for name in told.split(",")]
        ours = self.home.env_file.resolve()
        return None if any(one.resolve() == ours for one in files) else files[0]

    def remove(self, container_ids: Sequence[str]) -> None:
        """Remove containers at once, whatever state they are in; a missing one is no error."""
        from docker.errors import NotFound

        def remove(container_id: str) -> None:
            with suppress(NotFound):
                engine.client().api.remove_container(container_id, force=True)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(remove, container_ids))

    def remove_volume(self, name: str) -> None:
        """Remove a named volume that no container uses any more; a missing one is no error."""
        from docker.errors import NotFound

        with suppress(NotFound):
            engine.client().api.remove_volume(f"{self.home.project}_{name}", force=True)

    def unpause(self) -> None:
        """Let frozen containers go on: a paused one can be neither started nor stopped."""
        from docker.errors import APIError

        for state in self.states():
            if state.state == "paused":
                # It may have been unpaused, or may have ended, since we looked.
                with suppress(APIError):
                    engine.client().api.unpause(state.container_id)


def state_of(container: Mapping[str, Any], network: str) -> ServiceState:
    """Read the engine's short description of a container.

    Its health is only told within the sentence for people: ``Up 3 seconds (health: starting)``.
    """
    told = re.search(r"\((?:health: )?(healthy|unhealthy|starting)\)", container.get("Status", ""))
    return ServiceState(
        name=container["Labels"][SERVICE_LABEL],
        state=container["State"],
        health=told.group(1) if told else "",
        container_id=container["Id"],
        attached=_own_network(container, network) is not None,
    )


def _own_network(container: Mapping[str, Any], shared: str) -> Mapping[str, Any] | None:
    """How a container is on the network that it was made for: that of the services, but for one
    that is kept apart from them. None when it is off that."""
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    made_for = (container.get("HostConfig") or {}).get("NetworkMode")
    found: Mapping[str, Any] | None = networks.get(shared, networks.get(made_for))
    return found
