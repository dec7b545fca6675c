"""YAML as it is read here: what somebody wrote by hand, and nothing that is more than that."""

from __future__ import annotations

import time

import pytest

from lab.documents import Document
from lab.errors import BadInput
from lab.yaml import DEEPEST, MOST_PARTS, load


def bomb(levels: int = 9) -> str:
    """Each line nine times the one before it."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (bomb(), "f:1:5: `&` and `[*]` are not read here"),
        ("a: 1\nb: [*a]\n", "f:2:5: `&` and `[*]` are not read here"),
        ("a: !!python/object/apply:os.system [id]\n", "f:1:4: `!` is not read here"),
        ("[" * 100_000, f"f:1:{DEEPEST + 1}: nested more than {DEEPEST} times"),
        ("- " * 50_000, f"nested more than {DEEPEST} times"),
        (f"a: [{'1, ' * MOST_PARTS}]", f"more than {MOST_PARTS} values"),
        ("minutes: " + "9" * 5000, "f:1:10: a number of more than 40 characters"),
        ("a: 0x" + "f" * 5000, "a number of more than 40 characters"),
        ('a: "b\\0"', "f:1:4: a character that no text has"),
        ('a: "\\ud800"', "a character that no text has"),
        ("a: 1\na: 2\n", "f:2:1: not YAML: found duplicate key"),
        ("a: 2026-11-31\n", "looks like a time, and is none"),
    ],
    ids=str,
)
def test_what_nobody_writes_by_hand_is_refused(text: str, why: str) -> None:
    """With its place, and as soon as it is met."""
    begun = time.process_time()
    with pytest.raises(BadInput, match=why):
        load(text, "f")
    assert time.process_time() - begun < 10


def test_what_is_quoted_is_a_word() -> None:
    """The signs mean something only where YAML says so."""
    assert Document('a: "*x"\nb: "&y"\nc: "!z"\nd: a & b * c!\n', "f").root == {
        "a": "*x",
        "b": "&y",
        "c": "!z",
        "d": "a & b * c!",
    }
