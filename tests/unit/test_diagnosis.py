"""Reading a diagnosis, and refusing one helpfully."""

from __future__ import annotations

from datetime import datetime

import pytest

from lab.diagnosis import Diagnosis, Evidence, in_own_words, moment, parse_diagnosis, read_diagnosis
from lab.documents import Document
from lab.errors import BadInput
from lab.series import Span
from tests.unit.histories import facts, vocabulary

NOW = 1_763_607_600.0


def parsed(text: str) -> Diagnosis:
    return parse_diagnosis(Document(text, "diagnosis.yaml"), vocabulary(), facts())


def refusal(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        parsed(text)
    return caught.value.message


def test_a_whole_diagnosis_is_read(tmp_path):
    """All kinds of evidence, windows, the chain and the note are read from a file."""
    path = tmp_path / "diagnosis.yaml"
    path.write_text(
        "component: postgres-primary\n"
        "cause: missing-index\n"
        "evidence:\n"
        "  - signal: postgres:seq_rows:rate\n"
        "    window: [-60s, now]\n"
        "  - promql: rate(pg_stat_user_tables_seq_scan[10s])\n"
        "    window: [2025-11-20T02:58:00Z, 2025-11-20T03:00:00]\n"
        "  - panel: http://127.0.0.1:3000/d/night?viewPanel=4&from=1763607000000&to=1763607600000\n"
        "chain: [postgres:seq_rows:rate, pool:waiting]\n"
        "note: the index was gone\n"
    )
    diagnosis = read_diagnosis(path, vocabulary(), facts())
    assert [one.kind for one in diagnosis.evidence] == ["signal", "promql", "panel"]
    assert diagnosis.evidence[0].span(NOW) == Span(NOW - 60, NOW)
    assert diagnosis.evidence[1].span(NOW) == Span(NOW - 120, NOW)
    assert diagnosis.evidence[2].span(NOW) == Span(NOW - 60, NOW)
    assert diagnosis.chain == ("postgres:seq_rows:rate", "pool:waiting")
    assert diagnosis.note == "the index was gone"


def test_aliases_become_the_vocabularys_words():
    """Other words for the same thing are accepted, whatever their case and separators."""
    one = parsed("component: Database\ncause: Dropped Index\n")
    assert (one.component, one.cause) == ("postgres-primary", "missing-index")


def test_a_bare_signal_is_evidence():
    """A bare name is a signal, and one with labels is PromQL."""
    one = parsed(
        "component: db\ncause: oom\nevidence:\n"
        "  - queue:depth\n"
        '  - signal: pool:waiting{service="api-1"}\n'
    )
    assert one.evidence == (
        Evidence("signal", "queue:depth"),
        Evidence("promql", 'pool:waiting{service="api-1"}'),
    )


def test_unknown_words_are_placed_and_guessed():
    """Every unknown word is named with file, line and column and what was probably meant."""
    message = refusal(
        "component: databse\n"
        "cause: index\n"
        "evidence:\n"
        "  - signal: postgres:seq_row:rate\n"
        "chain: [queue:depht, queue:depth, queue:depth]\n"
    )
    lines = message.splitlines()
    assert lines[0].startswith("diagnosis.yaml:1:12: component: unknown component 'databse'")
    assert "did you mean postgres-primary" in lines[0]
    assert lines[1].startswith("diagnosis.yaml:2:8: cause:")
    assert "missing-index" in lines[1]
    assert lines[2].startswith("diagnosis.yaml:4:13: evidence.0.signal:")
    assert "did you mean postgres:seq_rows:rate" in lines[2]
    assert lines[3].startswith("diagnosis.yaml:5:9: chain.0:")
    assert "twice" in lines[4]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("component: db\n", "diagnosis.yaml:1:1: cause: is missing"),
        ("component: db\ncause: oom\nevidense: []\n", "3:1: evidense: unknown key; did you mean"),
        ("component: 3\ncause: oom\n", "1:12: component: Input should be a valid string"),
        ("- a\n", "1:1: expected keys and values (component, cause"),
        ("", "expected keys and values"),
        ("component: [\n", "not YAML"),
        ("component: a\ncomponent: b\n", "2:1: not YAML: found duplicate key"),
        (
            (
                "component: db\ncause: oom\nevidence:\n  - signal: queue:depth\n"
                "    window: [2026-11-31, now]\n"
            ),
            "a value looks like a time, and is none: day is out of range for month",
        ),
        ("component: db\ncause: oom\nevidence: [{}]\n", "exactly one of signal, promql and panel"),
        ("component: db\ncause: oom\nevidence: [3]\n", "3:12: evidence.0: expected keys"),
        (
            "component: db\ncause: oom\nevidence:\n  - queue:depth\n  - singal: x\n",
            "5:5: evidence.1.singal: unknown key; did you mean signal?",
        ),
        (
            (
                "component: db\ncause: oom\nevidence:\n  - signal: queue:depth\n"
                "    window: [-6x, now]\n"
            ),
            "5:13: evidence.0.window: '-6x' is no time before now",
        ),
        (
            (
                "component: db\ncause: oom\nevidence:\n  - signal: queue:depth\n"
                "    window: [now, -6s]\n"
            ),
            "the window must begin before it ends",
        ),
    ],
)
def test_a_wrong_file_is_refused_where_it_is_wrong(text, expected):
    """A file that is not a diagnosis is refused with the place and what is allowed."""
    assert expected in refusal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"component: {'x' * 300}\ncause: oom\n", "component: String should have at most 200"),
        (f"component: db\ncause: oom\nnote: {'x' * 30_000}\n", "note: String should have at most"),
        (
            f"component: db\ncause: oom\nchain: [{', '.join(['queue:depth'] * 101)}]\n",
            "chain: List should have at most 100 items",
        ),
        ('component: db\ncause: oom\nnote: "a\\0b"\n', "3:7: a character that no text has"),
        (
            "component: db\ncause: oom\nevidence: [{signal: queue:depth, window: [now, now]}]\n",
            "the window must begin before it ends",
        ),
    ],
)
def test_what_says_nothing_is_refused(text, said):
    """More than anybody says, what no journal can hold, and a stretch of no time."""
    assert said in refusal(text)


