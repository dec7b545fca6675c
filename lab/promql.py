"""Which metrics does a PromQL expression read? Enough of the grammar to answer that, no more."""

from __future__ import annotations

import re

_NOISE = re.compile(
    r"""
      \#[^\n]*                                    # comment
    | \[[^\]]*\]                                  # [5s], [1m:5s]
    | \b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)
    | \b(?:offset)\s+-?[0-9a-z]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_STRING = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`""")
_MATCHERS = re.compile(r"\{[^}]*\}")
_NAMED = re.compile(r"""__name__\s*=\s*["']([^"']+)["']""")
_IDENTIFIER = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\()(?![a-zA-Z0-9_:])")
_WORDS = frozenset(("and", "or", "unless", "bool", "inf", "nan", "offset", "atan2"))
_HISTOGRAM = re.compile(r"_(?:bucket|sum|count)$")


def names_in(expr: str) -> frozenset[str]:
    """The metric and rule names in `expr`; the parts of one histogram under its one name."""
    quoted = set(_NAMED.findall(expr))
    bare = _STRING.sub('""', expr)
    bare = _MATCHERS.sub(" ", bare)
    bare = _NOISE.sub(" ", bare)
    # Numbers such as 5e3 or 0x1f are no names.
    bare = re.sub(r"\b[0-9][0-9a-zA-Z_.]*", " ", bare)
    names = {name for name in _IDENTIFIER.findall(bare) if name.lower() not in _WORDS}
    return frozenset(_HISTOGRAM.sub("", name) for name in names | quoted)
