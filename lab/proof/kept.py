"""Proofs on disk: one folder for each night, with its histories and its rows.

`proof.json` says what was found; the histories beside it let anybody find it again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from lab import archive
from lab.errors import BadInput
from lab.files import replace_file
from lab.handed import read_text
from lab.history import Name
from lab.host.fingerprint import Fingerprint, fingerprint
from lab.host.pressure import Pressure
from lab.progress import QUIET, Report
from lab.proof.neighbour import Kind
from lab.proof.order import Order, order_of
from lab.proof.promises import delays
from lab.proof.rows import NOBODY, Night, Row
from lab.scenario import Scenario

PROOF = "proof.json"
MOST_BYTES = 5_000_000


@dataclass(frozen=True)
class Proof:
    """What was found about one night. `at` is when (ISO 8601), on a machine with `cores`.

    `machine` is the kind of machine; None in what was kept before that was asked. `page_s` is the
    delay of the page and `symptoms` that of each symptom by its text, in seconds after the
    injection, where nobody acted; None, or left out, for what never came. `order` is that of the
    truth's chain there; None in what was kept before that was asked. The rest is as it is in
    `Night`.
    """

    name: Name
    slug: Name
    title: str
    seed: int
    seconds: float
    cores: int
    at: str
    rows: tuple[Row, ...]
    beside: Kind = "none"
    busy: dict[str, Pressure] = field(default_factory=dict)
    machine: Fingerprint | None = None
    page_s: float | None = None
    symptoms: dict[str, float] = field(default_factory=dict)
    phases: dict[str, float] = field(default_factory=dict)
    stacks: int = 1
    order: Order | None = None
    fix: str | None = None


def keep(night: Night, rows: Sequence[Row], folder: Path) -> Proof:
    """Save a night and its rows in a folder of its own."""
    own = folder / night.name
    own.mkdir(parents=True, exist_ok=True)
    for old in own.glob("*.json*"):
        old.unlink()
    files = {name: f"{re.sub(r'[^a-z0-9]+', '-', name)}.json.gz" for name in night.runs}
    for name, history in night.runs.items():
        archive.save(history, own / files[name])
    proof = Proof(
        name=night.name,
        slug=night.scenario.slug,
        title=night.scenario.title,
        seed=night.scenario.seed,
        seconds=round(night.seconds, 1),
        cores=os.cpu_count() or 0,
        at=datetime.now(tz=UTC).isoformat(timespec="seconds"),
        rows=tuple(rows),
        beside=night.beside,
        busy=night.busy,
        machine=fingerprint(),
        page_s=_page_s(night),
        symptoms=_symptoms(night),
        phases={name: round(seconds, 1) for name, seconds in night.phases.items()},
        stacks=night.stacks,
        order=order_told(night),
        fix=night.fix,
    )
    document = {
        **asdict(proof),
        "scenario": night.scenario.model_dump(mode="json"),
        "runs": files,
        "undone": night.undone,
        "problem": night.problem,
    }
    replace_file(own / PROOF, json.dumps(document, indent=1) + "\n")
    return proof


def _page_s(night: Night) -> float | None:
    history = night.runs.get(NOBODY)
    paged = history and history.first("paged")
    return round(paged.at - history.injected_at, 1) if history and paged else None


def _symptoms(night: Night) -> dict[str, float]:
    if NOBODY not in night.runs:
        return {}
    found = delays(night.scenario, night.runs[NOBODY])
    return {text: round(seconds, 1) for text, seconds in found.items()}


def order_told(night: Night) -> Order | None:
    """How well the order of the truth's chain can be told where nobody acted; None where nobody did
    nothing."""
    if NOBODY not in night.runs:
        return None
    return order_of(night.runs[NOBODY], night.scenario.answer.chain)


def proofs_in(paths: Sequence[Path]) -> list[Proof]:
    """The proofs in these files and folders, by name. Raises `BadInput` where there is none, and
    for one that is damaged."""
    return [_proof(path) for path in _files(paths)]


def _proof(path: Path) -> Proof:
    try:
        proof = TypeAdapter(Proof).validate_python(_json(path))
        date.fromisoformat(proof.at[:10])
    except ValueError as error:
        raise BadInput(f"{path}: not a proof: {_first_line(error)}") from error
    return proof


def _first_line(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


class _Lived(BaseModel):
    """What a proof keeps of the night itself."""

    scenario: Scenario
    runs: dict[str, Name]
    undone: dict[str, str]
    problem: str | None
    seconds: float = Field(allow_inf_nan=False)
    beside: Kind = "none"
    phases: dict[str, float] = {}
    stacks: int = 1
    fix: str | None = None


def nights_in(
    folder: Path, report: Report = QUIET, *, only: Collection[str] | None = None
) -> list[Night]:
    """The nights that were recorded there, with their histories, or `only` those of some runs.

    What an older version of a scenario or of the lab has left is said to `report` and left out.
    Raises `BadInput` where there is no proof at all.
    """
    found: list[Night] = []
    for path in _files([folder]):
        document = _json(path)
        try:
            kept = _Lived.model_validate(document)
            runs = {
                name: archive.load(path.parent / file)
                for name, file in kept.runs.items()
                if only is None or name in only
            }
        except (ValidationError, BadInput) as error:
            reason = _first_line(error) if isinstance(error, ValidationError) else error.message
            report.say(f"{path.parent} is of another version, and is left out: {reason}")
            continue
        told = {name: getattr(kept, name) for name in _Lived.model_fields}
        found.append(Night(**{**told, "runs": runs}))
    return found


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = sorted({*path.glob(f"*/{PROOF}"), *path.glob(PROOF)}) if path.is_dir() else [path]
        if not inside:
            raise BadInput(f"{path}: there is no proof in it", remedy="`lab verify` makes one")
        found += inside
    return found


def _json(path: Path) -> Any:
    try:
        return json.loads(read_text(path, MOST_BYTES))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not a proof: {error}") from error
