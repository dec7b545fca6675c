"""Histories survive the disk."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import replace

import pytest

from lab.archive import load, recordable, save
from lab.errors import BadInput
from lab.history import Outcome, Told
from lab.series import Series, Span
from tests.unit.histories import ENDED, GOOD_EVIDENCE, T0, TRUTH, citing, diagnosis, night


@pytest.mark.parametrize("name", ["night.json", "night.json.gz"])
def test_a_history_survives_the_disk(tmp_path, name):
    """What is loaded equals what was saved, to the last digit, plain and gzipped."""
    history = citing(night(), *GOOD_EVIDENCE)
    save(history, tmp_path / name)
    assert load(tmp_path / name) == history
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_history_is_compact(tmp_path):
    """A whole night with every signal of the catalogue takes less than 300 kB."""
    save(night(), tmp_path / "night.json.gz")
    assert (tmp_path / "night.json.gz").stat().st_size < 300_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1, 2",
        b'{"format": 99, "history": {}}',
        b'{"format": 1, "history": null}',
        b'{"format": 1, "history": {"incident": "1"}}',
        b'{"format": 1, "history": {"signals": {"x": [{"labels": {}, "times": {}, "values": 3}]}}}',
    ],
)
def test_what_is_no_history_is_refused(tmp_path, content):
    """A file that is no history, or half of one, is bad input that names the file."""
    path = tmp_path / "odd.json"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"odd\.json"):
        load(path)


def test_a_damaged_archive_is_refused(tmp_path):
    """A truncated gzip file is bad input, and so is a missing one."""
    path = tmp_path / "night.json.gz"
    path.write_bytes(gzip.compress(b'{"format": 1}')[:-9])
    with pytest.raises(BadInput, match="damaged"):
        load(path)
    with pytest.raises(BadInput, match="cannot be read"):
        load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"times": {"start": T0, "step": 1, "count": 10**9}}, "other times than values"),
        ({"values": [1, float("nan")] * 203}, "was never measured"),
        ({"values": ["1"] * 406}, "values that are no numbers"),
        ({"values": [True] * 406}, "values that are no numbers"),
        ({"labels": {"service": 1}}, "labels that are no words"),
        ({"times": [T0 - at for at in range(406)]}, "goes back in time"),
        ({"times": [1e18] * 406}, "such as no calendar shows"),
    ],
)
def test_a_series_that_nobody_can_have_measured_is_refused(tmp_path, changes, why):
    """In words, and before it takes memory or a verdict is made of it."""
    path = tmp_path / "night.json"
    save(night(), path)
    document = json.loads(path.read_text())
    document["history"]["signals"]["queue:depth"][0] |= changes
    path.write_text(json.dumps(document))
    with pytest.raises(BadInput, match=why):
        load(path)


def test_a_bomb_is_not_unpacked(tmp_path):
    """A few kilobytes that become gigabytes, of bytes or of lists, are refused on the way; and a
    night with more samples than any has."""
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b"0" * 2**28, 1))
    with pytest.raises(BadInput, match="more than 48 MiB once it is unpacked"):
        load(path)
    path.write_bytes(gzip.compress(b'{"format": 1, "history": [' + b"[]," * 1_200_000 + b"0]}", 1))
    with pytest.raises(BadInput, match="more than 1000000 lists and words"):
        load(path)
    several = tuple(
        Series({"n": str(one)}, [T0 + one / 3000 + at for at in range(10)], [0.0] * 10)
        for one in range(700)
    )
    save(replace(night(), signals={"queue:depth": several}), path)
    with pytest.raises(BadInput, match="more than 4000000 samples"):
        load(path)


def test_ones_own_nights_may_be_as_long_as_they_were(tmp_path):
    """Somebody has left it on for a day: that is no reason to have no verdict."""
    several = tuple(
        Series({"n": str(one)}, [T0 + one / 3000 + at for at in range(10)], [0.0] * 10)
        for one in range(700)
    )
    history = replace(night(), signals={"queue:depth": recordable(several)})
    save(history, tmp_path / "night.json.gz")
    assert load(tmp_path / "night.json.gz", own=True) == history


@pytest.mark.parametrize("name", ["../../x", "..", "a/b", "a\\b", ".x", "", "a\nb"])
def test_a_night_has_a_name_and_no_way(tmp_path, name):
    """It becomes a file's: `lab replay --now` writes one."""
    path = tmp_path / "night.json"
    save(replace(night(), incident=name), path)
    with pytest.raises(BadInput, match="incident"):
        load(path)


def test_recordable_series_are_short_and_finite():
    """Recording rounds to six digits and leaves out what is not finite."""
    raw = Series(
        {"__name__": "x", "b": "2", "a": "1"},
        [1.0, 2.0, 3.0, 4.0, 5.0],
        [1 / 3, math.inf, 2e9 / 3, math.nan, 1e200],
    )
    (kept,) = recordable([raw])
    assert kept == Series({"a": "1", "b": "2"}, (1.0, 3.0), (0.333333, 666667000.0))


def test_outcomes_combine():
    """One failure decides, one unknown leaves it open, nothing at all passes."""
    yes, no, unknown = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
    assert Outcome.all([yes, unknown, no]) is no
    assert Outcome.all([yes, unknown]) is unknown
    assert Outcome.all([yes]) is yes
    assert [Outcome.of(one) for one in (True, False, None)] == [yes, no, unknown]


def test_events_are_found_by_kind():
    """The first and the last event of a kind are found, and none is None."""
    history = night()
    actions = history.of_kind("action")
    assert (history.first("action"), history.last("action")) == (actions[0], actions[-1])
    assert history.first("relapsed") is None


def test_whether_the_lab_could_see():
    """A stretch is recorded when any signal has a sample in it."""
    assert night().recorded(Span(ENDED - 1, ENDED))
    assert not night().recorded(Span(T0 - 100, T0 - 50))


def test_a_history_carries_what_it_was_judged_by(tmp_path):
    """Truth, diagnosis, hints and the services' last lines survive the disk, too."""
    told = Told(TRUTH, diagnosis(), hints_used=(5, 10), revisions=1)
    history = replace(night(), told=told, logs={"nginx": ("upstream timed out",)})
    save(history, tmp_path / "night.json.gz")
    assert load(tmp_path / "night.json.gz") == history


def test_a_history_from_before_lateness_was_measured_loads(tmp_path):
    """How late customers were begun is not known of it, and nothing else is different."""
    path = tmp_path / "night.json"
    save(night(), path)
    document = json.loads(path.read_text())
    assert document["history"]["recovery"]["load"].pop("late_s", 1) is None
    path.write_text(json.dumps(document))
    assert load(path) == night()
