"""Where a room listens, and the addresses by which one comes in."""

from __future__ import annotations

import errno
import ipaddress
import os
import secrets
import socket

from lab.errors import BadInput

PORT = 8300
TRIED = 100
"""So many ports, from `PORT` on, until one is free."""


def is_local(host: str) -> bool:
    """Whether nobody but this machine can come to that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int | None = None) -> socket.socket:
    """A socket that listens there: at `port`, or else at the first one that is free.

    Raises `BadInput` where that cannot be.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port or PORT, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise BadInput(f"--host {host!r} is no address: {error}") from error
    for number in range(PORT, PORT + TRIED) if port is None else (port,):
        try:
            return socket.create_server((where[0], number, *where[2:]), family=family)
        except OSError as error:
            if port is None and error.errno == errno.EADDRINUSE:
                continue
            # Python tells the address as well: "... (while attempting to bind on address ...)".
            why = os.strerror(error.errno or 0)
            raise BadInput(
                f"the room cannot listen at {host}, port {number}: {why}",
                remedy="choose another with --port; without it the room takes one that is free",
            ) from error
    raise BadInput(
        f"none of the ports {PORT} to {PORT + TRIED - 1} is free", remedy="choose --port"
    )


def urls(host: str, port: int) -> list[str]:
    """By what it is reached: from this machine first, then by what others would type."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return [f"http://{host}:{port}"]
    if not address.is_unspecified:
        return [f"http://{_shown(host)}:{port}"]
    here = "127.0.0.1" if address.version == 4 else "::1"
    return [f"http://{_shown(each)}:{port}" for each in (here, _among_others(address.version))]


def new_token() -> str:
    """Hard to guess, easy to paste."""
    return secrets.token_urlsafe(18)


def entrance(url: str, token: str, path: str = "/") -> str:
    """The address by which one comes in."""
    return f"{url}{path}?token={token}"


def _shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _among_others(version: int) -> str:
    """This machine's address on the way to any other, else its name."""
    family, anybody = (
        (socket.AF_INET, "192.0.2.1") if version == 4 else (socket.AF_INET6, "2001:db8::1")
    )
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: it only asks the routing table. The addresses are nobody's (RFC 5737).
            probe.connect((anybody, 9))
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
