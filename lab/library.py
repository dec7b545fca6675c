"""The folder of scenarios: finding one, reading it, and refusing it with file, line and column."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.attempts import DECOYS, REMEDY, Decoy, decoys_in, fix_in, scripts
from lab.documents import Document, Place, Problem, near
from lab.errors import BadInput, LabError
from lab.grading.vocabulary import Vocabulary
from lab.handed import read_text
from lab.load import MOST_SEED
from lab.scenario import LIGHT, SCENARIOS, Pick, Scenario, ScenarioFile

RULES = Path(__file__).resolve().parents[1] / "infra" / "prometheus" / "rules"

_UNFILLED = re.compile(r"\$\{[\w.]+\}")
_ALERT = re.compile(r"^\s*-?\s*alert:\s*[\"']?(?P<name>\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Words:
    """What the names in a scenario may be: the catalogue's, the vocabulary's, the pager's."""

    signals: Collection[str]
    vocabulary: Vocabulary
    alerts: Collection[str]

    @classmethod
    def load(cls) -> Words:
        """Those of this checkout. Raises `BadInput` when one of its files is broken."""
        from lab.signals import Catalogue

        alerts = [
            found["name"]
            for path in sorted(RULES.glob("*.y*ml"))
            for found in _ALERT.finditer(path.read_text(encoding="utf-8"))
        ]
        return cls([signal.name for signal in Catalogue.load()], Vocabulary.load(), alerts)


class Library:
    """The scenarios of one folder, each in a folder of its own."""

    def __init__(self, folder: Path = SCENARIOS, words: Words | None = None) -> None:
        self.folder = folder
        self._words = words

    @property
    def words(self) -> Words:
        if self._words is None:
            self._words = Words.load()
        return self._words

    def slugs(self) -> list[str]:
        """The names of all scenarios."""
        return sorted(path.parent.name for path in self.folder.glob("*/scenario.yaml"))

    def path(self, slug: str) -> Path:
        """The folder of that scenario. Raises `BadInput` with the nearest names."""
        slugs = self.slugs()
        if slug not in slugs:
            hint = near(slug, slugs) or f"there are: {', '.join(slugs) or 'none'}"
            raise BadInput(f"there is no scenario {slug!r}", remedy=hint)
        return self.folder / slug

    def load(self, slug: str, seed: int, *, light: bool = False) -> Scenario:
        """The scenario with its choices made by `seed`; `light`: the same with half the customers.

        Every option of every choice is validated, so that no seed meets an error that another did
        not. Raises `BadInput` for an unknown name, for every problem of the folder at once, for a
        light night where none is declared, and for a seed that nobody takes.
        """
        folder = self.path(slug)
        if not 0 <= seed <= MOST_SEED:
            raise BadInput(f"a seed is a whole number from 0 to {MOST_SEED}, not {seed}")
        document = Document.read(folder / "scenario.yaml")
        options = _options(document)
        lighter = _options(document, light=True)
        if light and lighter == options:
            raise BadInput(
                f"{slug} has no light night: half the customers would make it another one",
                remedy=f"`lab start {slug}` without --light",
            )
        choices = _Choices(document, options)
        for several in (options, lighter):
            for picks in _every_option_once(several):
                choices.make(picks)
                self._check(document, folder)
        picks = _flat(_picked(lighter if light else options, seed))
        choices.make(picks)
        made = document.into(ScenarioFile)
        return Scenario(**dict(made), slug=slug, seed=seed, picks=picks, light=light)

    def ways(self, slug: str) -> list[Scenario]:
        """The scenario in so many ways that each option of each choice occurs; its seeds count
        them. The files beside scenario.yaml are not looked at.

        Raises `BadInput` as `load` does.
        """
        document = Document.read(self.path(slug) / "scenario.yaml")
        options = _options(document)
        choices = _Choices(document, options)
        found: list[Scenario] = []
        for way, picks in enumerate(_every_option_once(options)):
            choices.make(picks)
            made = document.into(ScenarioFile)
            problems = list(_unknown_words(made, self.words))
            if problems:
                raise document.refusal(problems)
            found.append(Scenario(**dict(made), slug=slug, seed=way, picks=picks))
        return found

    def text(self, scenario: Scenario, name: str) -> str:
        """One of the scenario's texts (brief, debrief), about this incident's own objects; a
        sentence instead where the folder has gone since the incident began."""
        path = self.folder / scenario.slug / f"{name}.md"
        try:
            text = read_text(path)
        except BadInput as error:
            return f"The {name} of {scenario.slug} is gone: {error.message}\n"
        text = scenario.fill(text)
        if _UNFILLED.search(text):
            # Begun before these words were there: today's folder has them, of the same choice.
            with suppress(LabError):
                today = self.load(scenario.slug, scenario.seed, light=scenario.light)
                if today.answer.object == scenario.answer.object:
                    text = today.fill(text)
        return text

    def remedy(self, slug: str, fix: str | None = None) -> Path:
        """The script of the operator's fix, or of another right one. Raises `BadInput` where there
        is none of that name."""
        return fix_in(self.path(slug), fix)

    def decoys(self, slug: str) -> list[Decoy]:
        """The tempting wrong fixes. Raises `BadInput` for one that does not say why it tempts."""
        return decoys_in(self.path(slug) / DECOYS)

    def _check(self, document: Document, folder: Path) -> None:
        """Raise `BadInput` for whatever a schema cannot see."""
        scenario = document.into(ScenarioFile)
        problems = list(_unknown_words(scenario, self.words))
        problems += [
            Problem((), f"the file {name} is missing beside it")
            for name in ("brief.md", "debrief.md", REMEDY)
            if not (folder / name).is_file()
        ]
        problems += [
            Problem((), f"{script.relative_to(folder)} is not executable; chmod +x")
            for script in scripts(folder)
            if not os.access(script, os.X_OK)
        ]
        if problems:
            raise document.refusal(problems)
        decoys_in(folder / DECOYS)


