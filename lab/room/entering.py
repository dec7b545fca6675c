"""What Enter does where words are picked from a list: it takes the one that is meant."""

from __future__ import annotations

from collections.abc import Iterable

from nicegui import ui


def takes_first(select: ui.select) -> ui.select:
    """With Enter a list takes what is highlighted in it or, where nothing is, the first that fits
    what was typed; Quasar's own takes nothing then, or what was typed as a word of its own."""
    return select.on("keydown.enter", js_handler=f"(event) => room.take_first({select.id}, event)")


def completed(text: str, names: Iterable[str]) -> str | None:
    """The first name that begins with `text`, as the field suggests it in grey; None where there is
    none, or `text` is a name."""
    told = text.strip().lower()
    fitting = [name for name in names if told and name.lower().startswith(told)]
    if not fitting or told in (name.lower() for name in fitting):
        return None
    return fitting[0]
