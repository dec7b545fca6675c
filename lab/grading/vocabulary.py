"""The closed vocabulary of diagnoses: components, causes in families, and how components depend.

The words are in vocabulary.yaml. They are closed so that an answer can be compared without opinion;
aliases are there so that nobody loses points for saying the same thing in other words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from lab.documents import Document, Problem, near

VOCABULARY = Path(__file__).with_name("vocabulary.yaml")

_SEPARATORS = re.compile(r"[\s_-]+")


def folded(word: str) -> str:
    """The form in which words are compared: case, `-`, `_` and spaces make no difference."""
    return _SEPARATORS.sub("-", word.strip().casefold())


class Component(BaseModel):
    """A part of the stack that can be at fault; `depends_on` are those that it needs to answer,
    `part_of` is the component that it is one of several alike of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    meaning: str
    aliases: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    part_of: str | None = None


class Cause(BaseModel):
    """What can be wrong with a component.

    `shows` are the signals that tell it from its look-alikes when they leave their baseline.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    family: str = ""
    meaning: str
    aliases: tuple[str, ...] = ()
    shows: tuple[str, ...] = Field(min_length=1)


class Family(BaseModel):
    """Causes that an on-call person would look for in the same place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meaning: str
    causes: dict[str, Cause] = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    components: dict[str, Component] = Field(min_length=1)
    families: dict[str, Family] = Field(min_length=1)


class Vocabulary:
    """All words, and the two questions that grading asks of them: same family? neighbours?"""

    def __init__(self, components: Sequence[Component], causes: Sequence[Cause]) -> None:
        self.components = {one.name: one for one in components}
        self.causes = {one.name: one for one in causes}

    @classmethod
    def load(cls, path: Path = VOCABULARY) -> Vocabulary:
        """Reads and validates a vocabulary file.

        Raises `BadInput` with file, line and column: unknown keys, a word or alias that means two
        things, a dependency on nothing.
        """
        document = Document.read(path)
        file = document.into(_File)
        components = [
            one.model_copy(update={"name": name}) for name, one in file.components.items()
        ]
        causes = [
            cause.model_copy(update={"name": name, "family": family_name})
            for family_name, family in file.families.items()
            for name, cause in family.causes.items()
        ]
        problems = _dangling(components)
        component_places = {one.name: ("components", one.name) for one in components}
        cause_places = {one.name: ("families", one.family, "causes", one.name) for one in causes}
        problems += _ambiguous(components, component_places)
        problems += _ambiguous(causes, cause_places)
        if problems:
            raise document.refusal(problems)
        return cls(components, causes)

    def component_named(self, word: str) -> Component | None:
        """The component of that name or alias, or None."""
        return self._components_by_word.get(folded(word))

    def cause_named(self, word: str) -> Cause | None:
        """The cause of that name or alias, or None."""
        return self._causes_by_word.get(folded(word))

    def component_hint(self, word: str) -> str:
        """Which components were probably meant; empty when none is close."""
        names = {key: one.name for key, one in self._components_by_word.items()}
        return near(folded(word), names, names)

    def cause_hint(self, word: str) -> str:
        """Which causes were probably meant; empty when none is close."""
        names = {key: one.name for key, one in self._causes_by_word.items()}
        return near(folded(word), names, names)

    def neighbours(self, component: str) -> frozenset[str]:
        """The components one step away on the dependency graph, whichever way it points: what it
        needs, what needs it, what it is a part of, and its parts."""
        whole = self.components[component].part_of
        steps = {*self.components[component].depends_on, *([whole] if whole else [])}
        others = self.components.values()
        return frozenset(
            steps.union(one.name for one in others if component in (*one.depends_on, one.part_of))
        )

    def same_family(self, one: str, other: str) -> bool:
        """Whether two causes are of one family."""
        return self.causes[one].family == self.causes[other].family

    @cached_property
    def _components_by_word(self) -> dict[str, Component]:
        return {
            folded(word): one
            for one in self.components.values()
            for word in (one.name, *one.aliases)
        }

    @cached_property
    def _causes_by_word(self) -> dict[str, Cause]:
        return {
            folded(word): one for one in self.causes.values() for word in (one.name, *one.aliases)
        }


def _dangling(components: Sequence[Component]) -> list[Problem]:
    names = [one.name for one in components]
    return [
        Problem(
            ("components", one.name, "depends_on", index),
            f"{needed!r} is no component; {near(needed, names) or ', '.join(names)}",
        )
        for one in components
        for index, needed in enumerate(one.depends_on)
        if needed not in names
    ] + [
        Problem(("components", one.name, "part_of"), f"{one.part_of!r} is no component")
        for one in components
        if one.part_of is not None and one.part_of not in names
    ]


def _ambiguous(
    entries: Sequence[Component] | Sequence[Cause], places: Mapping[str, tuple[str, ...]]
) -> list[Problem]:
    taken: dict[str, str] = {}
    problems: list[Problem] = []
    for one in entries:
        for word in (one.name, *one.aliases):
            owner = taken.setdefault(folded(word), one.name)
            if owner != one.name:
                problems.append(Problem(places[one.name], f"{word!r} already means {owner}"))
    return problems
