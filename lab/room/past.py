"""The page of past incidents: what was lived, what it was worth, and what is still weak."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from statistics import fmean

from nicegui import ui

from lab.doors import Doors
from lab.history import Outcome
from lab.past import Lived, lived
from lab.room.frame import frame
from lab.room.room import Room
from lab.screen.console import ago


def solved(doors: Doors, past: dict[int, Lived] | None = None) -> dict[str, Outcome]:
    """By scenario: whether any of its incidents was diagnosed and mitigated."""
    best: dict[str, Outcome] = {}
    for one in lived(doors, past):
        if one.verdict is None:
            continue
        both = Outcome.all([one.verdict.diagnosed, one.verdict.mitigated])
        if best.get(one.row.slug) is not Outcome.PASS:
            best[one.row.slug] = both
    return best


def weak(found: list[Lived]) -> list[tuple[str, float, int]]:
    """Families with their mean share of points and how many incidents that is of, weakest first."""
    shares: dict[str, list[float]] = defaultdict(list)
    for one in found:
        if one.verdict is not None and one.verdict.possible:
            shares[one.family].append(max(0, one.verdict.points) / one.verdict.possible)
    told = [(family, fmean(several), len(several)) for family, several in shares.items()]
    return sorted(told, key=lambda one: one[1])


async def past_page(room: Room) -> None:
    """Build the page."""
    frame(room, "Past")
    found = await room.ask(lambda doors: lived(doors, room.past))
    with ui.column().classes("w-full px-4 gap-3"):
        if not found:
            ui.label("No night was lived here yet. The catalogue has some.")
            return
        ui.label("By family, the weakest first").classes("font-bold")
        with ui.row().classes("gap-4"):
            for family, share, count in weak(found):
                with ui.card().classes("w-48 gap-0"):
                    ui.label(family).classes("font-bold")
                    ui.linear_progress(share, show_value=False)
                    ui.label(f"{100 * share:.0f} % of the points in {count}").classes("text-sm")
        rows = [_row(one) for one in found]
        columns = [
            {"name": key, "label": label, "field": key, "align": "left", "sortable": True}
            for key, label in (
                # What `--incident` takes.
                ("id", "number"),
                ("when", "when"),
                ("slug", "night"),
                ("seed", "seed"),
                ("points", "points"),
                ("diagnosed", "diagnosed"),
                ("mitigated", "mitigated"),
                ("took", "mitigated after"),
                ("missed", "what was missed"),
            )
        ]
        table = ui.table(columns=columns, rows=rows, row_key="id").classes("w-full").props("dense")
        table.add_slot(
            "body-cell-slug",
            '<q-td :props="props"><a :href="`/report/${props.row.id}`" target="_blank">'
            "{{ props.value }}</a></q-td>",
        )


def _row(one: Lived) -> dict[str, object]:
    verdict = one.verdict
    when = datetime.fromtimestamp(one.row.opened_at).astimezone()
    told: dict[str, object] = {
        "id": one.row.id,
        "when": when.strftime("%Y-%m-%d %H:%M"),
        "slug": one.row.slug,
        "seed": one.row.seed,
    }
    if verdict is None:
        return {**told, "points": "-", "diagnosed": "-", "mitigated": "-", "missed": one.why}
    if verdict.light:
        told["seed"] = f"{one.row.seed}, light"
    missed = [part.name for part in verdict.parts if part.earned < part.judged]
    return {
        **told,
        "points": f"{verdict.points} of {verdict.possible}",
        "diagnosed": str(verdict.diagnosed),
        "mitigated": str(verdict.mitigated),
        "took": ago(verdict.times.mitigated_s),
        "missed": ", ".join(missed) or "nothing",
    }
