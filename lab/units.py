"""Numbers in their units, as a tired person reads them."""

from __future__ import annotations

LAST = 253_370_764_800.0
"""The beginning of the year 9999, in Unix seconds: what is earlier a calendar shows in any zone."""

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def measure(value: float, unit: str) -> str:
    """`value` with its unit: `measure(0.0213, "s")` is "21 ms", `measure(0.5, "ratio")` "50 %"."""
    if unit == "s":
        return duration(value)
    if unit == "ratio":
        percent = 100 * value
        return f"{percent:.0f} %" if abs(percent) >= 10 or percent == 0 else f"{percent:.2g} %"
    if unit == "bytes":
        return f"{_short(value)}B"
    if unit in ("1/s", "s/s"):
        return f"{_short(value).rstrip()}{'/s' if unit == '1/s' else ' s/s'}"
    if unit == "bool":
        return "yes" if value >= 0.5 else "no"
    if unit == "count":
        return _short(value).rstrip()
    return f"{_short(value).rstrip()} {unit}".rstrip()


def duration(seconds: float) -> str:
    """A stretch of time: "21 ms", "4.2 s", "95 s", "12 min 05 s"."""
    size = abs(seconds)
    if 0 < size < 1:
        thousandths = seconds * 1000
        return f"{thousandths:.0f} ms" if size >= 0.01 else f"{thousandths:.2g} ms"
    if size < 10:
        return f"{seconds:.2g} s"
    if size < 120:
        return f"{seconds:.0f} s"
    if size < 7200:
        minutes, rest = divmod(round(size), 60)
        return f"{'-' if seconds < 0 else ''}{minutes} min {rest:02d} s"
    return f"{seconds / 3600:.1f} h"


def _short(value: float) -> str:
    """Three digits with a prefix and a space to put the unit behind: "2.1 M", "340 "."""
    for size, prefix in _PREFIXES:
        if abs(value) >= size:
            return f"{value / size:.3g} {prefix}"
    # Less than any of our units can mean: what is left of subtracting two equal sums.
    return f"{value if abs(value) > 1e-9 else 0:.3g} "
