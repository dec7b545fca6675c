"""An engine made up: containers with their limits and networks, as far as the faults touch them.

What a fault decides is real; only what lies beyond the docker command is made up here. The same
faults meet the real engine in tests/live/test_faults.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from lab.command import CommandFailed, Exec
from lab.faults import _link
from lab.home import Home

NETWORK = "lab_default"
MIB = 1 << 20

Args = Sequence[str]


@dataclass
class Box:
    """A container."""

    service: str
    id: str
    state: str = "running"
    nano: int = 350_000_000
    memory: tuple[int, int] = (192 * MIB, 384 * MIB)
    pinned: int = 60 * MIB
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=lambda: {"eth0": "noqueue 0:"})

    def __post_init__(self) -> None:
        if not self.networks:
            self.join((self.service, f"lab-{self.service}-1"), "172.18.0.7")

    def join(self, aliases: Sequence[str], address: str) -> None:
        names = [*aliases, self.id[:12]]
        self.networks[NETWORK] = {"Aliases": names, "IPAddress": address}


class Engine:
    """The engine, and the stack's door to it: pass it as the stack."""

    def __init__(self, *services: str) -> None:
        self.boxes = [Box(name, f"{name:x<12}{1:052}") for name in (*services, "prometheus")]
        self.expected = [box.service for box in self.boxes]
        self.home = Home(Path(), Path())
        self.project = self
        self.network = NETWORK
        self.done: list[tuple[str, ...]] = []
        self.refuses: Callable[[tuple[str, ...]], str | None] = lambda _: None
        self.measured = Exec(0, "", "")
        self.version = 2
        self.code = 1  # of whatever is refused

    def __getitem__(self, service: str) -> Box:
        return next(box for box in self.boxes if box.service == service)

    def containers(self, service: str) -> list[dict[str, Any]]:
        return [
            {
                "Id": box.id,
                "State": box.state,
                "Labels": {"com.docker.compose.service": service},
                "NetworkSettings": {"Networks": box.networks},
            }
            for box in self.boxes
            if box.service == service
        ]

    def compose(self, *args: str) -> Exec:
        self.done.append(("compose", *args))
        service = args[-1]
        for box in self.boxes:
            if box.service == service:
                box.state = "running"
                return Exec(0, "", "")
        self.boxes.append(Box(service, f"{service:y<12}{2:052}"))
        return Exec(0, "", "")

    def exec(self, service: str, argv: Args, **_: object) -> Exec:
        """What observers and measurements say."""
        if argv[0] == "find":
            box = next(box for box in self.boxes if f"*{box.id}*" in argv)
            return Exec(0, self._cgroup(box), "")
        if argv[0] == "timeout":
            reached = any(
                box.state in ("running", "paused") and argv[-1] in one["Aliases"]
                for box in self.boxes
                for one in box.networks.values()
            )
            return Exec(0 if reached else 3, "", "")
        return self.measured

    def run(self, argv: Args, **more: Any) -> Exec:
        """The docker command."""
        args = tuple(argv[1:])
        self.done.append(args)
        if complaint := self.refuses(args):
            raise CommandFailed(argv, self.code, complaint)
        return Exec(0, getattr(self, f"_{args[0]}")(args, more.get("stdin")) or "", "")

    @property
    def changes(self) -> list[tuple[str, ...]]:
        """What was done, without what only looked."""
        looks = ("inspect",)
        return [args for args in self.done if args[0] not in looks]

    # -- the commands -----------------------------------------------------------------------------

    def _box(self, args: Args) -> Box:
        return next(box for box in self.boxes if box.id in args)

    def _kill(self, args: Args, _: str | None) -> None:
        self._box(args).state = "exited"

    def _pause(self, args: Args, _: str | None) -> None:
        self._box(args).state = "paused"

    def _unpause(self, args: Args, _: str | None) -> None:
        self._box(args).state = "running"

    def _inspect(self, args: Args, _: str | None) -> str:
        box = self._box(args)
        if "{{.Image}}" in args:
            return "sha256:0123\n"
        if "{{json .HostConfig}}" in args:
            memory, swap = box.memory
            return json.dumps({"NanoCpus": box.nano, "Memory": memory, "MemorySwap": swap})
        return json.dumps(box.networks)

    def _update(self, args: Args, _: str | None) -> None:
        box, options = self._box(args), dict(zip(args[1:-1:2], args[2:-1:2], strict=True))
        if "--cpus" in options:
            box.nano = round(float(options["--cpus"]) * 1e9)
        else:
            box.memory = int(options["--memory"]), int(options["--memory-swap"])

    def _network(self, args: Args, _: str | None) -> None:
        box = self._box(args)
        if args[1] == "disconnect":
            del box.networks[NETWORK]
            return
        names = [word for before, word in pairwise(args) if before == "--alias"]
        address = args[args.index("--ip") + 1] if "--ip" in args else "172.18.0.99"
        box.join(names, address)

    def _run(self, args: Args, _: str | None) -> str:
        network = args[args.index("--network") + 1]
        at = args.index("--entrypoint")
        program, inside = args[at + 1], args[at + 3 :]
        if network == "none" or program != "sh":
            return ""
        box = next(box for box in self.boxes if network == f"container:{box.id}")
        _, script, *given = inside
        if script == _link.SHOWN:
            return f"qdisc {box.roots['eth0']} root refcnt 2\n"
        if script == _link.SET:
            box.roots["eth0"] = f"{given[4]} {given[3]}"
        elif box.roots["eth0"].endswith(f" {given[1]}"):
            box.roots["eth0"] = "noqueue 0:"
        return ""

    def _cgroup(self, box: Box) -> str:
        if box.state not in ("running", "paused"):
            return ""
        frozen = box.state == "paused"
        if self.version == 2:
            lines = [
                f"cpu.max:{box.nano // 10_000} 100000",
                "cgroup.events:populated 1",
                f"cgroup.events:frozen {int(frozen)}",
                f"memory.max:{box.memory[0]}",
                f"memory.current:{box.pinned + 5 * MIB}",
                f"memory.stat:inactive_file {3 * MIB}",
                f"memory.stat:active_file {2 * MIB}",
            ]
            where = f"/host/cgroup/system.slice/docker-{box.id}.scope"
            return "".join(f"{where}/{line}\n" for line in lines)
        lines = [
            f"cpu/docker/{box.id}/cpu.cfs_quota_us:{box.nano // 10_000}",
            f"cpu/docker/{box.id}/cpu.cfs_period_us:100000",
            f"freezer/docker/{box.id}/freezer.state:{'FROZEN' if frozen else 'THAWED'}",
            f"memory/docker/{box.id}/memory.limit_in_bytes:{box.memory[0]}",
            f"memory/docker/{box.id}/memory.usage_in_bytes:{box.pinned + 5 * MIB}",
            f"memory/docker/{box.id}/memory.stat:total_inactive_file {3 * MIB}",
            f"memory/docker/{box.id}/memory.stat:total_active_file {2 * MIB}",
        ]
        return "".join(f"/host/cgroup/{line}\n" for line in lines)