def _options(document: Document, *, light: bool = False) -> dict[str, list[Any]]:
    """`choices` of the document, as far as they look like choices; the schema judges the rest.

    With `light` each is what it says that it is in a light night. Raises `BadInput` for one that
    says nothing where others of its choice do, and for a value that it has not got otherwise.
    """
    root = document.root
    section = root.get("choices") if isinstance(root, dict) else None
    if not isinstance(section, dict):
        return {}
    found = {
        str(name): list(several)
        for name, several in section.items()
        if isinstance(several, list) and several
    }
    problems = [one for name, several in found.items() for one in _light_problems(name, several)]
    if problems:
        raise document.refusal(problems)
    return {name: [_in(light, option) for option in several] for name, several in found.items()}


def _in(light: bool, option: Any) -> Any:
    """An option as it is in a light night, or in any other one."""
    if not isinstance(option, dict):
        return option
    own = {key: value for key, value in option.items() if key != LIGHT}
    return own | option.get(LIGHT, {}) if light else own


def _light_problems(name: str, several: Sequence[Any]) -> Iterator[Problem]:
    """What is wrong with the light nights of one choice."""
    declared = [isinstance(option, dict) and LIGHT in option for option in several]
    for number, option in enumerate(several):
        place: Place = ("choices", name, number)
        if not declared[number]:
            if any(declared):
                yield Problem(place, f"has no `{LIGHT}`, which other options have")
        elif not isinstance(option[LIGHT], dict):
            yield Problem((*place, LIGHT), "expected keys and values of the option")
        else:
            for key in option[LIGHT].keys() - (option.keys() - {LIGHT}):
                hint = near(str(key), [str(one) for one in option if one != LIGHT])
                text = f"the option has no {key!r} of its own; {hint}".rstrip("; ")
                yield Problem((*place, LIGHT, key), text, on_key=True)


def _picked(options: Mapping[str, Sequence[Any]], seed: int) -> dict[str, Any]:
    """What a seed picks. Seeds that follow each other go through all there is to pick, so that a
    few nights in a row show everything that may happen."""
    picks = {}
    for name, several in options.items():
        seed, turn = divmod(seed, len(several))
        picks[name] = several[turn]
    return picks


def _every_option_once(options: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Pick]]:
    """Sets of picks in which each option occurs at least once."""
    longest = max((len(several) for several in options.values()), default=1)
    for turn in range(longest):
        yield _flat({name: several[turn % len(several)] for name, several in options.items()})


