"""A stack made up: its clock, its services, its customers and its Prometheus, for the lifecycle.

Everything of the lab's is real (journal, scenario, gate, fault, grading); only what lies beyond a
process boundary is made up here. The stack's database knows the indexes of one table; while the one
that matters is missing the signals go where they went in a real night, with its delays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from lab.command import Exec
from lab.doors import Doors
from lab.errors import BadInput, Failed
from lab.grading.vocabulary import Vocabulary
from lab.home import Home
from lab.journal import Journal
from lab.library import Library, Words
from lab.load import LoadState, LoadUnavailable
from lab.prometheus import PrometheusUnavailable, Rule
from lab.series import Sample, Series, Span
from lab.shipped import alerts
from lab.signals import Catalogue
from lab.stack import ServiceState

SERVICES = ("nginx", "api-1", "api-2", "api-3", "postgres-primary", "worker", "load", "prometheus")

SCENARIO = """
title: Something is slow
family: database
difficulty: 1
minutes: 10
load: {rate: 50, baseline_s: 10}
objectives:
  keep:
    - {signal: "client:errors:ratio", op: "<=", value: 0.05}
    - {signal: "client:latency_seconds:p95", op: "<=", value: 0.5}
  hold_s: 10
  within_s: 30
faults:
  - {fault: drop_index, table: photos, index: photos_user_recent_idx}
symptoms:
  - {signal: "client:latency_seconds:p95", op: ">", value: 0.5, within_s: 30}
page: {alert: PhotoQueueBackingUp, text: "the queue is backing up"}
truth:
  component: postgres-primary
  cause: missing-index
  object: it
  chain: ["postgres:seq_rows:rate", "client:latency_seconds:p95", "queue:oldest_age_seconds"]
  evidence: ["postgres:seq_rows:rate"]
hints:
  - {price: 5, text: "look behind the queue"}
  - {price: 10, text: "look at the database"}
"""

# Signal -> (when all is well, when it is broken, seconds until it shows, seconds until it is over).
SHAPES: Mapping[str, tuple[float, float, float, float]] = {
    "client:latency_seconds:p95": (0.02, 4.0, 6, 3),
    "client:errors:ratio": (0.0, 0.6, 8, 2),
    "client:wrong:ratio": (0.0, 0.0, 0, 0),
    "client:arrivals:rate": (50, 50, 0, 0),
    "client:start_delay_seconds:p95": (0.003, 0.003, 0, 0),
    "postgres:seq_rows:rate": (0.0, 2e7, 1, 1),
    "postgres:query_seconds:mean": (0.001, 0.8, 2, 1),
    "queue:oldest_age_seconds": (0.1, 40, 12, 6),
    "queue:depth": (0, 0, 0, 0),
}
RINGS_AFTER_S = 20.0


INDEX = "photos_user_recent_idx"
OTHER = "photos_checksum_idx"


def index(name: str, keys: str, *, usable: bool = True) -> dict[str, object]:
    """An index as the database describes it, and its first key, by which this one looks for it."""
    return {
        "name": name,
        "usable": usable,
        "constraint": False,
        "key": keys.split()[0],
        "definition": f"CREATE INDEX {name} ON public.photos USING btree ({keys})",
    }


class Killed(BaseException):
    """What a SIGKILL does to the code that runs: nothing after it happens."""


class World:
    """The state of the made-up stack; `now` moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.indexes = {
            INDEX: index(INDEX, "user_id created_at id"),
            OTHER: index(OTHER, "checksum"),
        }
        self.changes: list[tuple[float, bool]] = []
        self.statements: list[str] = []
        self.fixed: dict[str, float] = {}  # signals that do not follow
        self.courses: dict[str, Callable[[float], float]] = {}  # those that go a way of their own
        self.kill_before: str | None = None
        self.kill_after: str | None = None
        self.backlog: Callable[[float], float] = lambda _: 0.0
        self.deaf = False  # what is dropped stays
        self.slept: list[Span] = []
        self.down: set[str] = set()
        self.blind = False
        self.rules: dict[str, Rule] = {}  # those that somebody has changed
        self.reloaded_at = 0.0
        self.load = LoadState("idle")
        self.load_gone = False
        self.runs = 0
        self.ups = 0
        self.theirs = False
        self.flags: dict[str, str] = {}
        self.on_pause: Callable[[], None] = lambda: None
        self.on_up: Callable[[], None] = lambda: None

    @property
    def broken(self) -> bool:
        return INDEX not in self.indexes

    def run(self, statement: str) -> list[list[str]]:
        """What the database does with a statement of the lab's or of an operator's."""
        if self.kill_before and self.kill_before in statement:
            self.kill_before = None
            raise Killed(statement)
        self.statements.append(statement)
        before = self.broken
        rows: list[list[str]] = []
        if "json_agg" in statement:
            rows = [[json.dumps(list(self.indexes.values()))]]
        elif "pg_temp.cost" in statement:
            hidden = re.search(r"indisvalid = false .*'public\.(\w+)'", statement)
            asked = re.findall(r"cost\(\$asked\$(.*)\$asked\$\)", statement)
            rows = [[str(self._cost(query, hidden and hidden[1]))] for query in asked]
        elif match := re.search(r'DROP INDEX IF EXISTS public\."?(\w+)"?', statement):
            if not self.deaf:
                self.indexes.pop(match[1], None)
        elif match := re.search(r"CREATE INDEX (\w+) ON", statement):
            if match[1] in self.indexes:
                raise Failed(f"relation {match[1]} already exists")
            made = "checksum" if match[1] == OTHER else "user_id created_at id"
            self.indexes[match[1]] = index(match[1], made)
        if self.broken != before:
            self.changes.append((self.now, self.broken))
        if self.kill_after and self.kill_after in statement:
            self.kill_after = None
            raise Killed(statement)
        return rows

    def _cost(self, query: str, hidden: str | None) -> float:
        keys = {
            one["key"] for name, one in self.indexes.items() if one["usable"] and name != hidden
        }
        wanted = [key for key in ("checksum", "user_id") if f"{key} = " in query]
        return 9.0 if keys.issuperset(wanted) else 25_000.0

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.on_pause()

    def sleep(self, seconds: float) -> None:
        """As when a lid is closed: time passes, and nobody measures anything."""
        self.slept.append(Span(self.now, self.now + seconds))
        self.now += seconds

    def value(self, signal: str, at: float) -> float:
        """What the signal was at that time."""
        if signal == "queue:depth":
            return self.backlog(at)
        if signal in self.courses:
            return self.courses[signal](at)
        if signal in self.fixed:
            return self.fixed[signal]
        well, ill, onset, relief = SHAPES[signal]
        value = well
        for when, broken in self.changes:
            if broken and at >= when + onset:
                value = ill
            if not broken and at >= when + relief:
                value = well
        return value

    def rings(self, at: float) -> bool:
        ringing = False
        for when, broken in self.changes:
            if broken and at >= when + RINGS_AFTER_S:
                ringing = True
            if not broken and at >= when + 6:
                ringing = False
        return ringing


