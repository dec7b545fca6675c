"""What the faults of a network link share: shaping it, and measuring it from inside.

A container's link is shaped in its own network namespace, which ends with it: a restart mends it.
No container has the right to do so; a second one, of the same image and in the same namespace, has
it for a moment, and looks like one of `docker compose run`. That needs no root on this machine.

The link is measured by packets to a neighbour, without these tools and without any right.
"""

from __future__ import annotations

import json
from secrets import token_hex
from typing import TYPE_CHECKING

from lab.command import CommandFailed, Exec, run
from lab.compose import ONEOFF_LABEL, PROJECT_LABEL, SERVICE_LABEL
from lab.errors import Failed, MachineLacks
from lab.faults._containers import NEIGHBOURS, containers, docker, running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.stack import Stack

# Opens many connections at once, to a port where nobody listens: each is refused after one way
# there and one back. Says after how many milliseconds each was; null where it was not in time.
KNOCK = """
import json, select, socket, sys, time
host, count, wait = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
address = socket.gethostbyname(host), 9
poll, began, took = select.poll(), {}, {}
for _ in range(count):
    one = socket.socket()
    one.setblocking(False)
    began[one.fileno()] = time.monotonic(), one
    one.connect_ex(address)
    poll.register(one, select.POLLOUT)
until = time.monotonic() + wait
while len(took) < count and (left := until - time.monotonic()) > 0:
    for number, _ in poll.poll(left * 1000):
        took[number] = (time.monotonic() - began[number][0]) * 1000
        poll.unregister(number)
print(json.dumps([took.get(number) for number in began]))
"""

# Sends so many bytes as fast as the link takes them, and says how many seconds that took; it gives
# up after a few. Hardly anything fits into the socket, so the link is what it waits for.
POUR = """
import socket, sys, time
address, left = (socket.gethostbyname(sys.argv[1]), 9), int(sys.argv[2])
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
began, took = time.monotonic(), 0
while left > 0 and took < 2:
    left -= one.sendto(bytes(min(left, 1200)), address)
    took = time.monotonic() - began
print(took)
"""
# What the socket holds all the same.
SOCKET_BYTES = 6000

# Each of the links: the number changes when one is cut and connected again.
EACH = "for one in /sys/class/net/eth*; do one=${one##*/}; "
SHOWN = EACH + 'tc qdisc show dev "$one" root || exit; done'
SET = EACH + 'tc qdisc replace dev "$one" "$@" || exit; done'
# The kernel refuses where the handle is another's, or there is none.
UNSET = (
    EACH + 'tc qdisc del dev "$one" root handle "$1" 2>/dev/null; '
    '! tc qdisc show dev "$one" root | grep -q "^qdisc [a-z]* $1 " || exit; done'
)

NO_SUCH_PROGRAM = 127


def round_trips(stack: Stack, service: str, count: int, wait_s: float) -> list[float | None]:
    """Milliseconds of `count` round trips from the service to a neighbour; None: not in time.

    Raises `Failed` when it cannot be measured.
    """
    said = _measure(stack, service, KNOCK, str(count), str(wait_s))
    found: list[float | None] = json.loads(said)
    return found


def pour(stack: Stack, service: str, amount: int) -> float:
    """Seconds in which the service got `amount` bytes onto its link.

    Raises `Failed` when it cannot be measured.
    """
    return float(_measure(stack, service, POUR, str(amount)))


def runs(stack: Stack, service: str) -> bool:
    """Whether the service has a link at all: a container that ends takes its shaping with it."""
    return any(one.state in ("running", "paused") for one in containers(stack, service))


def beside(stack: Stack, service: str, argv: Sequence[str], stdin: str = "") -> list[Exec]:
    """Run `argv` with all rights on the network of each container of the service that runs.

    Raises `CommandFailed` where one says no.
    """
    return [
        _run(stack, service, f"container:{one.container_id}", one.container_id, argv, stdin)
        for one in containers(stack, service)
        if one.state in ("running", "paused")
    ]


def try_out(
    stack: Stack, service: str, argv: Sequence[str], *, needs: str, stdin: str = ""
) -> None:
    """Run `argv` on a network of its own that ends with it: nothing changes.

    Raises `MachineLacks`, with `needs` as the remedy, where the engine's kernel refuses, `BadInput`
    and `Failed` where there is no such service whose image could run it.
    """
    one = running(stack, service)[0]
    try:
        _run(stack, service, "none", one.container_id, argv, stdin)
    except CommandFailed as error:
        if error.code == NO_SUCH_PROGRAM:
            raise Failed(
                f"the image of {service} has no {argv[0]}", remedy="`lab up` builds it anew"
            ) from error
        raise MachineLacks(
            f"this kernel cannot do it: {error.stderr.strip()}", remedy=needs
        ) from error


def _run(
    stack: Stack, service: str, network: str, container_id: str, argv: Sequence[str], stdin: str
) -> Exec:
    project = stack.home.project
    image = docker("inspect", "--type", "container", "--format", "{{.Image}}", container_id)
    labels = {"dev.3am-lab": "true", PROJECT_LABEL: project, SERVICE_LABEL: service}
    labels[ONEOFF_LABEL] = "True"
    options = [
        *("--name", f"{project}-{service}-run-{token_hex(6)}", "--rm", "--interactive"),
        *("--network", network, "--user", "0", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN"),
        *("--security-opt", "no-new-privileges", "--read-only", "--pull", "never"),
        *(word for label in labels.items() for word in ("--label", "=".join(label))),
        *("--entrypoint", argv[0], image.stdout.strip()),
    ]
    return run(["docker", "run", *options, *argv[1:]], stdin=stdin, timeout=30)


class Shaper:
    """One queueing discipline at the head of a service's links, under a handle of its own."""

    def __init__(self, kind: str, handle: str, needs: str) -> None:
        self.kind = kind
        self.handle = handle
        self.needs = needs

    def check(self, stack: Stack, service: str, options: Sequence[str]) -> None:
        """Raise as `try_out` where it cannot be had, `Failed` where something shapes the link
        already."""
        how = ["root", "handle", self.handle, self.kind, *options]
        try_out(stack, service, ["tc", "qdisc", "add", "dev", "lo", *how], needs=self.needs)
        for done in beside(stack, service, ["sh", "-c", SHOWN]):
            for line in done.stdout.splitlines():
                if not line.startswith("qdisc noqueue"):
                    raise Failed(
                        f"the link of {service} is shaped already: {line.strip()}",
                        remedy="`lab restore` undoes what the lab did",
                    )

    def set(self, stack: Stack, service: str, options: Sequence[str]) -> None:
        how = ["root", "handle", self.handle, self.kind, *options]
        beside(stack, service, ["sh", "-c", SET, "sh", *how])

    def unset(self, stack: Stack, service: str) -> None:
        """Take it away where it is; what somebody else has put there stays."""
        beside(stack, service, ["sh", "-c", UNSET, "sh", self.handle])


def _measure(stack: Stack, service: str, script: str, *args: str) -> str:
    for name in NEIGHBOURS:
        if runs(stack, name):
            done = stack.exec(service, ["python3", "-c", script, name, *args])
            if done.code != 0:
                last = done.stderr.strip().splitlines()[-1:]
                raise Failed(f"the link of {service} cannot be measured: {' '.join(last)}")
            return done.stdout
    raise Failed("no neighbour runs to measure the link to", remedy="`lab restore`")
