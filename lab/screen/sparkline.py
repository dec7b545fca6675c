"""Curves and stretches of time in one line, as long as there is room for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from lab.screen.board import spark

LEAST = 8


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Values as ticks: at most `width` of them, and fewer where there is less room."""

    values: Sequence[float]
    width: int = 20

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        most = min(self.width, len(self.values), options.max_width)
        return Measurement(min(LEAST, most), most)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        ticks = spark(self.values, min(self.width, options.max_width))
        yield Text(ticks, no_wrap=True, overflow="crop")


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of `whole` seconds that begins at `offset`: waiting dotted, work solid."""

    waited: float
    took: float
    offset: float
    whole: float
    width: int = 32

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        most = min(self.width, options.max_width)
        return Measurement(min(LEAST, most), most)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.drawn(min(self.width, options.max_width))

    def drawn(self, width: int) -> Text:
        """It, in so many columns."""
        scale = width / self.whole if self.whole > 0 else 0
        begin = min(round(self.offset * scale), width - 1)
        dots = min(round(self.waited * scale), width - begin)
        solid = min(max(round(self.took * scale), 1), max(width - begin - dots, 1))
        drawn = " " * begin + "·" * dots + "█" * solid
        return Text(drawn, style="cyan", no_wrap=True, overflow="crop")