class FakeProject:
    """The stack's containers, of which there are none."""

    def containers(self) -> list[dict[str, object]]:
        return []

    def guests(self) -> dict[str, str]:
        return {}


class FakeStack:
    """The one door to the stack, onto nothing."""

    def __init__(self, world: World, home: Home | None = None) -> None:
        self.world = world
        self.home = home
        self.project = FakeProject()
        self.expected = list(SERVICES)
        self.env: dict[str, str] = {}

    def up(self, report: object = None) -> list[ServiceState]:
        self.world.ups += 1
        self.world.on_up()
        self.world.down.clear()
        return self.services()

    def refuse_others(self) -> None:
        if self.world.theirs:
            raise BadInput("the stack is up, and it is that of somebody else")

    def services(self) -> list[ServiceState]:
        return [
            ServiceState(name, "exited" if name in self.world.down else "running", "")
            for name in SERVICES
        ]

    def url(self, service: str) -> str:
        return f"http://127.0.0.1/{service}"

    def addresses(self) -> dict[str, str]:
        extra = filter(None, self.env.get("COMPOSE_PROFILES", "").split(","))
        return {name: self.url(name) for name in ("nginx", "prometheus", "load", *extra)}

    def logs(self, service: str, lines: int = 20, **between: float) -> str:
        if service in self.world.down:
            raise Failed(f"the service {service!r} has no container")
        return f"{service} has nothing to say\n"

    def exec(self, service: str, argv: list[str], **_: object) -> Exec:
        if "HGETALL" in argv:
            said = "".join(f"{name}\n{value}\n" for name, value in self.world.flags.items())
            return Exec(0, said, "")
        if "HDEL" in argv:
            del self.world.flags[argv[-1]]
        return Exec(0, "0\n", "")

    def psql(self, sql: str, **_: object) -> list[list[str]]:
        if "postgres-primary" in self.world.down:
            raise Failed("the service 'postgres-primary' has no container")
        return self.world.run(sql)