def test_what_is_put_together_by_asking_has_the_same_bounds():
    """In the room and at a terminal there is no file to be refused."""
    many = tuple(Evidence("signal", "queue:depth") for _ in range(101))
    for odd in (
        Diagnosis("database", "oom", many),
        Diagnosis("database", "oom", note="a\ud800"),
        Diagnosis("database", "oom", (Evidence("promql", "up\0"),)),
    ):
        with pytest.raises(BadInput):
            in_own_words(odd, vocabulary(), facts())


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01", "9" * 30, "9" * 400])
def test_a_time_that_no_calendar_shows_is_refused(text):
    """Whoever printed it would stumble over it."""
    with pytest.raises(ValueError, match="no time that any night can have been"):
        moment(text, NOW)


def test_ages_ago_is_as_long_ago_as_a_clock_goes():
    """Not an error: everything since then."""
    assert moment(f"-{'9' * 400}d", NOW) == 0
    assert moment("now-99999d", NOW) == 0


def test_what_cannot_be_read_is_refused(tmp_path):
    """A missing file, a directory, a huge one and bytes that are no text are bad input."""
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    huge = tmp_path / "huge.yaml"
    huge.write_text("a" * 250_001)
    for path in (tmp_path / "none.yaml", tmp_path, binary, huge):
        with pytest.raises(BadInput, match=str(path)):
            Document.read(path)


