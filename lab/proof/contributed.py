"""Nights that people have lived on their machines and sent along: a small file for each machine.

`scenarios/<slug>/proof/<machine>.json` holds one line for each night, so that a second contribution
is a small difference, and two people's never meet in one file unless their machines are alike.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from lab import __version__
from lab.errors import BadInput
from lab.files import replace_file
from lab.handed import read_text
from lab.host.fingerprint import Fingerprint
from lab.proof.kept import Proof
from lab.proof.lived import Account, Lived, account, newest
from lab.scenario import SCENARIOS

MOST_BYTES = 5_000_000

FOLDER = "proof"
"""Of a scenario's folder the one that holds them."""


class Contribution(BaseModel):
    """One file: the nights of one scenario on one kind of machine. `lab` is the version of the lab
    that wrote to it last."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    scenario: str
    machine: Fingerprint
    lab: str
    nights: tuple[Account, ...]

    def text(self) -> str:
        """As it is kept: JSON, each night on a line of its own."""
        told: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True)
        nights = ",\n".join(f"  {json.dumps(night)}" for night in told.pop("nights", []))
        head = "".join(f" {json.dumps(key)}: {json.dumps(told[key])},\n" for key in told)
        return f'{{\n{head} "nights": [\n{nights}\n ]\n}}\n'


def contribute(proofs: Sequence[Proof], into: Path = SCENARIOS) -> list[Path]:
    """Write what these nights come to into the folders of their scenarios; returns the files.

    `into` is laid out like the folder of scenarios. What is there already stays, but for nights
    that were lived again. Nights of unnamed machines are left out.

    Raises `BadInput` where a file is there that cannot be read.
    """
    found: dict[tuple[str, Fingerprint], list[Account]] = {}
    for proof in sorted(proofs, key=lambda one: one.at):
        if proof.machine is not None:
            found.setdefault((proof.slug, proof.machine), []).append(account(proof))
    return [_write(into, slug, machine, new) for (slug, machine), new in found.items()]


def _write(into: Path, slug: str, machine: Fingerprint, new: Sequence[Account]) -> Path:
    path = into / slug / FOLDER / f"{machine.id}.json"
    old = read(path).nights if path.exists() else ()
    kept = [one.night for one in newest(Lived(slug, machine, night) for night in (*old, *new))]
    kept.sort(key=lambda night: (night.beside, night.stacks, night.seed))
    made = Contribution(scenario=slug, machine=machine, lab=__version__, nights=tuple(kept))
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, made.text())
    return path


def read(path: Path) -> Contribution:
    """One such file. Raises `BadInput`, naming it, where it is damaged or in the wrong place."""
    remedy = "`lab verify --contribute` writes it anew; `git checkout` brings it back"
    try:
        found = Contribution.model_validate_json(read_text(path, MOST_BYTES))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise BadInput(f"{path}: no record of nights: {said}", remedy=remedy) from error
    if path.stem != found.machine.id:
        raise BadInput(
            f"{path}: tells of the machine {found.machine.id}",
            remedy=f"call it {found.machine.id}.json; who edits a machine makes another of it",
        )
    return found


def of_scenario(folder: Path) -> list[Contribution]:
    """Those of one scenario's folder, by machine. Raises `BadInput` as `read` does, and for one of
    another scenario."""
    found: list[Contribution] = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        one = read(path)
        if one.scenario != folder.name:
            raise BadInput(
                f"{path}: tells of the scenario {one.scenario!r}",
                remedy=f"it belongs into {one.scenario}/{FOLDER}/",
            )
        found.append(one)
    return found


def every(scenarios: Path = SCENARIOS) -> list[Lived]:
    """All nights that were contributed to any scenario. Raises `BadInput` as `read` does."""
    return [
        Lived(one.scenario, one.machine, night)
        for folder in sorted(path.parent for path in scenarios.glob(f"*/{FOLDER}"))
        for one in of_scenario(folder)
        for night in one.nights
    ]
