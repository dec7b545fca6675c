"""The customers' ledger, their pictures, and what the control API accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from customers.ledger import Entry, Ledger
from customers.pictures import sign
from customers.settings import Change, Refused, Settings
from customers.visits import Interests
from hypothesis import given
from hypothesis import strategies as st

LIKE = Entry("2026-11-01T03:00:00+00:00", "like", 7, 42, "r1", "run1")
UPLOAD = Entry("2026-11-01T03:00:01+00:00", "upload", 7, 43, "r2", "run1", "j", "k")


def test_an_entry_is_on_the_volume_when_add_returns(tmp_path: Path) -> None:
    """Another process reads at once what was added, one JSON object a line."""
    page = Ledger(tmp_path / "deep" / "ledger").open("run1")
    page.add(LIKE)
    page.add(UPLOAD)
    other = Ledger(tmp_path / "deep" / "ledger")
    lines = [json.loads(line) for line in b"".join(other.read("run1")).splitlines()]
    assert [line["photo_id"] for line in lines] == [42, 43]
    assert "job_id" not in lines[0]
    assert lines[1]["idempotency_key"] == "k"


def test_the_ledger_of_all_runs_has_the_pages_of_each(tmp_path: Path) -> None:
    """Without a run's name, every run's entries are read; with it, only that run's."""
    ledger = Ledger(tmp_path)
    for run in ("b", "a"):
        ledger.open(run).add(LIKE)
    assert len(b"".join(ledger.read()).splitlines()) == 2
    assert len(b"".join(ledger.read("a")).splitlines()) == 1
    assert ledger.has("a")
    assert not ledger.has("c")


def test_a_reader_ends_although_the_run_goes_on(tmp_path: Path) -> None:
    """What is added while somebody reads is not part of that reading."""
    ledger = Ledger(tmp_path)
    page = ledger.open("a")
    for _ in range(2000):
        page.add(UPLOAD)
    read = b""
    for chunk in ledger.read("a"):
        page.add(UPLOAD)
        read += chunk
    assert len(read.splitlines()) == 2000
    assert read.endswith(b"\n")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", "a.b"])
def test_a_run_id_is_no_path(tmp_path: Path, name: str) -> None:
    """A run's id cannot lead out of the ledger's directory."""
    with pytest.raises(ValueError, match="no run id"):
        Ledger(tmp_path).has(name)


JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xdbrest"


def test_signed_pictures_differ_in_bytes_only() -> None:
    """The comment goes after JFIF's own segment; everything else stays as it was."""
    one, other = sign(JPEG, "one"), sign(JPEG, "two")
    assert one != other
    assert one == b"\xff\xd8\xff\xe0\x00\x04ab\xff\xfe\x00\x05one\xff\xdbrest"


@pytest.mark.parametrize(("picture", "signature"), [(b"GIF89a", "x"), (JPEG, "x" * 65_534)])
def test_what_cannot_be_signed_is_refused(picture: bytes, signature: str) -> None:
    """No JPEG, or a comment that no segment can hold."""
    with pytest.raises(ValueError, match=r"JFIF|comment"):
        sign(picture, signature)


def test_a_run_needs_rate_and_duration_and_may_have_a_seed() -> None:
    """The seed is 0 unless it is given."""
    assert Settings.parse({"rate": 60, "duration_s": 90}) == Settings(60, 90, 0)
    assert Settings.parse({"rate": 0.5, "duration_s": 7200, "seed": 9}).seed == 9
    assert Settings.parse({"rate": 60, "duration_s": 90, "focus": 0.8}) == Settings(
        60, 90, interests=Interests(focus=0.8)
    )
    assert Change.parse({"rate": 80}) == Change(rate=80)
    assert Change.parse({"focus": 0}) == Change(interests={"focus": 0})


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "60",
        {},
        {"rate": 60},
        {"rate": 0, "duration_s": 10},
        {"rate": -1, "duration_s": 10},
        {"rate": 2001, "duration_s": 10},
        {"rate": 60, "duration_s": 7201},
        {"rate": True, "duration_s": 10},
        {"rate": "60", "duration_s": 10},
        {"rate": float("nan"), "duration_s": 10},
        {"rate": float("inf"), "duration_s": 10},
        {"rate": None, "duration_s": 10},
        {"rate": 60, "duration_s": 10, "seed": 1.5},
        {"rate": 60, "duration_s": 10, "seed": -1},
        {"rate": 60, "duration_s": 10, "focus": 1.1},
        {"rate": 60, "duration_s": 10, "users": 5},
    ],
)
def test_a_run_that_makes_no_sense_is_refused_with_422(body: object) -> None:
    """Missing, unknown, mistyped or out of bounds: each is told, none starts a run."""
    with pytest.raises(Refused) as refusal:
        Settings.parse(body)
    assert refusal.value.status == 422
    assert refusal.value.detail


@pytest.mark.parametrize("body", [{}, {"seed": 1}, {"rate": 0}, {"duration_s": 0}, 5])
def test_a_change_that_makes_no_sense_is_refused_with_422(body: object) -> None:
    """A seed cannot change while a run is under way, nor can nothing."""
    with pytest.raises(Refused) as refusal:
        Change.parse(body)
    assert refusal.value.status == 422


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_no_value_of_json_gets_past_the_bounds(value: object) -> None:
    """Whatever is given as a rate is either a number within the bounds or refused."""
    try:
        settings = Settings.parse({"rate": value, "duration_s": 10})
    except Refused as refusal:
        assert refusal.status == 422  # noqa: PT017 - either outcome is fine, nothing else is
    else:
        assert 0.1 <= settings.rate <= 2000
