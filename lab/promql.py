"""What does a PromQL expression read? As its parser sees it, not as it is spelt.

Patterns mean what they mean to Prometheus, which is RE2: no look-around, and no pattern that takes
longer than its text is long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from promql_parser import Expr, Matcher, MatchOp, VectorSelector, parse

MOST_SIGNS = 300
"""Brackets and operators of an expression. What is nested takes the parser the square of its depth,
and the longest in the catalogue has a dozen."""

_SIGN = re.compile(r"[-+*/^%(]")
_PARTS_OF = ("expr", "lhs", "rhs", "param", "vector_selector")
"""Where the parser's nodes have others inside, beside a call's `args`."""

_HISTOGRAM = re.compile(r"_(?:bucket|sum|count)$")
_PARTS = ("", "_bucket", "_sum", "_count")


def names_in(expr: str, known: Collection[str] = ()) -> frozenset[str]:
    """The metric and rule names in `expr`; the parts of one histogram under its one name.

    Where it asks for names by a pattern, those of `known` that fit. None where it is no PromQL.
    """
    names: set[str] = set()
    for selector in _selectors(expr):
        asked = [one for one in selector.matchers.matchers if one.name == "__name__"]
        if selector.name:
            names.add(selector.name)
        elif all(one.op == MatchOp.Equal for one in asked):
            names |= {one.value for one in asked}
        else:
            names |= {
                name
                for name in known
                if any(all(_met(name + part, one) for one in asked) for part in _PARTS)
            }
    return frozenset(_HISTOGRAM.sub("", name) for name in names)


def plain_selector(expr: str) -> tuple[str, Callable[[Mapping[str, str]], bool]] | None:
    """The name that a selector alone asks for, and whether labels are what it asks of them; None
    for PromQL that does more, and for what is none."""
    found = _parsed(expr)
    if not isinstance(found, VectorSelector) or not found.name or found.offset or found.at:
        return None
    asked = list(found.matchers.matchers)

    def passes(labels: Mapping[str, str]) -> bool:
        return all(_met(labels.get(one.name, ""), one) for one in asked)

    return (found.name, passes) if not found.matchers.or_matchers else None


@lru_cache(maxsize=256)
def _parsed(expr: str) -> Expr | None:
    """None for what is no PromQL, and for what nobody writes."""
    if len(_SIGN.findall(expr)) > MOST_SIGNS:
        return None
    try:
        return parse(expr)
    except ValueError:
        return None


def _selectors(expr: str) -> Iterator[VectorSelector]:
    # The parser's own `walk` copies what is below each node that it visits.
    left: list[Any] = [_parsed(expr)]
    while left:
        one = left.pop()
        if isinstance(one, VectorSelector):
            yield one
        inside = (getattr(one, name, None) for name in _PARTS_OF)
        left += [part for part in inside if part is not None]
        left += getattr(one, "args", ())


def _met(value: str, matcher: Matcher) -> bool:
    """Whether a label's value is what a matcher asks for; a pattern must fit the whole of it."""
    if matcher.op == MatchOp.Equal:
        return bool(value == matcher.value)
    if matcher.op == MatchOp.NotEqual:
        return bool(value != matcher.value)
    pattern = _pattern(matcher.value)
    if pattern is None:
        return False
    fits = pattern.fullmatch(value) is not None
    return fits if matcher.op == MatchOp.Re else not fits


@lru_cache(maxsize=256)
def _pattern(text: str) -> Any:
    """A compiled one; None for what RE2 does not read, nor Prometheus."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error:
        return None
