"""The corpus of bad inputs: how each kind of them is handed to the command. See tests/corpus."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from lab.archive import save
from lab.grading.vocabulary import Vocabulary
from lab.history import History, Told
from lab.journal import Journal
from lab.library import Library, Words
from lab.scenario import Scenario
from lab.settings import PORTS
from lab.signals import Catalogue
from tests.unit.histories import TRUTH, citing, diagnosis, night, vocabulary
from tests.unit.inprocess import Done, lab
from tests.unit.world import SCENARIO, World, doors_to, write_scenario

CORPUS = Path(__file__).parents[1] / "corpus"
PROJECT = "nobody"

DIAGNOSIS = """
component: postgres-primary
cause: missing-index
evidence:
  - {signal: "postgres:seq_rows:rate", window: [-60s, now]}
  - pool:waiting
  - {promql: "rate(http_requests_total[5s]) > 0"}
chain: ["postgres:seq_rows:rate", "pool:waiting", "client:errors:ratio"]
note: the index was gone
"""


@cache
def a_history() -> History:
    """A night with the signals that matter, and what it was judged by: small, so that thousands of
    them can be judged."""
    whole = citing(night(), "postgres:seq_rows:rate", "pool:waiting")
    kept = {*TRUTH.chain, "pool:waiting", "container:memory_bytes", "client:wrong:ratio"}
    return replace(
        whole,
        signals={name: one for name, one in whole.signals.items() if name in kept},
        facts={name: one for name, one in whole.facts.items() if name in kept},
        told=Told(TRUTH, diagnosis(), hints_used=(5,), revisions=1),
        logs={"nginx": ("upstream timed out",)},
    )


@dataclass(frozen=True)
class Place:
    """Where one case is tried: a home, a good night and diagnosis, and a folder of scenarios."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def own(self) -> Path:
        """Where the home of the stack that is asked about keeps its things."""
        return self.home / "projects" / PROJECT

    @property
    def night(self) -> Path:
        return self.folder / "night.json.gz"

    @property
    def diagnosis(self) -> Path:
        return self.folder / "diagnosis.yaml"

    @property
    def given(self) -> Path:
        """What is tried."""
        return self.folder / "given.yaml"

    @property
    def scenario(self) -> Path:
        return self.folder / "scenarios" / "slow"

    @classmethod
    def made(cls, folder: Path) -> Place:
        """With an incident that is on, and a fault that is still to be healed."""
        place = cls(folder)
        place.own.mkdir(parents=True)
        # Where nobody listens: a stack that is up on this machine is somebody's.
        (place.own / "stack.env").write_text("".join(f"{name}=9\n" for name in PORTS))
        save(a_history(), place.night)
        place.diagnosis.write_text(DIAGNOSIS)
        write_scenario(folder)
        scenario = Scenario(**YAML(typ="safe").load(SCENARIO), slug="slow", seed=1, picks={})
        with Journal(place.own / "lab.db") as journal:
            number = journal.begin("slow", 1, scenario.model_dump_json(), 1.0)
            journal.plan(number, "noop", "{}", 1.5)
            journal.stamp(number, "injected_at", 2.0)
            journal.stamp(number, "announced_at", 3.0)
        return place

    @property
    def kept(self) -> set[object]:
        """What must not be lost, whatever is asked: what the journal knows, and the files that were
        there."""
        with Journal(self.own / "lab.db") as journal:
            rows = [*journal.faults(1), *journal.answers(1), *journal.hints(1)]
            incidents = [(row.id, row.slug, row.scenario) for row in journal.incidents()]
        return {*rows, *incidents, self.night.read_bytes(), self.diagnosis.read_text()}

    def lab(self, *argv: str, **more: Any) -> Done:
        return lab(self.home, *argv, **more)


# -- how each kind is tried -----------------------------------------------------------------------


def tried_diagnosis(case: Path, place: Place) -> Iterator[Done]:
    """A diagnosis that is given: of a recorded night, and while one is on."""
    given = edited(case, DIAGNOSIS, place.given)
    yield place.lab("grade", "--history", str(place.night), "--file", str(given))
    yield place.lab(
        "grade", "--history", str(place.night), "--file", "-", "--json", stdin=given.read_bytes()
    )
    with _on_call(place.folder / "on-call"):
        yield place.lab("diagnose", "--file", str(given))


def tried_history(case: Path, place: Place) -> Iterator[Done]:
    """A history that somebody hands over: judged, and judged on another diagnosis."""
    given = edited(case, place.night, place.folder / case.name.removesuffix(".edit"))
    yield place.lab("grade", "--history", str(given))
    yield place.lab(
        "grade", "--history", str(given), "--file", str(place.diagnosis), "--at", "-5m", "--json"
    )


def tried_scenario(case: Path, place: Place) -> Iterator[Done]:
    """A scenario of somebody else's: its file, or a folder of files to be laid over a good one."""
    if case.is_dir():
        shutil.copytree(case, place.scenario, dirs_exist_ok=True)
    else:
        edited(case, SCENARIO, place.scenario / "scenario.yaml")
    with scenarios_of(place.scenario.parent):
        yield place.lab("check", "slow")
        yield place.lab("check", "--json")
        yield place.lab("scenarios")
        yield place.lab("start", "slow", "--seed", "1")


