"""The report's picture: the series that matters, what was measured of it, and the night's turns."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from lab import archive
from lab.charts import drawing
from lab.foremost import foremost
from lab.grade import grade
from lab.grading.onset import onsets
from lab.grading.verdict import Verdict
from lab.grading.vocabulary import Vocabulary
from lab.history import Check, Event, History, Outcome
from lab.lanes import MOST_ACTS
from lab.looks import called
from lab.outages import outages
from lab.report import ScenarioText, write_report
from lab.series import Series, Span
from lab.turns import turns
from tests.unit.histories import (
    ENDED,
    GOOD_EVIDENCE,
    INJECTED,
    RECOVERED,
    T0,
    TRUTH,
    citing,
    diagnosis,
    night,
    vocabulary,
)

NIGHTS = sorted((Path(__file__).parent / "data").rglob("*.json.gz"))
RANGE = r"\d+(\u2013\d+)?"
ERRORS = "client:errors:ratio"
P95 = "api:query_seconds:p95"


@cache
def recorded(path: Path) -> History:
    return archive.load(path)


def judged(history: History) -> Verdict:
    """As it was judged when it was lived."""
    told = history.told
    return grade(
        told.truth if told else TRUTH,
        history,
        told.diagnosis if told else diagnosis(),
        vocabulary=Vocabulary.load(),
    )


def drawn(
    history: History, acts: Sequence[tuple[float, str]] = (), cited: Iterable[Span] = ()
) -> Figure:
    labelled = [(span, f"E{n}") for n, span in enumerate(cited, 1)]
    return drawing(history, judged(history).order, history.injected_at, acts, labelled)


def with_series(history: History, name: str, *series: Series) -> History:
    return replace(history, signals={**history.signals, name: series})


def seconds(labels: dict[str, str], calm: float | None, ill: float, after: float = 5) -> Series:
    """One that goes from what it is in the calm (None: it is not there) to what it is when ill."""
    times = [T0 + n for n in range(int(ENDED - T0) + 1)]
    points = [(at, ill if at >= INJECTED + after else calm) for at in times]
    known = [(at, value) for at, value in points if value is not None]
    return Series(labels, [at for at, _ in known], [value for _, value in known])


class TestForemost:
    def test_what_is_off_the_most_is_drawn_and_not_what_moved_first(self) -> None:
        """The one moved a moment earlier, the other by a hundred times as much; a statement that
        somebody runs to mend it was not there in the calm."""
        pool = {"pool": "primary"}
        first = seconds({**pool, "query": "photo"}, 0.001, 0.4, after=2)
        telling = seconds({**pool, "query": "user_photos"}, 0.001, 2.0, after=6)
        own = seconds({**pool, "query": "own"}, None, 30, after=200)
        history = with_series(night(), P95, first, own, telling)
        onset = onsets(history)[P95]
        assert onset.labels == first.labels
        shown = foremost(history, onset)
        assert shown is not None
        assert shown.series == telling
        assert (shown.before, shown.extreme) == (0.001, 2.0)
        words = [text.get_text() for text in drawn(history).findobj(Text)]
        assert "user_photos · primary" in words
        assert "2 s" in words

    def test_of_what_falls_it_is_the_lowest(self) -> None:
        """The dead replica, and not one that is well."""
        history = night()
        shown = foremost(history, onsets(history)["nginx:upstream_up"])
        assert shown is not None
        assert (shown.before, shown.extreme) == (1, 0)
        assert called(shown.series.labels) == "api-1"

    def test_what_has_no_series_has_none(self) -> None:
        """And what never was measured after it broke has no worst value."""
        history = night()
        onset = onsets(history)[ERRORS]
        assert foremost(with_series(history, ERRORS), onset) is None
        (one,) = history.signals[ERRORS]
        shown = foremost(with_series(history, ERRORS, one.between(T0, INJECTED - 1)), onset)
        assert shown is not None
        assert shown.extreme is None


def test_no_line_leads_across_what_was_not_measured() -> None:
    """Neither that of the series nor that of those beside it."""
    hole = (INJECTED + 60, INJECTED + 90)
    history = night()
    signals = {
        name: tuple(
            Series(
                one.labels,
                *zip(
                    *(
                        (at, value)
                        for at, value in zip(one.times, one.values, strict=True)
                        if not hole[0] < at < hole[1]
                    ),
                    strict=True,
                ),
            )
            for one in series
        )
        for name, series in history.signals.items()
    }
    figure = drawn(replace(history, signals=signals))
    lines = [line for ax in figure.axes[1:] for line in ax.lines if len(line.get_xdata()) > 100]
    assert len(lines) > 10
    for line in lines:
        points = list(zip(line.get_xdata(), line.get_ydata(), strict=True))
        assert all(
            later - earlier <= 3 or math.isnan(one) or math.isnan(other)
            for (earlier, one), (later, other) in pairwise(points)
        )
        assert any(math.isnan(value) for _, value in points)


def test_one_measured_point_is_seen() -> None:
    """A line has two ends: what stands alone is a dot."""
    history = night()
    (one,) = history.signals[ERRORS]
    calm = one.between(T0, INJECTED)
    alone = Series(one.labels, [*calm.times, INJECTED + 100], [*calm.values, 0.5])
    figure = drawn(with_series(history, ERRORS, alone))
    dots = [
        line
        for ax in figure.axes
        for line in ax.lines
        if line.get_marker() == "." and list(line.get_xdata()) == [100]
    ]
    assert len(dots) == 1


# -- words ---------------------------------------------------------------------------------------


def words_of(figure: Figure) -> list[tuple[str, Bbox, bool]]:
    """What is written, where, and whether it names a turn."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]
    return [
        (one.get_text(), one.get_window_extent(canvas.get_renderer()), isinstance(one, Annotation))
        for one in shown
    ]


