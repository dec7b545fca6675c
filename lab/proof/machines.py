"""On which machines, and beside what, each scenario was lived. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lab.host.fingerprint import Fingerprint
from lab.proof.lived import Lived
from lab.proof.neighbour import named

UNNAMED = "unnamed"
"""A machine of before they were asked for their fingerprints."""


def markdown(nights: Sequence[Lived]) -> str:
    """Two tables: the scenarios with where and beside what they were lived, and the machines."""
    known = {one.machine.id: one.machine for one in nights if one.machine is not None}
    kinds = f"{len(known)} {'kind' if len(known) == 1 else 'kinds'}"
    lines = [
        f"Nights were lived on {kinds} of machine; `{UNNAMED}` is one that was not asked.\n",
        "| scenario | machines | which | nights, and beside what | all rows as promised |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        _scenario(slug, [one for one in nights if one.slug == slug])
        for slug in sorted({one.slug for one in nights})
    ]
    lines += ["", "| machine | cores | processor | memory | kernel | cgroups | nights |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    lived_on = Counter(_id(one) for one in nights)
    lines += [_machine(known[one], lived_on[one]) for one in sorted(known)]
    return "\n".join(lines) + "\n"


def _scenario(slug: str, nights: Sequence[Lived]) -> str:
    which = sorted({_id(one) for one in nights})
    beside = Counter(named(one.night.beside, one.night.stacks) for one in nights)
    counted = ", ".join(f"{name}: {count}" for name, count in beside.items())
    good = sum(not one.night.wrong for one in nights)
    ids = ", ".join(f"`{one}`" for one in which)
    number = len([one for one in which if one != UNNAMED])
    return f"| {slug} | {number} | {ids} | {counted} | {good} of {len(nights)} |"


def _machine(one: Fingerprint, nights: int) -> str:
    model = one.model.replace("|", "\\|")
    memory = f"{one.memory_gib} GiB" if one.memory_gib else "-"
    return (
        f"| `{one.id}` | {one.cores} | {model} | {memory} | {one.kernel} | {one.cgroup or '-'} "
        f"| {nights} |"
    )


def _id(one: Lived) -> str:
    return one.machine.id if one.machine else UNNAMED
