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


def test_recordable_series_are_short_and_finite():
    """Recording rounds to six digits and leaves out what is not finite."""
    raw = Series({"__name__": "x", "b": "2", "a": "1"}, [1.0, 2.0, 3.0], [1 / 3, math.inf, 2e9 / 3])
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
