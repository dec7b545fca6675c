"""The command that measures the lab itself."""

from __future__ import annotations

from typing import Annotated

import typer

from lab.cli import Json, command
from lab.errors import BadInput


@command("bench")
def bench_command(
    *,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="One group of figures; may be repeated.")
    ] = None,
    from_nothing: Annotated[
        bool,
        typer.Option(
            "--from-nothing",
            help="Also time a first start: removes the lab's images and docker's build cache.",
        ),
    ] = False,
    disturbed: Annotated[
        str,
        typer.Option(
            "--disturbed",
            metavar="KIND",
            help="What else goes on meanwhile: none, core, bursts, disk.",
        ),
    ] = "none",
    as_json: Json = False,
) -> int:
    """Measure speed and size against their targets, on a stack of its own."""
    from dataclasses import asdict

    from lab import bench
    from lab.progress import report_for_terminal
    from lab.proof.neighbour import kind_of
    from lab.screen.console import console, emit, table

    groups = bench.measures()
    unknown = sorted(set(only or []) - set(groups))
    if unknown:
        raise BadInput(
            f"there is no group of figures {', '.join(unknown)}",
            remedy=f"there are: {', '.join(groups)}",
        )
    kind = kind_of(disturbed)
    if kind == "suspended":
        raise BadInput("nobody measures on a machine that sleeps", remedy="core, bursts, disk")
    figures, path = bench.run(
        report_for_terminal(), only=only or [], from_nothing=from_nothing, kind=kind
    )
    missed = any(figure.met is False for figure in figures)
    if as_json:
        emit([{**asdict(figure), "met": figure.met} for figure in figures])
        return int(missed)
    shown = table("figure", "value", "target", "", prose=("figure", ""))
    for figure in figures:
        value = "-" if figure.value is None else f"{figure.value:.3g} {figure.unit}"
        sign = "<=" if figure.better == "lower" else ">="
        target = "" if figure.target is None else f"{sign} {figure.target:g} {figure.unit}"
        verdict = {True: "met", False: "missed", None: ""}[figure.met]
        shown.add_row(figure.name, value, target, f"{verdict} {figure.note}".strip())
    console().print(shown)
    console().print(f"written to {path}", soft_wrap=True)
    return int(missed)
