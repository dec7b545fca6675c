"""Other people's text on its way to a terminal or a page: what would not be seen is made visible.

An escape sequence can rewrite what stands above it, a carriage return what stands before it, and a
bidirectional override the order of letters: whoever reads must see that something is there.
"""

from __future__ import annotations

import re

NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""What an escape can write and no file, database or address can hold: NUL, and half of a pair."""

_HIDDEN = re.compile(
    # C0 without tab and newline, DEL and C1; marks of direction and of nothing; half of a pair.
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_PICTURES = 0x2400
"""Where Unicode has a picture for each of C0 (␀ to ␟); that of DEL comes a little later."""


def visible(text: str) -> str:
    """The same text with a sign in the place of each character that has none: `␛` for ESC, `�` for
    what has no picture. Tabs and newlines stay."""
    return _HIDDEN.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == 0x7F:
        return "␡"
    return chr(_PICTURES + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"
