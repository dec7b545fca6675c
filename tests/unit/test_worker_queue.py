"""What lies in the queue may be anything: only tasks are taken, and only their ages count."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from darkroom_worker.messages import enqueued_at, is_task
from hypothesis import given
from hypothesis import strategies as st

NOW = time.time()
KWARGS = {"photo_id": 7, "job_id": "j", "request_id": "r", "enqueued_at": NOW}


def entry(kwargs: object = KWARGS, **changes: Any) -> bytes:
    """A task as the API sends it, or nearly."""
    body = base64.b64encode(json.dumps([[], kwargs, {}]).encode()).decode()
    message = {
        "body": body,
        "headers": {"task": "darkroom.process_photo", "id": "j"},
        "properties": {"delivery_tag": "t", "delivery_info": {}, "body_encoding": "base64"},
    }
    return json.dumps({**message, **changes}).encode()


def test_a_task_is_taken_and_its_age_known() -> None:
    """Waiting, or taken by a worker and wrapped in a list."""
    assert is_task(entry())
    assert enqueued_at(entry()) == NOW
    assert enqueued_at(b"[" + entry() + b', "", "photos"]', taken=True) == NOW


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b"null",
        b"7",
        b"[" * 100_000,
        b'{"__type__": "zz", "__value__": 3}',
        entry(body="%%%"),
        entry(body=None),
        entry(headers={}),
        entry(properties={}),
        entry(properties=[]),
        entry({**KWARGS, "photo_id": "7"}),
        entry([]),
        entry(None),
    ],
)
def test_what_is_no_task_is_known_for_it(other: bytes) -> None:
    """Celery would end for it, or lose it without a word."""
    assert not is_task(other)


@pytest.mark.parametrize("when", ["soon", None, -1, 0, 1e300, "nan", "inf", NOW + 1e6, [], {}])
def test_an_impossible_age_is_none(when: object) -> None:
    """No clock says so, and a sweep that counts back from it would fail or sweep everything."""
    assert enqueued_at(entry({**KWARGS, "enqueued_at": when})) is None


@given(st.one_of(st.binary(), st.text().map(str.encode), st.recursive(
    st.none() | st.integers() | st.text() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["body", "headers", "properties", "x"]), inner),
).map(lambda value: json.dumps(value).encode())), st.booleans())  # fmt: skip
def test_any_entry_has_an_age_or_none(other: bytes, taken: bool) -> None:
    """The sweep asks it of everything that lies there."""
    assert enqueued_at(other, taken=taken) is None
    assert not is_task(other)
