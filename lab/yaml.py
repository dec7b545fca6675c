"""YAML as people write it by hand: a tree of a known depth and size, without cross-references.

An alias is a few bytes that stand for any number of others, and depth is the stack of whoever looks
at it; nobody needs either for a diagnosis or a scenario.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent

from lab.errors import BadInput
from lab.visible import NO_TEXT

DEEPEST = 40
MOST_PARTS = 5_000
"""Values and keys; a scenario has a few hundred."""

LONGEST_NUMBER = 40
"""Characters of a number."""


def load(text: str, name: str) -> Any:
    """The document as ruamel's round-trip types, which know their lines and columns.

    `name` is what messages call it. Raises `BadInput` with the place where it is no such YAML.
    """
    reader = YAML()
    reader.Composer = _Bounded
    try:
        return reader.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        why = error.problem or error.context
        raise BadInput(
            f"{at}: {'' if isinstance(error, _Refused) else 'not YAML: '}{why}"
        ) from error
    except YAMLError as error:
        raise BadInput(f"{name}: not YAML: {error}") from error
    except ValueError as error:
        # What has the form of a time is read as one.
        raise BadInput(
            f"{name}: a value looks like a time, and is none: {error}",
            remedy="write the time that is meant, or the word in quotes",
        ) from error


class _Refused(ComposerError):
    """It is YAML, and not what is read here."""


class _Bounded(Composer):
    """Refuses what would be more than was written, as soon as it is met."""

    parts = inside = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        self.parts += 1
        self.inside += 1
        if isinstance(event, AliasEvent) or event.anchor is not None:
            self._refuse(event, "`&` and `*` are not read here; write it out, or quote the word")
        if event.ctag is not None:
            self._refuse(event, "`!` is not read here; write the value alone, or quote it")
        if self.parts > MOST_PARTS:
            self._refuse(event, f"more than {MOST_PARTS} values; is it the right file?")
        if self.inside > DEEPEST:
            self._refuse(event, f"nested more than {DEEPEST} times")
        node = super().compose_node(parent, index)
        self.inside -= 1
        return node

    def compose_scalar_node(self, anchor: Any) -> Any:
        event = self.parser.peek_event()
        node = super().compose_scalar_node(anchor)
        if NO_TEXT.search(node.value):
            self._refuse(event, "a character that no text has (NUL, or half of a pair)")
        kind = str(node.tag).rpartition(":")[2]
        if kind in ("int", "float") and len(node.value) > LONGEST_NUMBER:
            self._refuse(event, f"a number of more than {LONGEST_NUMBER} characters")
        return node

    @staticmethod
    def _refuse(event: Any, why: str) -> None:
        raise _Refused(None, None, why, event.start_mark)
