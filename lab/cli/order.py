"""The commands as `lab --help` lists them: in the order of a night, and by what they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    # Typer has a click of its own, and no public name for these two.
    from typer._click import Context, HelpFormatter

SECTIONS = {
    "A night": (
        *("scenarios", "run", "start", "room", "brief", "ack"),
        *("status", "signals", "logs", "trace", "slow"),
        *("hint", "diagnose", "resolve", "end"),
    ),
    "Afterwards": ("verdict", "report", "past", "audit", "grade", "replay"),
    "The stack": ("up", "restore", "reset", "down", "doctor"),
    "For authors": ("check", "verify", "bench"),
}


class InOrder(TyperGroup):
    """Lists its commands in sections, each with its whole first sentence."""

    def list_commands(self, ctx: Context) -> list[str]:
        """All of them; what no section has comes last."""
        placed = [name for names in SECTIONS.values() for name in names if name in self.commands]
        return placed + [name for name in super().list_commands(ctx) if name not in placed]

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        listed = self.list_commands(ctx)
        sections = {title: names for title, names in SECTIONS.items() if {*names} & {*listed}}
        placed = {name for names in sections.values() for name in names}
        sections |= {"Others": tuple(name for name in listed if name not in placed)}
        for title, names in sections.items():
            rows = [
                (name, one.get_short_help_str(formatter.width * 3))
                for name in names
                if (one := self.get_command(ctx, name)) is not None and not one.hidden
            ]
            if rows:
                with formatter.section(title):
                    # One width for all sections, so that they stand below each other.
                    formatter.write_dl([(f"{name:<9}", text) for name, text in rows])
