"""What customers take for a good answer, whatever its status says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from customers.expectations import Expectations, Own, is_jpeg, likes, photo_status
from customers.visits import CIRCLE, Visit

USER, OTHERS, STAR, LONELY = 7, (11, 12, 13, 14, 15), 10, 49_000


def items(*photos: int, of: int = 3) -> list[dict[str, Any]]:
    return [
        {"id": photo, "user_id": of, "created_at": f"2026-10-01T00:00:{photo % 60:02d}Z"}
        for photo in photos
    ]


def photo(number: int, *, viewer: int = USER, **other: Any) -> dict[str, Any]:
    link = f"/media/{number}/1600.jpg?expires=1&signature={viewer}"
    shown = {"id": number, "user_id": 3, "title": "Rain", "status": "ready", "likes": 2}
    return {**shown, "download": {"url": link}, **other}


#: operation -> subject, and what is a good page of it for USER.
GOOD: dict[str, tuple[int, dict[str, Any]]] = {
    "photo": (5, photo(5)),
    "user": (3, {"id": 3, "handle": "dana3"}),
    "user_photos": (3, {"items": items(9, 8, 2)}),
    "album": (6, {"id": 6, "user_id": 3, "items": items(9, 4)}),
    "feed": (0, {"items": items(9, 8) + items(4, of=5)}),
    CIRCLE: (STAR, {"items": items(8, 9)}),
}


def good(operation: str, shown: object, *, subject: int | None = None, user: int = USER) -> bool:
    wanted = GOOD[operation][0] if subject is None else subject
    body = shown if isinstance(shown, bytes) else json.dumps(shown).encode()
    return Expectations().page(Visit(operation, user, wanted, 0.5), body)


@pytest.mark.parametrize("operation", GOOD)
def test_what_was_asked_for_is_good(operation: str) -> None:
    """A page of the right thing, in the right order."""
    assert good(operation, GOOD[operation][1])


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b"ok", b'{"items": []}', b"<html>503</html>", b'{"id": null}'],
)
def test_an_empty_answer_or_an_error_page_is_not(operation: str, body: bytes) -> None:
    """Whatever its status was."""
    assert not good(operation, body)


@pytest.mark.parametrize("operation", ["photo", "user", "user_photos", "album"])
def test_another_thing_than_what_was_asked_for_is_not(operation: str) -> None:
    """One page for everybody is right for one of them at most."""
    subject, shown = GOOD[operation]
    assert not good(operation, shown, subject=subject + 20)


def test_a_list_is_newest_first_also_where_fractions_are_left_out() -> None:
    """A whole second is written without a fraction, and sorts by time, not by letters."""
    late, early = items(9)[0], items(8)[0]
    late["created_at"], early["created_at"] = "2026-10-01T00:00:01.5Z", "2026-10-01T00:00:01Z"
    assert good("user_photos", {"items": [late, early]})
    assert not good("user_photos", {"items": [early, late]})


@pytest.mark.parametrize("operation", ["feed", CIRCLE])
def test_a_page_made_for_one_is_not_everybodys(operation: str) -> None:
    """Two may follow the same people; of many with the very same page all but a few got a copy.
    Whoever looks again sees it again."""
    expected = Expectations()
    shown = json.dumps(GOOD[operation][1]).encode()

    def look(whose: int) -> bool:
        return expected.page(Visit(operation, whose, whose, 0.5), shown)

    assert all(look(OTHERS[0]) for _ in range(20))
    assert [look(one) for one in OTHERS] == [True, True, True, False, False]


def test_a_star_has_a_circle_and_nobody_else_need_have_one() -> None:
    """An empty one is an answer where nobody follows."""
    assert good(CIRCLE, {"items": []}, subject=LONELY)
    assert not good(CIRCLE, {"items": []}, subject=STAR)


def test_leave_to_download_is_given_to_one_viewer() -> None:
    """A link that somebody else was given is a copy of their page; without one, half a page."""
    expected = Expectations()
    mine = json.dumps(photo(5)).encode()
    assert expected.page(Visit("photo", USER, 5, 0.5), mine)
    assert expected.page(Visit("photo", USER, 5, 0.5), mine)
    assert not expected.page(Visit("photo", OTHERS[0], 5, 0.5), mine)
    assert not good("photo", photo(5, download=None))


def test_only_its_author_sees_what_is_not_published() -> None:
    """And there is nothing to download of it."""
    hidden = photo(5, status="processing", download=None)
    assert good("photo", hidden, user=3)
    assert not good("photo", hidden)


def look_for(own: Own, shown: object, *, later: float) -> bool:
    operation = "photo" if own.likes is not None else "user_photos"
    subject = own.photo_id if own.likes is not None else own.user_id
    visit = Visit(operation, own.user_id, subject, 0.5)
    body = json.dumps(shown).encode()
    return Expectations().page(visit, body, own=own, now=own.at + later)


def test_an_own_upload_is_seen_at_once() -> None:
    """For as long as that is promised; a page full of later ones hides it."""
    own = Own(user_id=3, photo_id=30, at=100.0)
    assert look_for(own, {"items": items(31, 30, 2)}, later=1)
    assert not look_for(own, {"items": items(9, 8)}, later=1)
    assert look_for(own, {"items": items(9, 8)}, later=11)
    assert look_for(own, {"items": items(*range(59, 39, -1))}, later=1)


def test_an_own_like_is_counted_at_once() -> None:
    """No fewer like it than were told to whoever liked it."""
    own = Own(user_id=USER, photo_id=5, at=100.0, likes=3)
    assert look_for(own, photo(5, likes=4), later=1)
    assert not look_for(own, photo(5, likes=2), later=1)
    assert look_for(own, photo(5, likes=2), later=11)


def test_an_acknowledgement_is_of_this_upload() -> None:
    """The same for the same key, as often as it is sent; for another key it is worth nothing."""
    expected = Expectations()
    said = json.dumps({"photo_id": 30, "job_id": "j"}).encode()
    assert expected.acknowledged("mine", said) == (30, "j")
    assert expected.acknowledged("mine", said) == (30, "j")
    assert expected.acknowledged("another", said) is None
    assert expected.acknowledged("third", b"{}") is None


def test_what_is_said_of_a_like_a_job_and_a_picture() -> None:
    """Each must speak of what was asked for, and be whole."""
    assert likes(5, b'{"photo_id": 5, "liked": true, "likes": 3}') == 3
    assert likes(5, b'{"photo_id": 6, "liked": true, "likes": 3}') is None
    assert likes(5, b"{}") is None
    job = b'{"photo_id": 5, "job_id": "j", "photo_status": "ready"}'
    assert photo_status(5, "j", job) == "ready"
    assert photo_status(6, "j", job) is None
    assert photo_status(5, "j", b"{}") is None
    assert is_jpeg(b"\xff\xd8\xff\xe0 and so on \xff\xd9")
    assert not is_jpeg(b"\xff\xd8\xff\xe0 and so")
    assert not is_jpeg(b"{}")


def test_what_is_remembered_is_bounded() -> None:
    """A run of hours remembers no more than its last minutes."""
    expected = Expectations()
    for number in range(1, 3000):
        body = json.dumps(photo(number, viewer=number)).encode()
        assert expected.page(Visit("photo", USER, number, 0.5), body)
        expected.acknowledged(str(number), json.dumps({"photo_id": number, "job_id": "j"}).encode())
    assert max(len(expected.links), len(expected.uploads)) <= 1000