def held_to(figure: Figure) -> None:
    """Whole, and none on another."""
    words = words_of(figure)
    whole = figure.bbox
    for text, box, _ in words:
        assert box.x0 >= whole.x0, f"{text} is cut off at the left"
        assert box.x1 <= whole.x1, f"{text} is cut off at the right"
        assert box.y1 <= whole.y1, f"{text} is cut off above"
    for (text, box, _), (other, another, _) in combinations(words, 2):
        # The letters' own boxes have some air.
        inner = Bbox.from_extents(box.x0 + 1, box.y0 + 2, box.x1 - 1, box.y1 - 2)
        assert not inner.overlaps(another), f"{text} is on {other}"


@pytest.mark.parametrize("path", NIGHTS, ids=lambda path: f"{path.parent.name}-{path.stem[:6]}")
def test_every_word_is_whole(path: Path) -> None:
    """Of recorded nights, whatever happened in them and whatever their statements are called."""
    history = recorded(path)
    events = [event for event in history.events if event.kind in ("claimed", "action", "diagnosed")]
    acts = [(event.at, str(n)) for n, event in enumerate(sorted(events, key=lambda e: e.at), 1)]
    held_to(drawn(history, acts, [receipt.window for receipt in history.receipts[:1]]))


def test_words_are_whole_where_there_is_much_to_say() -> None:
    """Long labels, five citations of the same minutes and at the end of the night, and turns that
    follow each other closely up to the end."""
    labels = {"server": "postgres-primary", "statement": "select * from photos where user_id"}
    history = with_series(night(), P95, seconds(labels, 0.00001, 3.2))
    at = ENDED - 12
    crowd = (
        Event(INJECTED + 2, "injected", "kill_container"),
        Event(at - 20, "action", "docker compose start api-2"),
        Event(at, "recovered"),
        Event(at + 3, "injected", "drop_index"),
    )
    history = replace(history, events=(*history.events, *crowd))
    minutes = Span(INJECTED, INJECTED + 60)
    cited = [*[minutes] * 3, Span(ENDED - 30, ENDED), Span(T0, ENDED)]
    held_to(drawn(history, [], cited))


@pytest.mark.parametrize("many", [3, MOST_ACTS, 60, 200])
def test_acts_are_told_apart_however_many_there_are(many: int) -> None:
    """Each has its number; of very many, neighbours share one."""
    for spread in (ENDED - INJECTED, 40.0):
        acts = [(INJECTED + n * spread / many, str(n + 1)) for n in range(many)]
        figure = drawn(night(), acts)
        held_to(figure)
        said = [text for text, *_ in words_of(figure) if re.fullmatch(RANGE, text)]
        known = {int(one) for text in said for one in re.findall(r"\d+", text)}
        assert {1, many} <= known


# -- turns ---------------------------------------------------------------------------------------


def kinds(history: History) -> list[tuple[str, int]]:
    return [(turn.kind, round(turn.at - INJECTED)) for turn in turns(history)]


