"""Throwing away what customers and incidents have changed, in as few seconds as can be.

Both databases copy their cluster from the image when they start without one. That copy takes the
longest, so it is begun first, in the containers that are there; everything else is replaced
meanwhile.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lab.command import CommandFailed, run
from lab.compose import Project, ServiceState

# Service and volume of each database server.
DATABASES = {"postgres-primary": "primary-data", "postgres-replica": "replica-data"}

# Who holds other data that changes, or remembers it, and the volumes of those. Prometheus keeps its
# history, Grafana its settings; the API remembers nothing.
REPLACED = ("redis-cache", "redis-broker", "worker", "load")
VOLUMES = ("broker-data", "load-data")

# Who may write to the photos' volume, which others hold open so that it can only be emptied.
MEDIA_WRITERS = ("api-1", "api-2", "api-3")
EMPTY_MEDIA = ("find", "/media", "-mindepth", "2", "-delete")

# A server that starts without `cluster` seeds itself, and clears `outgoing` away on the way.
FORGET = "cd /var/lib/postgresql/data && rm -rf outgoing && mv cluster outgoing"


def throw_away(project: Project) -> None:
    """Leave no changed data: some services are gone after it, the databases are starting.

    Raises ``CommandFailed`` where docker refuses something.
    """
    states = {state.name: state for state in project.states()}
    with ThreadPoolExecutor() as pool:
        seeding = [pool.submit(_reseed, project, states.get(name), name) for name in DATABASES]
        project.remove([states[name].container_id for name in REPLACED if name in states])
        emptied = pool.submit(_empty_media, project, states)
        list(pool.map(project.remove_volume, VOLUMES))
        for task in (*seeding, emptied):
            task.result()


def _reseed(project: Project, state: ServiceState | None, name: str) -> None:
    """Start a database server again without its cluster; remove it where it does not run."""
    if state is not None and state.state == "running":
        try:
            run(["docker", "exec", state.container_id, "sh", "-c", FORGET], timeout=20)
            run(["docker", "restart", "--time", "0", state.container_id], timeout=60)
        except CommandFailed:
            # It may have ended meanwhile, or hold no whole cluster: a new one has none at all.
            pass
        else:
            return
    project.remove([state.container_id] if state is not None else [])
    project.remove_volume(DATABASES[name])


def _empty_media(project: Project, states: dict[str, ServiceState]) -> None:
    for name in MEDIA_WRITERS:
        state = states.get(name)
        if state is not None and state.state == "running":
            run(["docker", "exec", state.container_id, *EMPTY_MEDIA], timeout=120)
            return
    once = ("run", "--rm", "--no-deps", "-T", "--entrypoint", EMPTY_MEDIA[0], MEDIA_WRITERS[0])
    project.compose(*once, *EMPTY_MEDIA[1:])
