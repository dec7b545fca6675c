"""What does a PromQL expression read? As its parser sees it, not as it is spelt."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from promql_parser import Expr, Matcher, MatchOp, MatrixSelector, VectorSelector, parse, walk

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
    try:
        found = parse(expr)
    except ValueError:
        return None
    if not isinstance(found, VectorSelector) or not found.name or found.offset or found.at:
        return None
    asked = list(found.matchers.matchers)

    def passes(labels: Mapping[str, str]) -> bool:
        return all(_met(labels.get(one.name, ""), one) for one in asked)

    return (found.name, passes) if not found.matchers.or_matchers else None


def _selectors(expr: str) -> list[VectorSelector]:
    found: list[VectorSelector] = []

    def visit(one: Expr) -> bool:
        if isinstance(one, MatrixSelector):
            found.append(one.vector_selector)
        elif isinstance(one, VectorSelector):
            found.append(one)
        return True

    try:
        walk(parse(expr), visit)
    except ValueError:
        return []
    return found


def _met(value: str, matcher: Matcher) -> bool:
    """Whether a label's value is what a matcher asks for; a pattern must fit the whole of it."""
    if matcher.op == MatchOp.Equal:
        return value == matcher.value
    if matcher.op == MatchOp.NotEqual:
        return value != matcher.value
    try:
        fits = re.fullmatch(matcher.value, value) is not None
    except re.error:
        # A pattern that Prometheus reads and Python does not.
        return False
    return fits if matcher.op == MatchOp.Re else not fits
