"""How a scenario stands what else goes on on a machine: nights, counted by neighbour. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.host.pressure import Pressure
from lab.proof.kept import Proof
from lab.proof.neighbour import KINDS, Kind
from lab.proof.rows import NOBODY, REMEDY, START, Row


@dataclass(frozen=True, slots=True)
class Stood:
    """The nights of one scenario beside one neighbour.

    `refused` could not be begun, `paged` had their page and `symptoms` all their symptoms by the
    deadline, `mended` had the remedy recognised. `waited` is the share of the time in which
    something on the machine waited for a core, over all nights; None where nothing tells.
    """

    slug: str
    beside: Kind
    nights: int
    refused: int
    paged: int
    symptoms: int
    mended: int
    false_passes: int
    false_fails: int
    invalid: int
    rows: int
    waited: float | None

    @property
    def wrong(self) -> bool:
        return bool(self.refused or self.false_passes or self.false_fails or self.invalid)


def stood(proofs: Sequence[Proof]) -> list[Stood]:
    """One entry for each scenario and neighbour that there are nights of."""
    slugs = sorted({proof.slug for proof in proofs})
    return [
        _counted(slug, kind, several)
        for slug in slugs
        for kind in KINDS
        if (several := [one for one in proofs if (one.slug, one.beside) == (slug, kind)])
    ]


def _counted(slug: str, kind: Kind, proofs: Sequence[Proof]) -> Stood:
    rows = [row for proof in proofs for row in proof.rows]

    def promised(run: str, question: str) -> int:
        return sum(
            row.result == "as promised"
            for row in rows
            if (row.run, row.question) == (run, question)
        )

    return Stood(
        slug=slug,
        beside=kind,
        nights=len(proofs),
        refused=sum(_refused(proof) for proof in proofs),
        paged=promised(NOBODY, "paged"),
        symptoms=promised(NOBODY, "symptoms"),
        mended=promised(REMEDY, "mitigated"),
        false_passes=_of(rows, "false pass"),
        false_fails=_of(rows, "false fail"),
        invalid=_of(rows, "invalid"),
        rows=len(rows),
        waited=_mean([one for proof in proofs for one in proof.busy.values()]),
    )


def _refused(proof: Proof) -> bool:
    return not proof.busy.keys() - {START}


def _of(rows: Sequence[Row], result: str) -> int:
    return sum(row.result == result for row in rows)


def _mean(stretches: Sequence[Pressure]) -> float | None:
    told = [one.waited for one in stretches if one.waited is not None]
    return sum(told) / len(told) if told else None


def markdown(entries: Sequence[Stood]) -> str:
    """As a table of the documentation."""
    lines = [
        (
            "| scenario | beside | nights | refused | page | symptoms | remedy | false passes "
            "| false fails | invalid | rows | waited for a core |"
        ),
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in entries:
        started = one.nights - one.refused
        waited = "-" if one.waited is None else f"{one.waited:.0%}"
        lines.append(
            f"| {one.slug} | {one.beside} | {one.nights} | {one.refused} "
            f"| {one.paged} of {started} | {one.symptoms} of {started} | {one.mended} of {started} "
            f"| {one.false_passes} | {one.false_fails} | {one.invalid} | {one.rows} | {waited} |"
        )
    return "\n".join(lines) + "\n"
