"""A stack's ports and passwords: chosen once, then remembered in the lab home."""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from lab.engine import SOCKET
from lab.errors import BadInput
from lab.files import replace_file
from lab.home import DEFAULT_PROJECT, Home

# What a browser or a script on this machine talks to: variable -> (service, default port).
PORTS: Mapping[str, tuple[str, int]] = {
    "LAB_NGINX_PORT": ("nginx", 8080),
    "LAB_PROMETHEUS_PORT": ("prometheus", 9090),
    "LAB_LOAD_PORT": ("load", 8089),
    "LAB_GRAFANA_PORT": ("grafana", 3000),
    "LAB_JAEGER_PORT": ("jaeger", 16686),
}

PUBLISHED = frozenset(service for service, _ in PORTS.values())

SECRETS = (
    "postgres_app",
    "postgres_replication",
    "postgres_monitor",
    "redis_cache",
    "redis_broker",
    "grafana_admin",
)


def is_free(port: int) -> bool:
    """Whether nobody listens on 127.0.0.1:``port``."""
    with socket.socket() as probe:
        # As the engine's own proxy does: a connection that just closed does not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_ports(
    explicit: Mapping[str, str],
    remembered: Mapping[str, str],
    ours: Collection[int],
    free: Callable[[int], bool] = is_free,
) -> dict[str, int]:
    """A port for every entry of ``PORTS``.

    An explicit choice is taken or refused, never replaced. A remembered or default port that
    somebody else has taken is replaced by the next free one. ``ours`` are the ports that this
    stack's containers hold already. Raises ``BadInput`` for an explicit port that is no port
    number, is named twice, or is taken.
    """
    chosen: dict[str, int] = {}
    for variable in PORTS:
        if variable in explicit:
            chosen[variable] = _explicit(variable, explicit[variable], chosen, ours, free)
    for variable, (_, default) in PORTS.items():
        if variable in chosen:
            continue
        port = _number(remembered.get(variable, "")) or default
        while port in chosen.values() or not (port in ours or free(port)):
            port = port + 1 if port < 65535 else 1024
        chosen[variable] = port
    return chosen


def _explicit(
    variable: str,
    value: str,
    chosen: Mapping[str, int],
    ours: Collection[int],
    free: Callable[[int], bool],
) -> int:
    port = _number(value)
    if port is None:
        raise BadInput(f"{variable}={value!r} is not a port", remedy="a number from 1 to 65535")
    if port in chosen.values():
        raise BadInput(f"{variable}={port} is already the port of another service of this stack")
    if port not in ours and not free(port):
        raise BadInput(
            f"{variable}={port}: somebody already listens on 127.0.0.1:{port}",
            remedy=f"choose another, or unset {variable} and the lab finds a free one; "
            f"`ss -ltnp 'sport = :{port}'` tells who it is",
        )
    return port


def _number(text: str) -> int | None:
    port = int(text) if text.isascii() and text.isdigit() else 0
    return port if 1 <= port <= 65535 else None


def read_env(path: Path) -> dict[str, str]:
    """The ``NAME=value`` lines of an env file; nothing where there is no file.

    Raises ``BadInput`` for a file that is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}", remedy="move it away; `lab up` writes it anew"
        ) from error
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): _unquoted(value.strip()) for name, _, value in pairs}


_PLAIN = re.compile(r"[\w./:,@%+=-]*", re.ASCII)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(value: str) -> str:
    """A value as compose reads it from an env file, where a space, a `#` or a `$` means something:
    in double quotes if need be, with what means something in them escaped."""
    if _PLAIN.fullmatch(value):
        return value
    return '"' + "".join(_ESCAPES.get(sign, sign) for sign in value) + '"'


def _unquoted(value: str) -> str:
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    plain = {escaped: sign for sign, escaped in _ESCAPES.items()}
    return re.sub(r"\\.", lambda one: plain.get(one[0], one[0]), value[1:-1])


COLLECTOR = "http://jaeger:4318"
"""Where the stack's own store of traces takes them."""


def write_env(
    home: Home, ours: Collection[int], *, extras: Collection[str] = (), cgroup: str = ""
) -> dict[str, str]:
    """Choose what this stack still lacks, write the env file and return its content.

    `extras` are compose profiles, of services that not every machine has; `cgroup` is the control
    group of all containers (see lab/host/share.py).

    Raises ``BadInput`` as ``choose_ports`` does.
    """
    explicit = {name: os.environ[name] for name in PORTS if os.environ.get(name)}
    ports = choose_ports(explicit, read_env(home.env_file), ours)
    values = {
        "LAB_PROJECT": home.project,
        "LAB_SECRETS": str(home.secrets),
        "LAB_HOST_CA": str(home.host_ca),
        "LAB_ENGINE_SOCKET": engine_socket(),
        "LAB_CGROUP": cgroup,
        **{name: str(port) for name, port in ports.items()},
        "COMPOSE_PROFILES": ",".join(sorted(extras)),
        # Somebody's own collector, or ours.
        "LAB_OTLP_ENDPOINT": os.environ.get("LAB_OTLP_ENDPOINT")
        or (COLLECTOR if "traces" in extras else ""),
        # Set where the boards have traces to lead to.
        "LAB_TRACED": "1" if "traces" in extras else "",
        "LAB_TRACE_RATIO": os.environ.get("LAB_TRACE_RATIO", ""),
    }
    text = "# Written by `lab up`; docker compose reads it.\n" + "".join(
        f"{name}={quoted(value)}\n" for name, value in values.items()
    )
    replace_file(home.env_file, text, mode=0o600)
    if home.project == DEFAULT_PROJECT:
        link_env(home)
    return values


def engine_socket() -> str:
    """The engine's socket on the engine's own machine, for the one container that reads it."""
    where = os.environ.get("DOCKER_HOST", "")
    return where.removeprefix("unix://") if where.startswith("unix://") else str(SOCKET)


def link_env(home: Home) -> None:
    """Let a plain ``docker compose`` in the checkout find the default stack's env file.

    A real file named ``.env`` is somebody's own and stays.
    """
    link = home.root / ".env"
    if link.exists() and not link.is_symlink():
        return
    target = home.env_file
    if target.is_relative_to(home.root):
        target = target.relative_to(home.root)
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = link.with_name(f".env.{os.getpid()}")
    fresh.symlink_to(target)
    fresh.replace(link)


def make_secrets(home: Home) -> bool:
    """Generate the passwords that do not exist yet. Returns whether there was such a one.

    The files are readable by all because containers read them as users of their own; the directory
    around them is not.
    """
    paths = [home.secrets / name for name in SECRETS]
    missing = [path for path in paths if not path.exists() or path.stat().st_size == 0]
    for path in missing:
        replace_file(path, secrets.token_urlsafe(24), mode=0o644)
    return bool(missing)
