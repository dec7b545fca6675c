"""Where a diagnosis comes from: a file, or lists at the terminal with nothing to know by heart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.prompt import Confirm, Prompt
from rich.text import Text

from lab.diagnosis import Diagnosis, Evidence, is_address, parse_diagnosis
from lab.documents import Document, near
from lab.doors import Doors
from lab.errors import BadInput
from lab.grading.vocabulary import Cause, Vocabulary
from lab.panels import signal_at
from lab.prometheus import PrometheusUnavailable
from lab.records import Row
from lab.screen.board import Line, number, read_board
from lab.screen.console import table

LONGEST_CHAIN = 8


def ask_for_diagnosis(doors: Doors, row: Row, out: Console) -> Diagnosis:
    """Ask for component, cause, evidence and order. Ctrl-C leaves without recording anything."""
    vocabulary = doors.vocabulary

    def own_name(word: str) -> str | None:
        named = vocabulary.component_named(word)
        return named.name if named else None

    out.print(Text("What is at fault?", style="bold"))
    components = [(one.name, one.meaning) for one in vocabulary.components.values()]
    component = _one_of(out, components, "component", own_name, vocabulary.component_hint)
    cause = _ask_cause(vocabulary, out)
    offered = _offered(doors, row, out)
    out.print(
        Text("What shows it? Numbers, names or PromQL; pasted panel addresses, too.", style="bold")
    )
    out.print("What shows nothing costs points. An empty line ends the list.")
    evidence: list[Evidence] = []
    while text := Prompt.ask(
        f"evidence {len(evidence) + 1}", console=out, default="", show_default=False
    ).strip():
        evidence.append(_evidence(text, offered, doors))
    out.print(Text("In which order did it break? Earliest first.", style="bold"))
    chain: list[str] = []
    while len(chain) < LONGEST_CHAIN:
        text = Prompt.ask(
            f"signal {len(chain) + 1}", console=out, default="", show_default=False
        ).strip()
        if not text:
            break
        name = _numbered(text, offered)
        if is_address(name):
            try:
                name = signal_at(name, doors.now(), _names(doors))
            except BadInput as error:
                out.print(f"{error.message}; {error.remedy}" if error.remedy else error.message)
                continue
        if name not in doors.catalogue:
            out.print(f"there is no signal {name!r}; {near(name, _names(doors)) or 'see the list'}")
        elif name in chain:
            out.print("that one is in the list already")
        else:
            chain.append(name)
    note = Prompt.ask("A note to yourself", console=out, default="", show_default=False).strip()
    return Diagnosis(component, cause, tuple(evidence), tuple(chain), note)


def read_file(doors: Doors, path: Path) -> Diagnosis:
    """The diagnosis in a file, or with `-` on standard input. Raises `BadInput`."""
    names = _names(doors)
    return parse_diagnosis(
        Document.handed_over(path),
        doors.vocabulary,
        names,
        lambda url: signal_at(url, doors.now(), names),
    )


def price_of_hint(price: int) -> str:
    """What the next hint costs, in words."""
    if price == 0:
        return "the next hint costs nothing any more: it is mended"
    return f"the next hint costs {price} points, if you solve it"


def ask_whether_to_take(price: int, out: Console) -> bool:
    """Whether the next hint is to be taken at that price."""
    said = price_of_hint(price)
    return Confirm.ask(f"{said[0].upper()}{said[1:]}. Take it?", console=out, default=False)


def ask_whether_final(out: Console) -> bool:
    """Whether this diagnosis is the last one."""
    return Confirm.ask("Is it final? A later revision costs 5 points", console=out, default=False)


def _ask_cause(vocabulary: Vocabulary, out: Console) -> str:
    out.print(Text("What kind of trouble is it?", style="bold"))
    several: dict[str, list[Cause]] = {}
    for one in vocabulary.causes.values():
        several.setdefault(one.family, []).append(one)
    families = [(name, ", ".join(one.name for one in causes)) for name, causes in several.items()]

    def own_name(word: str) -> str | None:
        # Whoever knows the cause need not go through its family.
        cause = vocabulary.cause_named(word)
        return cause.name if cause else None

    chosen = _one_of(out, families, "family, or a cause", own_name, vocabulary.cause_hint)
    if chosen not in several:
        return chosen
    causes = [(one.name, one.meaning) for one in several[chosen]]
    return _one_of(out, causes, "cause", own_name, vocabulary.cause_hint)


def _one_of(
    out: Console,
    choices: Sequence[tuple[str, str]],
    what: str,
    known: Callable[[str], str | None],
    hint: Callable[[str], str],
) -> str:
    """Ask until the answer is a number or a name of the list, or another word that is `known`."""
    shown = table("", what, "meaning", prose=("meaning",))
    for index, (name, meaning) in enumerate(choices, start=1):
        shown.add_row(str(index), name, Text(meaning, style="dim"))
    out.print(shown)
    names = [name for name, _ in choices]
    while True:
        answer = Prompt.ask(what, console=out, default="", show_default=False).strip()
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        if answer in names:
            return answer
        other = known(answer)
        if other is not None:
            return other
        out.print(f"{answer!r} is not in the list; {hint(answer) or 'give its number'}")


def _offered(doors: Doors, row: Row, out: Console) -> list[str]:
    """Show the signals that have moved so far, numbered; all of them count, moved or not."""
    try:
        lines = [line for line in read_board(doors, row) if line.moved]
    except PrometheusUnavailable as error:
        out.print(f"the signals cannot be read now: {error.message}")
        lines = []
    shown = table("", "moved", "now", "when calm")
    for index, line in enumerate(lines, start=1):
        shown.add_row(str(index), line.signal.name, *_values(line))
    if lines:
        out.print(shown)
    out.print("`lab signals` in another terminal lists all of them.")
    return [line.signal.name for line in lines]


def _values(line: Line) -> tuple[str, str]:
    return number(line.now, line.signal), number(line.before, line.signal)


def _numbered(text: str, offered: Sequence[str]) -> str:
    if text.isdecimal() and 1 <= int(text) <= len(offered):
        return offered[int(text) - 1]
    return text


def _evidence(text: str, offered: Sequence[str], doors: Doors) -> Evidence:
    text = _numbered(text, offered)
    if is_address(text):
        return Evidence("panel", text)
    if text in doors.catalogue:
        return Evidence("signal", text)
    return Evidence("promql", text)


def _names(doors: Doors) -> list[str]:
    return [signal.name for signal in doors.catalogue]