def test_moments():
    """Moments are relative to now, ISO times (UTC unless they say otherwise) or Unix seconds."""
    assert moment("now", NOW) == NOW
    assert moment("-90s", NOW) == NOW - 90
    assert moment("now-5m", NOW) == NOW - 300
    assert moment("-1.5h", NOW) == NOW - 5400
    assert moment("-30", NOW) == NOW - 30
    assert moment("1763607000.5", NOW) == 1763607000.5
    assert moment("2025-11-20T03:00:00Z", NOW) == moment("2025-11-20T04:00:00+01:00", NOW) == NOW
    assert moment("-1h30m", NOW) == moment("now-90m", NOW) == NOW - 5400
    assert moment("now-2d", NOW) == NOW - 2 * 86400
    assert moment(str(int(NOW * 1000)), NOW) == NOW, "a browser's milliseconds"
    midnight = moment("2025-11-20T00:00:00Z", NOW)
    assert moment("now/d", NOW) == midnight
    assert moment("now/d", NOW, ends=True) == midnight + 86400
    assert moment("now-1d/d", NOW) == midnight - 86400
    assert moment("now/w", NOW) == moment("2025-11-17T00:00:00Z", NOW), "a Monday"
    for odd in ("", "yesterday", "-", "--5s", "-5 parsecs", "now/y", "now-"):
        with pytest.raises(ValueError, match="no time"):
            moment(odd, NOW)


def test_an_answer_put_together_by_asking_is_checked_alike():
    """Without a file, the same words are refused with the same guesses."""
    asked = Diagnosis("databse", "oom", (), ("queue:depth",))
    with pytest.raises(BadInput, match="did you mean postgres-primary") as caught:
        in_own_words(asked, vocabulary(), facts())
    assert "nothing was recorded" in (caught.value.remedy or "")


def test_a_clock_time_is_the_last_one_that_has_been():
    """As the lab prints times: this machine's clock, today's, or yesterday's where today's is yet
    to come; what is no time of day is refused."""
    now = datetime(2026, 11, 20, 0, 10, 0).astimezone().timestamp()
    assert moment("00:09:34", now) == now - 26
    assert moment("00:10", now) == now
    assert moment("23:59:50", now) == now - 610
    over_midnight = Evidence("signal", "queue:depth", ("23:59:50", "00:09:34"))
    assert over_midnight.span(now) == Span(now - 610, now - 26)
    with pytest.raises(ValueError, match="no time of day"):
        moment("25:00:00", now)


def test_a_window_of_clock_times_is_of_one_night():
    """Its start is the last before its end, whenever it is read: an hour later, around midnight,
    or while its end is yet to come today and so means yesterday's."""

    def between(start: str, end: str, *now: int) -> float:
        at = datetime(2026, 11, *now).astimezone().timestamp()
        return Evidence("signal", "queue:depth", (start, end)).span(at).seconds

    assert between("22:09:34", "22:10:30", 20, 23, 0) == 56
    assert between("22:09:34", "22:10:30", 20, 22, 10) == 56
    assert between("22:09:34", "22:10:30", 21, 9, 0) == 56
    assert between("23:59:50", "00:00:20", 21, 0, 5) == 30
    assert between("23:59:50", "now", 21, 0, 0, 10) == 20
    turned = "component: db\ncause: oom\nevidence:\n  - {signal: queue:depth, window: [%s, %s]}\n"
    assert "must begin before it ends" in refusal(turned % ("22:10:30", "22:09:34"))


@pytest.mark.parametrize("window", ["[22:09:34, 22:10:30]", '["23:59:50", "00:00:20"]'])
def test_a_file_takes_the_times_that_the_lab_prints(window):
    """Quoted or not, and whatever time of day it is read at."""
    text = f"component: db\ncause: oom\nevidence:\n  - {{signal: queue:depth, window: {window}}}\n"
    found = parse_diagnosis(Document(text, "d.yaml"), vocabulary(), facts())
    assert found.evidence[0].window is not None
    assert "".join(found.evidence[0].window).count(":") == 4
