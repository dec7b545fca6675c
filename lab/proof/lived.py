"""One night in a few numbers: what is left of a proof where not every row can be sent along. Pure.

A proof tells everything about a night; what others contribute tells as much as counting needs.
Whoever counts, counts these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from lab.host.fingerprint import Fingerprint
from lab.proof.kept import Proof
from lab.proof.neighbour import Kind
from lab.proof.order import Order
from lab.proof.rows import LIVED, NO_PAGE, NOBODY, REMEDY, WRONG, Row

WHY_CHARS = 160
"""How much is kept of what was measured in a row that is wrong."""

_HOMES = re.compile(r"/(?:home|Users)/[^/\s]+")


class Account(BaseModel):
    """What is told of one night.

    `seconds` is how long it took, `day` when. `rows` counts all, `wrong` are those that were not as
    promised. `page_s` and `symptoms` are delays in seconds after the injection, where nobody acted.
    `paged`, `in_time` and `mended`: whether the page rang, every symptom met its deadline, and the
    remedy was recognised. `quiet`: no page rang before anything was broken; None where nobody
    looked. `order` is that of the truth's chain; None where it was not asked. `refused` is why the
    night could not be begun, None where it was. `fix` is the right fix that it was mended with,
    None: the scenario's own remedy. `waited` is the share of the time in which something waited for
    a core; None: nothing tells.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    seed: int
    beside: Kind = "none"
    stacks: int = Field(default=1, ge=1)
    day: date
    seconds: float = Field(ge=0)
    rows: int = Field(ge=0)
    wrong: tuple[Row, ...] = ()
    page_s: float | None = None
    symptoms: dict[str, float] = {}
    paged: bool = False
    in_time: bool = False
    mended: bool = False
    quiet: bool | None = None
    order: Order | None = None
    refused: str | None = None
    waited: float | None = None
    fix: str | None = None

    @property
    def key(self) -> tuple[int, Kind, int, str | None]:
        """Of two nights with the same key on the same machine the newer one counts."""
        return self.seed, self.beside, self.stacks, self.fix


@dataclass(frozen=True, slots=True)
class Lived:
    """A night of one scenario on one kind of machine; None where that was not asked."""

    slug: str
    machine: Fingerprint | None
    night: Account


def lived(proof: Proof) -> Lived:
    """What a proof comes to."""
    return Lived(proof.slug, proof.machine, account(proof))


def account(proof: Proof) -> Account:
    """What is told of the night of a proof."""
    refused = _row(proof, LIVED)
    waited = [one.waited for one in proof.busy.values() if one.waited is not None]
    return Account(
        seed=proof.seed,
        beside=proof.beside,
        stacks=proof.stacks,
        day=date.fromisoformat(proof.at[:10]),
        seconds=round(proof.seconds),
        rows=len(proof.rows),
        wrong=tuple(
            replace(row, why=_public(row.why)) for row in proof.rows if row.result in WRONG
        ),
        page_s=proof.page_s,
        symptoms=proof.symptoms,
        paged=_promised(_row(proof, "paged", NOBODY)),
        in_time=_promised(_row(proof, "symptoms", NOBODY)),
        mended=_promised(_row(proof, "mitigated", REMEDY)),
        quiet=None if (row := _row(proof, NO_PAGE)) is None else _promised(row),
        order=proof.order,
        refused=None if refused is None else _public(refused.why),
        waited=round(sum(waited) / len(waited), 3) if waited else None,
        fix=proof.fix,
    )


def newest(nights: Iterable[Lived]) -> list[Lived]:
    """One of each that tells of the same machine and key, the newest; of one day the last."""
    found: dict[object, Lived] = {}
    for one in nights:
        # What was lived on an unnamed machine may be anybody's: none replaces another.
        where: object = one.machine.id if one.machine else id(one)
        key = (one.slug, where, one.night.key)
        if key not in found or found[key].night.day <= one.night.day:
            found[key] = one
    return list(found.values())


def _row(proof: Proof, question: str, run: str | None = None) -> Row | None:
    return next(
        (row for row in proof.rows if row.question == question and run in (None, row.run)), None
    )


def _promised(row: Row | None) -> bool:
    return row is not None and row.result == "as promised"


def _public(text: str) -> str:
    """The first line, not too long, and without whose folder it was."""
    line = _HOMES.sub("~", text.partition("\n")[0])
    return line if len(line) <= WHY_CHARS else f"{line[: WHY_CHARS - 1]}…"
