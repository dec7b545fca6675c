"""`lab run` at a terminal: the pager, the state of the night, and one key for each thing to do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.prompt import Confirm
from rich.text import Text

from lab import incident
from lab.doors import Doors
from lab.ending import Ended, Measured, end, resolve
from lab.errors import LabError
from lab.progress import Report
from lab.records import Row
from lab.scenario import Scenario
from lab.screen.asking import ask_for_diagnosis, ask_whether_final, ask_whether_to_take
from lab.screen.board import read_board
from lab.screen.console import board_table, console, measured_view, readable, verdict_view
from lab.screen.night import Night, look_at, night_view
from lab.screen.watching import show_until_key
from lab.scripts import compose_prefix

MENU = {
    "a": "acknowledge",
    "s": "signals",
    "h": "hint",
    "d": "diagnose",
    "r": "resolve",
    "b": "brief",
    "e": "end",
    "g": "give up",
    "q": "leave this view",
}


def announce(doors: Doors, row: Row, out: Console, room: str | None = None) -> None:
    """Tell the learner what they know, and where to look. `room` is the control room's address."""
    show_brief(doors, incident.scenario_of(row), out)
    show_places(doors, row, out, room)
    out.print("\nYou are on call. Your pager will ring.\n")


def show_brief(doors: Doors, scenario: Scenario, out: Console) -> None:
    """What whoever is on call knows."""
    out.print(readable(Markdown(doors.library.text(scenario, "brief"))))
    out.print()


def show_places(doors: Doors, row: Row, out: Console, room: str | None = None) -> None:
    """Where to look, what `docker compose` is here, and how to have the same night again."""
    addresses = doors.addresses(row) | ({"Control room": room} if room else {})
    for name, url in addresses.items():
        out.print(f"  {name:<14}{url}", soft_wrap=True)
    prefix = compose_prefix(doors)
    if prefix != "docker compose":
        out.print(f"\n  For this stack, `docker compose` is\n  {prefix}", soft_wrap=True)
    light = " --light" if incident.scenario_of(row).light else ""
    out.print(f"\n  The same again, another day: lab run {row.slug} --seed {row.seed}{light}")
    if shutil.which("lab") is None:
        out.print(f"\n  `lab` is {Path(sys.argv[0]).resolve()}", soft_wrap=True)


def next_commands(out: Console) -> None:
    """What to type next, for those without the live view."""
    for line in (
        "lab brief         this again",
        "lab status        how things are (--watch keeps looking)",
        "lab signals       every signal, now and when all was well",
        "lab ack           you have seen the page",
        "lab hint          a hint, at its price",
        "lab diagnose      commit to what broke (--file diagnosis.yaml)",
        "lab resolve       say that it is fixed; the lab measures it",
        "lab end           finish: verdict, answer, and the stack home again",
    ):
        out.print(f"  {line}")


def be_on_call(doors: Doors, report: Report) -> Ended | None:
    """The live view and its keys, until the incident ends; None when the learner leaves the view,
    or when it was ended elsewhere: in another terminal, or in the room.

    The incident goes on without the view: `lab run` comes back to it.
    """
    out = console()
    rung: list[bool] = []
    number = incident.current(doors).id

    def over() -> bool:
        return doors.journal.incident(number).phase != "live"

    while True:
        key = ""
        if not over():
            key = show_until_key(lambda: _looked(doors, out, rung), keys="".join(MENU), until=over)
        if key == "" or over():
            out.print(_over(doors.journal.incident(number)), soft_wrap=True)
            return None
        if key == "q":
            out.print("The night goes on. `lab run` brings this view back.")
            return None
        try:
            if key in "eg":
                ended = _finish(doors, report, out, give_up=key == "g")
                if ended is not None:
                    return ended
            else:
                _ACTS[key](doors, report, out)
        except LabError as error:
            out.print(Text(f"error: {error.message}", style="red"))
            if error.remedy:
                out.print(f"  {error.remedy}")
        except KeyboardInterrupt:
            # Out of a question or a measurement, not out of the night.
            out.print("never mind")


def _over(row: Row) -> Text:
    """What became of a night that was ended elsewhere."""
    if row.invalid is not None:
        return Text(f"The night was called off, and nobody is charged with it: {row.invalid}")
    if row.phase == "closed":
        return Text(
            "The night is over: it was ended elsewhere, in another terminal or in the room. "
            f"`lab verdict --incident {row.id}` has the verdict, `lab report --incident {row.id}` "
            "the whole story."
        )
    return Text("The night is over, but the stack is not home yet: `lab restore` brings it there.")


def _looked(doors: Doors, out: Console, rung: list[bool]) -> RenderableType:
    try:
        return _view(look_at(doors), out, rung)
    except LabError as error:
        # The engine may be busy for a moment: the keys are there all the same.
        return Group(Text(f"cannot look: {error.message}", style="yellow"), Text(), _keys())


def _view(night: Night, out: Console, rung: list[bool]) -> RenderableType:
    if night.seen is not None and night.seen.paged_at is not None and not rung:
        rung.append(True)
        out.bell()
    return Group(night_view(night), Text(), _keys())


def _keys() -> Text:
    return Text.assemble(
        *(part for key, word in MENU.items() for part in ((key, "bold"), f" {word}   "))
    )


def _acknowledge(doors: Doors, report: Report, out: Console) -> None:  # noqa: ARG001
    incident.acknowledge(doors)
    out.print("acknowledged")


def _signals(doors: Doors, report: Report, out: Console) -> None:  # noqa: ARG001
    row = incident.current(doors)
    lines = read_board(doors, row)
    with out.pager(styles=True):
        out.print(board_table(lines, with_baseline=True))


def _hint(doors: Doors, report: Report, out: Console) -> None:  # noqa: ARG001
    price = incident.next_price(doors)
    if price is not None and not ask_whether_to_take(price, out):
        return
    taken = incident.take_hint(doors)
    out.print(readable(Text(f"Hint {taken.number}: {taken.text}", style="cyan")))


def _diagnose(doors: Doors, report: Report, out: Console) -> None:  # noqa: ARG001
    row = incident.current(doors)
    diagnosis = ask_for_diagnosis(doors, row, out)
    number = incident.diagnose(doors, diagnosis, final=ask_whether_final(out))
    out.print(f"diagnosis {number} is recorded")


def _resolve(doors: Doors, report: Report, out: Console) -> None:
    measured: Measured = resolve(doors, report)
    out.print(measured_view(measured))


def _brief(doors: Doors, report: Report, out: Console) -> None:  # noqa: ARG001
    row = incident.current(doors)
    show_brief(doors, incident.scenario_of(row), out)
    show_places(doors, row, out)


def _finish(doors: Doors, report: Report, out: Console, *, give_up: bool) -> Ended | None:
    question = (
        "Give up? The answer is shown, and nothing more is measured"
        if give_up
        else "End the incident? The last diagnosis counts"
    )
    if not Confirm.ask(question, console=out, default=False):
        return None
    return end(doors, report, give_up=give_up, on_verdict=lambda one: out.print(verdict_view(one)))


_ACTS: dict[str, Callable[[Doors, Report, Console], None]] = {
    "a": _acknowledge,
    "s": _signals,
    "h": _hint,
    "d": _diagnose,
    "r": _resolve,
    "b": _brief,
}