def tried_arguments(case: Path, place: Place) -> Iterator[Done]:
    """What is typed: a JSON list of arguments, in which `{night}` and `{diagnosis}` are good files
    and `{folder}` is where they are."""
    names = {"night": place.night, "diagnosis": place.diagnosis, "folder": place.folder}
    argv: list[str] = json.loads(case.read_text())
    for name, path in names.items():
        argv = [word.replace(f"{{{name}}}", str(path)) for word in argv]
    yield place.lab(*argv)


def tried_environment(case: Path, place: Place) -> Iterator[Done]:
    """Variables: a JSON object of them; asked is what looks at each."""
    given: dict[str, str] = json.loads(case.read_text())
    yield place.lab("status", env=given)
    yield place.lab("verdict", "--json", env=given)
    yield place.lab("up", env=given)


def tried_journal(case: Path, place: Place) -> Iterator[Done]:
    """A journal that is not what it was: SQL that is done to a good one, or a file in its place."""
    path = place.own / "lab.db"
    if case.suffix == ".sql":
        with sqlite3.connect(path) as db:
            db.executescript(case.read_text())
        db.close()
    else:
        path.write_bytes(case.read_bytes())
    asked = ("status", "verdict", "report", "hint", "ack", "end --give-up", "restore", "start slow")
    with scenarios_of(place.scenario.parent):
        for argv in (*asked, "verdict --incident 1 --json"):
            yield place.lab(*argv.split())


def tried_by_script(case: Path, place: Place) -> Iterator[Done]:
    """A shell script that makes the home, the disk or the locks what they should not be; its lines
    `# lab ...` are what is then asked. `$LAB` is the home, `$OWN` what this stack has of it."""
    temporary = place.folder / "tmp"
    temporary.mkdir()
    names = {"LAB": str(place.home), "OWN": str(place.own), "TMPDIR": str(temporary)}
    subprocess.run(["sh", "-eu", str(case)], check=True, env={"PATH": os.defpath, **names})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        for line in case.read_text().splitlines():
            if line.startswith("# lab "):
                yield place.lab(*line.removeprefix("# lab ").split())


KINDS: dict[str, Callable[[Path, Place], Iterator[Done]]] = {
    "diagnosis": tried_diagnosis,
    "history": tried_history,
    "scenario": tried_scenario,
    "arguments": tried_arguments,
    "environment": tried_environment,
    "journal": tried_journal,
    "disk": tried_by_script,
    "lock": tried_by_script,
}
HARMLESS = ("diagnosis", "history", "scenario", "arguments", "environment")
"""Kinds that leave the home alone, so that whatever was kept there must be kept still."""


@contextmanager
def read_once() -> Iterator[None]:
    """What every process reads anew is read once for all commands, or most of the time would go
    into that: the vocabulary, the catalogue, the command's own parser."""
    words, catalogue = vocabulary(), Catalogue.load()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Vocabulary, "load", lambda: words)
        patch.setattr(Catalogue, "load", lambda: catalogue)
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@contextmanager
def scenarios_of(folder: Path) -> Iterator[None]:
    """The commands' own library is the one in that folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Library.__init__, "__defaults__", (folder, _words()))
        yield


@cache
def _words() -> Words:
    return Words([one.name for one in Catalogue.load()], vocabulary(), ["PhotoQueueBackingUp"])


@contextmanager
def _on_call(folder: Path) -> Iterator[None]:
    """An incident is on, in a stack that is made up."""
    from lab import incident
    from lab.progress import QUIET

    world = World()
    write_scenario(folder)
    with doors_to(world, folder) as doors:
        incident.start(doors, "slow", 1, QUIET)
        world.pause(30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lab.doors.open_doors", lambda *_, **__: doors_to(world, folder))
        yield


# -- what a case says -----------------------------------------------------------------------------


def cases(kind: str) -> Sequence[Path]:
    return sorted(path for path in (CORPUS / kind).iterdir() if path.name != "README.md")


def edited(case: Path, good: str | Path, to: Path) -> Path:
    """The input that a case is about, as a file.

    A case `....edit` is a good one with a few places changed: each line is a JSON pointer (RFC
    6901), a space, and what stands there, taken as it is written; without that the place is gone.
    Any other case is the input itself.
    """
    if not case.name.endswith(".edit"):
        to.write_bytes(case.read_bytes())
        return to
    text = _changed(_tree(good), case.read_text(encoding="utf-8").splitlines())
    if to.suffix == ".gz":
        to.write_bytes(gzip.compress(text.encode("utf-8", "surrogatepass")))
    else:
        to.write_bytes(text.encode("utf-8", "surrogatepass"))
    return to


def _tree(good: str | Path) -> Any:
    if isinstance(good, Path):
        return json.loads(gzip.decompress(good.read_bytes()))
    return YAML(typ="safe", pure=True).load(good)


def _changed(tree: Any, lines: Sequence[str]) -> str:
    raw: dict[str, str] = {}
    for line in lines:
        if not line or line.startswith("#"):
            continue
        pointer, _, value = line.partition(" ")
        *way, last = [one.replace("~1", "/").replace("~0", "~") for one in pointer.split("/")[1:]]
        node = tree
        for key in way:
            node = node[int(key) if isinstance(node, list) else key]
        at: Any = int(last) if isinstance(node, list) else last
        if not value:
            del node[at]
        else:
            # As it is written: what JSON's own numbers and strings cannot be, too.
            mark = f"<<{len(raw)}>>"
            raw[json.dumps(mark)] = value
            node[at] = mark
    text = json.dumps(tree)
    for mark, value in raw.items():
        text = text.replace(mark, value)
    return text
