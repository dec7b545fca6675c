"""How a scenario stands what else goes on on a machine: nights, counted by neighbour. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.proof.lived import Account, Lived
from lab.proof.neighbour import KINDS, Kind, named
from lab.proof.rows import Result


@dataclass(frozen=True, slots=True)
class Stood:
    """The nights of one scenario beside one neighbour, or with so many stacks at the same time.

    `refused` could not be begun, `quiet` of the `asked` had no page before anything was broken,
    `paged` had their page and `symptoms` all their symptoms by the deadline, `mended` had the
    remedy recognised. `waited` is the share of the time in which
    something on the machine waited for a core, the mean over the nights; None where nothing tells.
    """

    slug: str
    beside: Kind
    nights: int
    refused: int
    quiet: int
    asked: int
    paged: int
    symptoms: int
    mended: int
    false_passes: int
    false_fails: int
    invalid: int
    rows: int
    waited: float | None
    stacks: int = 1

    @property
    def wrong(self) -> bool:
        return bool(self.refused or self.false_passes or self.false_fails or self.invalid)


def stood(nights: Sequence[Lived]) -> list[Stood]:
    """One entry for each scenario and neighbour that there are nights of."""
    groups = sorted({(one.slug, KINDS.index(one.night.beside), one.night.stacks) for one in nights})
    return [
        _counted(
            slug,
            KINDS[kind],
            stacks,
            [
                one.night
                for one in nights
                if (one.slug, one.night.beside, one.night.stacks) == (slug, KINDS[kind], stacks)
            ],
        )
        for slug, kind, stacks in groups
    ]


def _counted(slug: str, kind: Kind, stacks: int, nights: Sequence[Account]) -> Stood:
    return Stood(
        slug=slug,
        beside=kind,
        nights=len(nights),
        refused=sum(one.refused is not None for one in nights),
        quiet=sum(one.quiet is True for one in nights),
        asked=sum(one.quiet is not None for one in nights),
        paged=sum(one.paged for one in nights),
        symptoms=sum(one.in_time for one in nights),
        mended=sum(one.mended for one in nights),
        false_passes=_wrong(nights, "false pass"),
        false_fails=_wrong(nights, "false fail"),
        invalid=_wrong(nights, "invalid"),
        rows=sum(one.rows for one in nights),
        waited=_mean([one.waited for one in nights if one.waited is not None]),
        stacks=stacks,
    )


def _wrong(nights: Sequence[Account], result: Result) -> int:
    return sum(row.result == result for one in nights for row in one.wrong)


def _mean(shares: Sequence[float]) -> float | None:
    return sum(shares) / len(shares) if shares else None


def markdown(entries: Sequence[Stood]) -> str:
    """As a table of the documentation."""
    lines = [
        (
            "| scenario | beside | nights | refused | quiet before | page | symptoms | remedy "
            "| false passes | false fails | invalid | rows | waited for a core |"
        ),
        f"{'| --- ' * 13}|",
    ]
    for one in entries:
        started = one.nights - one.refused
        quiet = f"{one.quiet} of {one.asked}" if one.asked else "-"
        waited = "-" if one.waited is None else f"{one.waited:.0%}"
        lines.append(
            f"| {one.slug} | {named(one.beside, one.stacks)} | {one.nights} | {one.refused} "
            f"| {quiet} | {one.paged} of {started} | {one.symptoms} of {started} "
            f"| {one.mended} of {started} | {one.false_passes} | {one.false_fails} | {one.invalid} "
            f"| {one.rows} | {waited} |"
        )
    return "\n".join(lines) + "\n"
