"""What is wrong with a scenario's folder, as far as reading it tells: no stack, no clock.

Everything at once, each with file and line. What only a live night can tell (does it do what it
promises?) is proven by `lab verify`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import re2
from pydantic import ValidationError

from lab import attempts
from lab.documents import Document, Place
from lab.errors import BadInput
from lab.grading.vocabulary import Vocabulary
from lab.handed import read_text
from lab.library import Library
from lab.proof.contributed import of_scenario
from lab.proof.deadlines import ROOM, usual, without_room
from lab.scenario import Scenario, Symptom

HINTS = 3
DECOYS = 3
SECTIONS = ("trade-offs", "measure", "further reading")
"""Words that the debrief's headings have, beside the mechanism that it begins with."""

_AT = re.compile(r"(?P<file>[^\n]*?):(?P<line>\d+)(?::(?P<column>\d+))?: (?P<text>.*)", re.DOTALL)
_APART = re.compile(r"[\s_-]+")
# By RE2, which does not go back: a line may be as long as the file.
_LAB_COMMAND = re2.compile(
    r"(?:^|[;&|(`]|\b(?:then|do|else|exec|sudo|xargs|time|env)\s)\s*"
    r"(?P<word>(?:\S*/)?(?:lab|make)|\S*python[\d.]*\s+-m\s+lab)(?:\s|$)"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `line` counts from 1."""

    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


def check(library: Library, slug: str) -> list[Finding]:
    """Everything that is wrong with one scenario, in the order of files and lines.

    Raises `BadInput` for a name that no scenario has.
    """
    folder = library.path(slug)
    found = {*_scripts(folder), *_texts(folder)}
    try:
        document = Document.read(folder / "scenario.yaml")
        ways = library.ways(slug)
    except BadInput as error:
        found |= set(_said(error, folder / "scenario.yaml"))
    else:
        for scenario in ways:
            found |= set(_declared(document, folder, scenario, library.words.vocabulary))
            found |= set(_given_away(document, folder, scenario, library.words.vocabulary))
            found |= set(_led_nowhere(document, folder, scenario, library.slugs()))
        found |= set(_too_soon(document, folder, ways))
    return sorted(found, key=lambda one: (str(one.file), one.line, one.text))


def _said(error: BadInput, file: Path) -> Iterator[Finding]:
    """The library's refusal, line by line."""
    for said in error.message.splitlines():
        at = _AT.fullmatch(said)
        if at is None:
            yield Finding(file, 1, said.removeprefix(f"{file}: "))
        else:
            yield Finding(Path(at["file"]), int(at["line"]), at["text"])


def _scripts(folder: Path) -> Iterator[Finding]:
    """Remedy, decoys and other fixes: there, executable, of ordinary tools only."""
    found = attempts.scripts(folder)
    if folder / attempts.REMEDY not in found:
        yield Finding(folder / attempts.REMEDY, 1, "is missing: the operator's fix")
    decoys = [script for script in found if script.parent.name == attempts.DECOYS]
    if len(decoys) < DECOYS:
        where = folder / attempts.DECOYS
        yield Finding(where, 1, f"{len(decoys)} decoys; at least {DECOYS} must tempt")
    for script in found:
        try:
            text = read_text(script)
        except BadInput as error:
            yield from _said(error, script)
            continue
        if not os.access(script, os.X_OK):
            yield Finding(script, 1, "is not executable; chmod +x")
        if not attempts.says_why(script):
            line = "tempts; `# Why people try it: ...`"
            if script not in decoys:
                line = "is right; `# Why it is right: ...`"
            yield Finding(script, 1, f"does not say why it {line}")
        for number, line in enumerate(text.splitlines(), start=1):
            used = None if line.lstrip().startswith("#") else _LAB_COMMAND.search(line)
            if used is not None:
                yield Finding(script, number, f"`{used['word']}` is no operator's tool")


def _texts(folder: Path) -> Iterator[Finding]:
    """Brief and debrief: there, and the debrief has its sections."""
    texts: dict[str, str] = {}
    for name in ("brief.md", "debrief.md"):
        path = folder / name
        try:
            texts[name] = read_text(path) if path.is_file() else ""
        except BadInput as error:
            yield from _said(error, path)
            continue
        if not texts[name].strip():
            yield Finding(path, 1, "is missing or empty")
    debrief = folder / "debrief.md"
    if not debrief.is_file() or debrief.name not in texts:
        return
    lines = texts[debrief.name].splitlines()
    headings = [(n, line.lower()) for n, line in enumerate(lines, start=1) if line.startswith("#")]
    for word in SECTIONS:
        if not any(word in heading for _, heading in headings):
            yield Finding(debrief, len(lines) or 1, f"has no section on {word!r}")
    before = [n for n, heading in headings if any(word in heading for word in SECTIONS)]
    mechanism = lines[: before[0] - 1 if before else len(lines)]
    if not any(line.strip() and not line.startswith("#") for line in mechanism):
        yield Finding(debrief, 1, "does not begin with the mechanism: what happened, and why")


def _declared(
    document: Document, folder: Path, scenario: Scenario, vocabulary: Vocabulary
) -> Iterator[Finding]:
    """What the schema cannot see in scenario.yaml."""

    def at(*place: str | int) -> int:
        return document.at(place, on_key=True)[0]

    file = folder / "scenario.yaml"
    if len(scenario.hints) < HINTS:
        text = f"{len(scenario.hints)} hints; at least {HINTS}, each one step nearer"
        yield Finding(file, at("hints"), text)
    prices = [hint.price for hint in scenario.hints]
    if prices != sorted(prices):
        yield Finding(file, at("hints"), "a hint costs less than the one before it")
    triggers = [params for params in scenario.faults if params.triggers]
    if scenario.objectives.again_within_s is not None and not triggers:
        text = "nothing can happen again: no fault only `triggers`"
        yield Finding(file, at("objectives", "again_within_s"), text)
    cause = vocabulary.causes[scenario.truth.cause]
    named = {*scenario.truth.chain, *scenario.truth.evidence}
    if not named & set(cause.shows):
        shows = ", ".join(cause.shows)
        text = f"neither chain nor evidence names a signal that shows {cause.name}: {shows}"
        yield Finding(file, at("truth"), text)


def _given_away(
    document: Document, folder: Path, scenario: Scenario, vocabulary: Vocabulary
) -> Iterator[Finding]:
    """Whatever a learner reads before the first paid help must not name the answer."""
    cause = vocabulary.causes[scenario.truth.cause]
    words = dict.fromkeys((cause.name, *cause.aliases), "the cause")
    words |= {params.fault: "the fault" for params in scenario.faults}
    words[scenario.truth.object] = "the object of the truth"
    file = folder / "scenario.yaml"
    told: list[tuple[Path, Place, str]] = [
        (file, (), scenario.slug),
        (file, ("title",), scenario.title),
        (file, ("page", "text"), scenario.page.text),
        (file, ("hints", 0, "text"), scenario.fill(scenario.hints[0].text)),
    ]
    for path, place, text in told:
        for word in _named(words, text):
            where = ".".join(map(str, place)) or "the folder's name"
            line = document.at(place)[0]
            yield Finding(path, line, f"{where} gives away {words[word]}: {word!r}")
    brief = folder / "brief.md"
    try:
        said_there = read_text(brief) if brief.is_file() else ""
    except BadInput:
        # Which is a finding of its own.
        return
    # A brief lists the parts of the stack, the one at fault among them: that names nothing.
    hidden = {one: what for one, what in words.items() if one not in vocabulary.components}
    for number, said in enumerate(scenario.fill(said_there).splitlines(), start=1):
        for word in _named(hidden, said):
            yield Finding(brief, number, f"the brief gives away {words[word]}: {word!r}")


def _led_nowhere(
    document: Document, folder: Path, scenario: Scenario, slugs: Sequence[str]
) -> Iterator[Finding]:
    """A learning path must lead from one scenario to another that is there."""
    for key, named in (("builds_on", scenario.builds_on), ("unlocks", scenario.unlocks)):
        for number, slug in enumerate(named):
            if slug not in slugs or slug == scenario.slug:
                line = document.at((key, number))[0]
                yield Finding(
                    folder / "scenario.yaml", line, f"{key}: {slug!r} is no other scenario"
                )


def _too_soon(document: Document, folder: Path, ways: Sequence[Scenario]) -> Iterator[Finding]:
    """Each deadline must leave room for slower machines than those that sent their nights along."""
    try:
        nights = [night for one in of_scenario(folder) for night in one.nights]
    except BadInput as error:
        file, _, text = error.message.partition(": ")
        yield Finding(Path(file), 1, text)
        return
    delays = usual(nights)
    for way in ways:
        for symptom, after in without_room(way.symptoms, delays):
            text = (
                f"{symptom} usually comes after {after:.0f} s and is due within "
                f"{symptom.within_s:g} s, which leaves no room: at least {ceil(ROOM * after)} s"
            )
            yield Finding(folder / "scenario.yaml", _line_of(document, symptom), text)


def _line_of(document: Document, symptom: Symptom) -> int:
    """Where a deadline stands; among the options of a choice, too. Where its parts are chosen one
    by one, the line of all symptoms."""
    place = next((at for at, one in _symptoms(document.root) if one == symptom), None)
    return document.at(("symptoms",) if place is None else (*place, "within_s"))[0]


def _symptoms(node: object, place: Place = ()) -> Iterator[tuple[Place, Symptom]]:
    """Every symptom that is written out anywhere in a document, and its place."""
    if isinstance(node, dict):
        if "within_s" in node and "signal" in node:
            with suppress(ValidationError):
                yield place, Symptom.model_validate(node)
        members: Iterable[tuple[str | int, object]] = node.items()
    else:
        members = enumerate(node) if isinstance(node, list) else ()
    for key, value in members:
        yield from _symptoms(value, (*place, key))


def _named(words: Iterable[str], text: str) -> list[str]:
    """Those of `words` that `text` has, whole; `-`, `_` and spaces make no difference."""
    return [word for word in words if _pattern(word).search(text)]


def _pattern(word: str) -> re.Pattern[str]:
    parts = r"[\s_-]+".join(re.escape(part) for part in _APART.split(word) if part)
    return re.compile(rf"(?<!\w){parts}(?!\w)", re.IGNORECASE)


def check_all(library: Library, slugs: Sequence[str]) -> dict[str, list[Finding]]:
    """What is wrong with each of these scenarios, or with every one."""
    # A folder without scenario.yaml is one that somebody has begun.
    begun = sorted(path.name for path in library.folder.iterdir() if path.is_dir())
    found: dict[str, list[Finding]] = {}
    for slug in slugs or begun:
        if slug in begun and slug not in library.slugs():
            file = library.folder / slug / "scenario.yaml"
            found[slug] = [Finding(file, 1, "is missing")]
        else:
            found[slug] = check(library, slug)
    return found
