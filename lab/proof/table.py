"""Proofs as people read them: a table on a terminal, Markdown in the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from lab.faultproof import FaultProof
from lab.faultproof import Outcome as Crashed
from lab.proof import machines, order, phases, robust
from lab.proof.kept import Proof
from lab.proof.lived import Lived, lived, newest
from lab.proof.neighbour import MEANING, STACKS, named
from lab.proof.rows import NOBODY, REMEDY, WRONG, Row, count
from lab.screen.console import coloured, table
from lab.units import duration

WHY_WIDTH = 100

BEFORE = Path(__file__).with_name("before.md")
"""The same table of the nights as they once were: who reads it sees what was gained."""

_HEADER = """# What the lab has proven about itself

Made by `lab verify --table DIR --markdown docs/proof.md`, which reads what `lab verify --seeds N`
and `lab verify --faults` have kept there. Each scenario was lived for a night on a real stack:
nobody acts, every tempting fix, the remedy. `should` is what the design asks for, `was` what was
measured. A false pass is a wrong fix or a wrong diagnosis that would have been accepted; a false
fail a right one that would not; invalid is what could not be judged.

Of each scenario one night tries every tempting fix; with other seeds nobody acts, then the remedy.
Other people's nights (`scenarios/*/proof/`) are counted by machine and neighbour.
"""

_ORDER = """A diagnosis says what came after what, and is asked for no order that nobody could tell.
Of the signals of each truth's own chain: how long after the fault they had moved, and how long
before that they may have begun at most (medians); how many of their pairs could be told apart, and
how many of those moved the other way round than the truth says. The order is judged where at least
half of them could be.
"""


def rows_table(rows: Sequence[Row]) -> Table:
    """Each row on its line; what is not as promised stands out."""
    made = table("run", "question", "should", "was", "", "why", prose=("run", "question", "why"))
    for row in rows:
        wrong = row.result in WRONG
        made.add_row(
            row.run,
            row.question,
            row.should,
            coloured(row.was) if wrong else Text(row.was),
            Text(row.result if wrong else "", style="bold red"),
            Text(_short(row.why), style="" if wrong else "dim"),
        )
    return made


def summary(rows: Sequence[Row]) -> str:
    """How many rows there are, and how many of them are wrong in which way."""
    counted = count(list(rows))
    words = {"false pass": "false passes", "false fail": "false fails", "invalid": "invalid"}
    wrong = ", ".join(f"{words[result]}: {counted[result]}" for result in WRONG)
    return f"{len(rows)} rows, {counted['as promised']} as promised; {wrong}"


def markdown(
    proofs: Sequence[Proof],
    confusion: Sequence[Row],
    crashes: FaultProof | None = None,
    contributed: Sequence[Lived] = (),
) -> str:
    """The page of all proofs: the nights, and the faults whose process was killed.

    `contributed` nights are counted with the others, where they are not the same ones.
    """
    nights = newest([*contributed, *map(lived, proofs)])
    every = [row for proof in proofs for row in proof.rows]
    parts = [_HEADER, f"**{summary([*every, *confusion])}.**\n"]
    parts += [f"## On which machines\n\n{machines.markdown(nights)}", _beside(nights)]
    parts.append(_nights(proofs))
    if told := order.markdown(
        [(one.slug, one.night.order) for one in nights if one.night.order is not None]
    ):
        parts.append(f"## How well the order can be told\n\n{_ORDER}\n{told}")
    if spent := phases.markdown(proofs):
        parts.append(f"## Where the time of a night goes\n\n{spent}")
    for proof in _longest(proofs):
        parts.append(
            f"## {proof.slug}, seed {proof.seed}\n\n{proof.title}. "
            f"{proof.at[:10]}, {proof.cores} cores, {duration(proof.seconds)}; "
            f"{summary(proof.rows)}.\n"
        )
        parts.append(_rows(proof.rows))
    if confusion:
        parts.append(
            "## One scenario taken for another\n\n"
            "Each night against every other scenario: its own truth held against the other's, the "
            "other's true diagnosis given here, and the other's promises looked for here.\n"
        )
        parts.append(_rows(confusion))
    if crashes is not None and crashes.rows:
        parts.append(_crashes(crashes))
    return "\n".join(parts)


def _beside(nights: Sequence[Lived]) -> str:
    """What else went on on the machine, and how the nights stood it."""
    entries = robust.stood(nights)
    kinds = list(dict.fromkeys(one.beside for one in entries))
    meaning = "".join(f"- `{kind}`: {MEANING[kind]}\n" for kind in kinds)
    if several := sorted({one.stacks for one in entries if one.stacks > 1}):
        meaning += f"- {', '.join(f'`{count} stacks`' for count in several)}: {STACKS}\n"
    now = f"## Beside a neighbour\n\n{meaning}\n{robust.markdown(entries)}"
    return f"{now}\n{BEFORE.read_text(encoding='utf-8')}"


def _crashes(proof: FaultProof) -> str:
    """Each fault on its line: how often its process was killed, and what became of it."""
    told = (
        "SIGKILL right after each step of each fault; then `lab restore`, which knows nothing but\n"
        "the journal, has to bring the stack home and prove it.\n\n"
        f"**{proof.count}.**\n"
    )
    lines = [
        "## The process that breaks things is killed\n",
        told,
        "| fault | examples | killed | home again | left behind | the longest |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for fault in dict.fromkeys(row.fault for row in proof.rows):
        rows = FaultProof(tuple(row for row in proof.rows if row.fault == fault))
        if skipped := rows.having(Crashed.SKIPPED):
            lines.append(f"| {fault} | - | - | - | - | {_cell(skipped[0].detail)} |")
            continue
        examples = len({row.example for row in rows.rows})
        home, left = len(rows.having(Crashed.HOME)), len(rows.having(Crashed.LEFT))
        longest = duration(max(row.seconds for row in rows.rows))
        lines.append(f"| {fault} | {examples} | {len(rows.rows)} | {home} | {left} | {longest} |")
    return "\n".join(lines) + "\n"


def _nights(proofs: Sequence[Proof]) -> str:
    """Every night on its line: did the page ring, was the remedy recognised, what was wrong."""
    paged = [_row_of(proof, NOBODY, "paged") for proof in proofs]
    mended = [_row_of(proof, REMEDY, "mitigated") for proof in proofs]
    counted = f"the page rang in {_as_promised(paged)}, the remedy was recognised in "
    lines = [
        f"{len(proofs)} nights: {counted}{_as_promised(mended)}.\n",
        "| scenario | seed | beside | took | the page | the remedy | rows | wrong |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for proof, page, fix in zip(proofs, paged, mended, strict=True):
        wrong = [row for row in proof.rows if row.result in WRONG]
        cells = [
            proof.slug,
            str(proof.seed),
            named(proof.beside, proof.stacks),
            duration(proof.seconds),
            page.why if page else "-",
            f"{fix.was}: {proof.fix}" if fix and proof.fix else str(fix.was) if fix else "-",
            str(len(proof.rows)),
            "; ".join(f"{row.run}: {row.question}, {row.result}" for row in wrong) or "-",
        ]
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines) + "\n"


def _row_of(proof: Proof, run: str, question: str) -> Row | None:
    return next((row for row in proof.rows if (row.run, row.question) == (run, question)), None)


def _as_promised(rows: Sequence[Row | None]) -> int:
    return sum(row is not None and row.result not in WRONG for row in rows)


def _longest(proofs: Sequence[Proof]) -> list[Proof]:
    """Of each scenario the night with most rows: the others tell nothing that it does not."""
    best: dict[str, Proof] = {}
    for proof in proofs:
        if proof.slug not in best or len(proof.rows) > len(best[proof.slug].rows):
            best[proof.slug] = proof
    return list(best.values())


def _rows(rows: Sequence[Row]) -> str:
    lines = ["| run | question | should | was | why |", "| --- | --- | --- | --- | --- |"]
    lines += [
        f"| {row.run} | {row.question} | {row.should} | {_was(row)} | {_cell(row.why)} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _was(row: Row) -> str:
    return f"**{row.was}: {row.result}**" if row.result in WRONG else str(row.was)


def _short(text: str) -> str:
    return text if len(text) <= WHY_WIDTH else f"{text[: WHY_WIDTH - 1]}…"


def _cell(text: str) -> str:
    return _short(text.replace("\n", " ")).replace("|", "\\|")