class FakeLoad:
    """The customers' control API."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _here(self) -> None:
        if self.world.load_gone:
            raise LoadUnavailable("the load generator does not answer")

    def start(self, rate: float, duration_s: float, seed: int, **_: float) -> LoadState:
        self._here()
        self.world.runs += 1
        self.world.load = LoadState("running", f"run{self.world.runs}", seed, rate, intended=1)
        return self.world.load

    def extend(self, duration_s: float) -> LoadState:
        self._here()
        return self.world.load

    def stop(self) -> LoadState:
        self._here()
        state = self.world.load
        word = "stopped" if state.running else state.state
        self.world.load = LoadState(word, state.run_id, state.seed, 0.0)
        return self.world.load

    def state(self) -> LoadState:
        self._here()
        from datetime import UTC, datetime

        ends = datetime.fromtimestamp(self.world.now + 3600, tz=UTC).isoformat()
        return replace(self.world.load, ends_at=ends)

    def ledger(self, run_id: str | None = None) -> list[object]:
        self._here()
        return []


class FakePrometheus:
    """Answers the expressions that the lab asks, from the world's shapes."""

    def __init__(self, world: World, catalogue: Catalogue) -> None:
        self.world = world
        self.catalogue = catalogue

    def query(self, expr: str, at: float | None = None) -> list[Sample]:
        moment = self.world.now if at is None else at
        if "last_reload" in expr:
            return [Sample({}, self.world.reloaded_at, moment)]
        found = self.query_range(expr, moment - 1, moment)
        return [Sample(one.labels, one.values[-1], one.times[-1]) for one in found]

    def rules(self) -> list[Rule]:
        if self.world.blind:
            raise PrometheusUnavailable("Prometheus does not answer")
        recorded = [Rule(one.name, one.expr) for one in self.catalogue]
        paging = [Rule(name, *rule) for name, rule in alerts().items()]
        return [self.world.rules.get(one.name, one) for one in (*recorded, *paging)]

    def query_range(self, expr: str, start: float, end: float, step: float = 1.0) -> list[Series]:
        if self.world.blind:
            raise PrometheusUnavailable("Prometheus does not answer")
        times = [
            float(at)
            for at in range(int(-(-start // 1)), int(end) + 1, max(1, int(step)))
            if not any(one.start < at <= one.end for one in self.world.slept)
        ]
        if "ALERTS{" in expr:
            times = [at for at in times if self.world.rings(at)]
            return [Series({}, times, [1.0] * len(times))] if times else []
        if match := re.fullmatch(r"sum\((load_\w+)\)", expr):
            assert match
            return [Series({}, times, [50 * (at % 1e6) for at in times])] if times else []
        if match := re.fullmatch(r'\{__name__=~"(.*)"\}', expr):
            return [one for name in match[1].split("|") for one in self._of(name, times)]
        return self._of(expr.partition("{")[0], times)

    def _of(self, name: str, times: Iterable[float]) -> Iterator[Series] | list[Series]:
        times = list(times)
        if not times or name not in self.catalogue:
            return []
        if name in SHAPES:
            return [Series({"__name__": name}, times, [self.world.value(name, t) for t in times])]
        bound = self.catalogue[name].steady
        if bound is None:
            return []
        labels = {"__name__": name, **dict.fromkeys(self.catalogue[name].split, "api-1")}
        return [Series(labels, times, [bound.value] * len(times))]


@cache
def _words() -> tuple[Catalogue, Vocabulary]:
    return Catalogue.load(), Vocabulary.load()


@contextmanager
def doors_to(world: World, folder: Path) -> Iterator[Doors]:
    """The doors of a fresh process: everything it knows is on the disk."""
    home = Home(root=folder, base=folder / ".lab", project=f"world-{folder.name[:20].lower()}")
    home.prepare()
    catalogue, vocabulary = _words()
    stack = FakeStack(world, home)
    with Journal(home.db) as journal:
        doors = Doors(home, stack, journal)  # type: ignore[arg-type]
        doors.now = lambda: world.now
        doors.pause = world.pause
        doors.forget_addresses = lambda: None  # type: ignore[method-assign]
        doors.__dict__.update(
            prometheus=FakePrometheus(world, catalogue),
            load=FakeLoad(world),
            catalogue=catalogue,
            vocabulary=vocabulary,
            library=Library(
                folder / "scenarios",
                Words([signal.name for signal in catalogue], vocabulary, ["PhotoQueueBackingUp"]),
            ),
        )
        yield doors


def write_scenario(folder: Path, slug: str = "slow", text: str = SCENARIO) -> Path:
    """A complete scenario folder."""
    made = folder / "scenarios" / slug
    (made / "decoys").mkdir(parents=True)
    (made / "scenario.yaml").write_text(text)
    (made / "brief.md").write_text("You are on call.\n")
    (made / "debrief.md").write_text("It was the database.\n")
    remedy = made / "remedy.sh"
    remedy.write_text("#!/bin/sh\ntrue\n")
    decoy = made / "decoys" / "restart.sh"
    decoy.write_text("#!/bin/sh\n# Why people try it: it has helped before.\ntrue\n")
    for script in (remedy, decoy):
        script.chmod(0o755)
    return made
