"""A terminal that shows other people's words as they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from lab.visible import visible


def shown(what: RenderableType) -> RenderableType:
    """The same with its text made visible: a sign for a sign, so that styles stay where they are.

    Where something is measured before it is shown, before that: what is hidden has no width.
    """
    if isinstance(what, str):
        return visible(what)
    if isinstance(what, Text) and (plain := visible(what.plain)) != what.plain:
        what = what.copy()
        what.plain = plain
    return what


class Screen(Console):
    """Brackets are brackets, and what would move the cursor is seen and not obeyed."""

    def __init__(self, *, file: IO[str] | None = None, width: int | None = None) -> None:
        super().__init__(file=file, width=width, highlight=False, emoji=False, markup=False)

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(visible(text), **how)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        return super().render(shown(renderable), options)