def bumped(*spans: tuple[float, float]) -> History:
    """The night, in which customers got errors once more."""
    history = night()
    (one,) = history.signals[ERRORS]
    again = [
        0.4 if any(start <= at <= end for start, end in spans) else value
        for at, value in zip(one.times, one.values, strict=True)
    ]
    return with_series(history, ERRORS, replace(one, values=again))


def test_the_last_act_is_on_the_clock() -> None:
    """What was done before it held; looking is no act, and what comes after has not mended it."""
    later = Event(RECOVERED + 5, "action", "docker compose restart nginx")
    look = Event(RECOVERED - 5, "action", "docker compose ps")
    history = replace(night(), events=(*night().events, later, look))
    assert [one for one in turns(history) if one.kind == "acted"] == [
        replace(turns(night())[3], kind="acted")
    ]
    assert kinds(history) == [
        ("broke", 0),
        ("breached", 9),
        ("paged", 41),
        ("acted", 270),
        ("recovered", 310),
    ]


def test_the_second_blow_and_what_it_does_are_on_the_clock(tmp_path: Path) -> None:
    """The same fault once more after a claim is the second blow; another one before it is none.
    What it breaks is told with how long it had held."""
    began = RECOVERED + 30 - INJECTED
    history = bumped((INJECTED + began + 2, INJECTED + began + 8))
    assert history.recovery is not None
    history = replace(
        history,
        events=(
            *history.events,
            Event(INJECTED + 20, "injected", "kill_container"),
            Event(INJECTED + began, "injected", "drop_index"),
        ),
        recovery=replace(
            history.recovery, required_s=20, extra=(Check("x", Outcome.PASS, "again"),)
        ),
    )
    assert [
        one for one in kinds(history) if one[0] in ("broke", "further", "again", "relapsed")
    ] == [
        ("broke", 0),
        ("further", 20),
        ("again", round(began)),
        ("relapsed", round(began) + 2),
    ]
    texts = [text for text, *_ in words_of(drawn(history))]
    assert {"it breaks", "more breaks", "set off once more", "broken again"} <= {*texts}
    html, markdown = story(history, tmp_path)
    for page in (html, markdown.replace("\\_", "_")):
        for said in (
            "Something more broke",
            "What had set it off happened once more",
            "An objective broke again",
        ):
            assert said in page
        assert "The objectives held:" not in page  # that they held again is told already


def test_what_held_and_did_not_last_is_told_with_how_long(tmp_path: Path) -> None:
    """Nobody has noted that it held; that is measured, too."""
    history = bumped((RECOVERED + 25, RECOVERED + 30))
    assert history.recovery is not None
    events = [event for event in history.events if event.kind != "recovered"]
    history = replace(
        history, events=tuple(events), recovery=replace(history.recovery, required_s=20)
    )
    html, _ = story(history, tmp_path)
    assert re.search(r"The objectives held: <[^>]*>for \d+ s", html)
    assert html.index("The objectives held") < html.index("An objective broke again")


def test_a_blip_is_no_relapse() -> None:
    """What is broken for a moment, or so soon that it has not held yet, is no second outage."""
    (whole,) = outages(night())
    assert whole.span.start == pytest.approx(INJECTED + 10, abs=2)
    assert len(outages(bumped((ENDED - 8, ENDED - 7)))) == 1
    assert len(outages(bumped((RECOVERED + 5, RECOVERED + 9)))) == 1
    assert outages(replace(night(), objectives=())) == ()


# -- one sum -------------------------------------------------------------------------------------


def story(history: History, folder: Path, hints: Sequence[int] = ()) -> tuple[str, str]:
    verdict = grade(TRUTH, history, diagnosis(), vocabulary=vocabulary(), hints_used=hints)
    paths = write_report(history, verdict, ScenarioText("", ""), folder, vocabulary=vocabulary())
    return paths.html.read_text(), paths.markdown.read_text()


def test_a_report_has_one_sum(tmp_path: Path) -> None:
    """Hints are in it everywhere: in the points, in why they are enough, and in the arithmetic."""
    history = citing(night(), *GOOD_EVIDENCE)
    html, markdown = story(history, tmp_path, hints=[5, 10])
    (points,) = re.findall(r'class="more">(\d+) of \d+ points', html)
    assert re.findall(r"(\d+) points; \d+ are needed", html) == [points]
    assert re.findall(r"points +(\d+) of", html) == [points]
    assert {*re.findall(r"(\d+) of \d+ points", markdown)} == {points}