def _flat(picks: Mapping[str, Any]) -> dict[str, Pick]:
    """Picks by what a `{choice: ...}` says: `name`, or `name.key` for values that go together."""
    flat: dict[str, Pick] = {}
    for name, value in picks.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": one for key, one in value.items()}
        else:
            flat[name] = value
    return flat


class _Choices:
    """The `{choice: name}` of a document, replaced in place, so that errors keep their places."""

    def __init__(self, document: Document, options: Mapping[str, Sequence[Any]]) -> None:
        problems: list[Problem] = []
        # What every option has: a seed must not meet a hole that another does not.
        every = [_flat({name: one}).keys() for name, several in options.items() for one in several]
        known = {key for keys in every for key in keys}
        names = {
            key
            for key in known
            if all(key in keys for keys in every if _owner(key) in map(_owner, keys))
        }
        # The document's tree is ruamel's own: mappings and sequences of anything.
        self._holes: list[tuple[Any, str | int, str]] = []

        def look(node: Any, place: Place) -> None:
            members = (
                node.items()
                if isinstance(node, dict)
                else enumerate(node)
                if isinstance(node, list)
                else ()
            )
            for key, value in list(members):
                if place == () and key == "choices":
                    continue
                here = (*place, key)
                if isinstance(value, dict) and list(value) == ["choice"]:
                    name = str(value["choice"])
                    if name in names:
                        self._holes.append((node, key, name))
                    else:
                        hint = near(name, names) or f"choices has: {', '.join(names) or '-'}"
                        problems.append(Problem((*here, "choice"), f"no choice {name!r}; {hint}"))
                else:
                    look(value, here)

        look(document.root, ())
        if problems:
            raise document.refusal(problems)

    def make(self, picks: Mapping[str, Pick]) -> None:
        for node, key, name in self._holes:
            node[key] = picks[name]


def _owner(key: str) -> str:
    return key.partition(".")[0]


def _unknown_words(scenario: ScenarioFile, words: Words) -> Iterator[Problem]:
    """Names that nothing answers to: signals, components, causes, alerts."""
    truth = scenario.truth
    signals: list[tuple[Place, str]] = [
        *(
            (("objectives", "keep", i, "signal"), c.signal)
            for i, c in enumerate(scenario.objectives.keep)
        ),
        *((("symptoms", i, "signal"), c.signal) for i, c in enumerate(scenario.symptoms)),
        *((("unaffected", i, "signal"), c.signal) for i, c in enumerate(scenario.unaffected)),
        *((("truth", "chain", i), name) for i, name in enumerate(truth.chain)),
        *((("truth", "evidence", i), name) for i, name in enumerate(truth.evidence)),
        *((("red_herrings", i, "signal"), h.signal) for i, h in enumerate(scenario.red_herrings)),
        *(
            (("accepted_fixes", i, part, j, "signal"), condition.signal)
            for i, fix in enumerate(scenario.accepted_fixes)
            for part in ("when", "keep")
            for j, condition in enumerate(getattr(fix, part))
        ),
    ]
    for place, name in signals:
        if name not in words.signals:
            hint = near(name, words.signals) or "`lab signals` lists them"
            yield Problem(place, f"there is no signal {name!r}; {hint}")
    vocabulary = words.vocabulary
    answers: list[tuple[Place, str, str]] = [
        (("truth",), truth.component, truth.cause),
        *((("accepted", i), a.component, a.cause) for i, a in enumerate(scenario.accepted)),
    ]
    for place, component, cause in answers:
        # A truth is written in the vocabulary's own words, never in an alias.
        if component not in vocabulary.components:
            hint = near(component, vocabulary.components) or ", ".join(vocabulary.components)
            yield Problem((*place, "component"), f"there is no component {component!r}; {hint}")
        if cause not in vocabulary.causes:
            hint = near(cause, vocabulary.causes) or ", ".join(vocabulary.causes)
            yield Problem((*place, "cause"), f"there is no cause {cause!r}; {hint}")
    if scenario.page.alert not in words.alerts:
        hint = near(scenario.page.alert, words.alerts) or ", ".join(words.alerts)
        yield Problem(("page", "alert"), f"there is no alert {scenario.page.alert!r}; {hint}")
