"""Ten things that somebody on call may change by hand, and whether they are as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from lab import engine
from lab.command import run
from lab.stack import Stack

FRONT_DOOR = "/etc/nginx/proxy.conf"
SETTINGS = "SELECT count(*) FROM pg_db_role_setting WHERE setconfig::text LIKE '%work_mem%'"
MINE = "SELECT count(*) FROM pg_indexes WHERE indexname = 'photos_title_mine'"
LIMIT = 250_000_000

#: What a list of changes must name, each once.
NAMED = (
    f"file nginx:{FRONT_DOOR}: edited",
    "schema index public.photos_title_mine: CREATE INDEX",
    "role setting darkroom in *: work_mem: 8MB",
    "server setting postgres-replica: log_min_duration_statement: 1s",
    "Redis setting redis-cache: maxmemory: ",
    "flag serve_stale: on",
    f"limit api-2: NanoCpus: {LIMIT}, at home ",
    "network api-3: is on: ",
    "container api (",
    "container guest: ",
)


@contextmanager
def tampered(stack: Stack) -> Iterator[None]:
    """All ten changed, by ordinary tools; what is not the stack's own is removed in the end."""
    network = f"{stack.home.project}-elsewhere"
    guest = f"{stack.home.project}-guest"

    def compose(*words: str) -> None:
        stack.project.compose(*words)

    append = f"echo '# mine' >> {FRONT_DOOR}"
    _remove(network)
    run(["docker", "network", "create", network], timeout=30)
    try:
        compose("exec", "-T", "--user", "root", "nginx", "sh", "-c", append)
        stack.psql("CREATE INDEX photos_title_mine ON photos (title) WHERE id < 1000", timeout=120)
        stack.psql("ALTER ROLE darkroom SET work_mem = '8MB'")
        setting = "ALTER SYSTEM SET log_min_duration_statement = '1s';\nSELECT pg_reload_conf()"
        stack.psql(setting, service="postgres-replica")
        compose("exec", "-T", "redis-cache", "redis-cli", "CONFIG", "SET", "maxmemory", "50mb")
        compose("exec", "-T", "api-1", "flags", "set", "serve_stale", "on")
        api_2 = stack.container("api-2").id
        run(["docker", "update", "--cpus", str(LIMIT / 1e9), str(api_2)], timeout=30)
        run(["docker", "network", "connect", network, str(stack.container("api-3").id)], timeout=30)
        compose("up", "--detach", "--no-deps", "--scale", "api=1", "api")
        image = stack.container("redis-cache").image
        assert image is not None
        engine.client().containers.run(
            image.id,
            ["sleep", "600"],
            entrypoint=[],
            detach=True,
            name=guest,
            network=stack.project.network,
        )
        yield
    finally:
        run(["docker", "rm", "--force", guest], timeout=30, check=False)
        _remove(network)


def _remove(network: str) -> None:
    """A network of ours, whoever is still on it; none is no error."""
    from docker.errors import NotFound

    with suppress(NotFound):
        found = engine.client().networks.get(network)
        for container in found.attrs["Containers"]:
            found.disconnect(container, force=True)
        found.remove()


def left(stack: Stack) -> list[str]:
    """What is still not as it was, of those ten."""
    stack.project.__dict__.pop("config", None)
    api_2 = stack.container("api-2")
    networks = stack.container("api-3").attrs["NetworkSettings"]["Networks"]
    looks: dict[str, Callable[[], bool]] = {
        "file": lambda: stack.exec("nginx", ["grep", "-q", "mine", FRONT_DOOR]).code == 0,
        "index": lambda: stack.psql(MINE) != [["0"]],
        "role setting": lambda: stack.psql(SETTINGS) != [["0"]],
        "server setting": lambda: (
            stack.psql("SHOW log_min_duration_statement", service="postgres-replica") == [["1s"]]
        ),
        "Redis setting": lambda: (
            "52428800"
            in stack.exec("redis-cache", ["redis-cli", "CONFIG", "GET", "maxmemory"]).stdout
        ),
        "flag": lambda: (
            stack.exec("redis-broker", ["redis-cli", "EXISTS", "flags"]).stdout != "0\n"
        ),
        "limit": lambda: api_2.attrs["HostConfig"]["NanoCpus"] == LIMIT,
        "network": lambda: set(networks) != {stack.project.network},
        "scale": lambda: bool(stack.project.containers("api")),
        "stray container": lambda: stack.project.guests() != {},
    }
    return [what for what, look in looks.items() if look()]
