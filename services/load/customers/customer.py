"""What a customer does with a visit: the requests, the memory, the ledger."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import gevent

from customers.browser import Answer, Browser
from customers.expectations import DONE, Expectations, Own, is_jpeg, likes, photo_status
from customers.ledger import Entry, Page
from customers.pictures import sign
from customers.visits import JOB, Visit

#: The files of a published photo; customers look at thumbnails most.
FILES = ("thumb", "thumb", "thumb", "240", "480", "720", "1080", "1600")

#: Share of the uploads that are sent again, once, when they failed to connect or met a 503.
RETRIED = 0.7

#: Share of the uploads that an impatient finger sends twice at once.
SENT_TWICE = 0.02

#: Share of the visits to a photo or a profile that are somebody's look at what they just wrote.
OWN_LOOK = 0.05

#: Seconds after which an accepted photo is to be there. Its owner looks then, once.
APPEARS_S = 10.0

#: What comes of an answer that is there, and is not what was asked for.
WRONG = "wrong"


@dataclass
class Memory:
    """What the customers of one run remember; bounded, the oldest is forgotten first."""

    unsure: deque[Entry] = field(default_factory=lambda: deque(maxlen=300))
    published: deque[int] = field(default_factory=lambda: deque(maxlen=300))
    recent: deque[Own] = field(default_factory=lambda: deque(maxlen=50))
    expectations: Expectations = field(default_factory=Expectations)


@dataclass(frozen=True)
class Customers:
    """All customers of one run: they share the browser, the pictures, memory and ledger.

    `repeated` is told why a request is sent again: connection, 503 or twice; `looked_for`, once for
    each accepted photo whose owner got an answer, whether it was there in time.
    """

    browser: Browser
    page: Page
    pictures: list[bytes]
    run_id: str
    repeated: Callable[[str], None]
    looked_for: Callable[[bool], None]
    memory: Memory = field(default_factory=Memory)

    def _settle(self, visit: Visit) -> tuple[Visit, Own | None]:
        """The visit as it will be carried out, in the light of what the customers remember, and
        what of their own they look for."""
        memory = self.memory
        if visit.operation == "media":
            if memory.unsure and (visit.chance < 0.5 or not memory.published):
                return _as(visit, JOB), None
            if not memory.published:
                return _as(visit, "photo"), None
        own_look = visit.chance < OWN_LOOK and memory.recent
        if visit.operation in ("photo", "user_photos") and own_look:
            own = memory.recent[int(visit.chance / OWN_LOOK * len(memory.recent))]
            if own.likes is not None:  # of somebody else's, so not among their photos
                return Visit("photo", own.user_id, own.photo_id, visit.chance), own
            subject = own.photo_id if visit.operation == "photo" else own.user_id
            return Visit(visit.operation, own.user_id, subject, visit.chance), own
        return visit, None

    def carry_out(self, visit: Visit, report: Callable[[str, str], None]) -> None:
        """Make the visit, and `report` its operation and outcome as soon as they are known.

        Raises OSError, unreported, when an acknowledged write cannot be put on record.
        """
        visit, own = self._settle(visit)
        if visit.operation == "upload":
            self._upload(visit, lambda outcome: report("upload", outcome))
        elif visit.operation == "like":
            report("like", self._like(visit))
        elif visit.operation == JOB:
            report(JOB, self._ask_for_job())
        elif visit.operation == "media":
            photo = self.memory.published[int(visit.chance * len(self.memory.published))]
            name = FILES[int(visit.chance * 1_000_003) % len(FILES)]
            answer = self.browser.ask("GET", f"/media/{photo}/{name}.jpg")
            report("media", _if_good(answer, is_jpeg(answer.body)).outcome)
        else:
            report(visit.operation, self._look(visit, own).outcome)

    def _look(self, visit: Visit, own: Own | None) -> Answer:
        answer = self._ask("GET", _PATHS[visit.operation].format(visit.subject), visit)
        if answer.outcome != "ok":
            return answer
        expected = self.memory.expectations
        now = time.monotonic()
        return _if_good(answer, expected.page(visit, answer.body, own=own, now=now))

    def _ask(self, method: str, path: str, visit: Visit) -> Answer:
        return self.browser.ask(method, path, headers={"X-User-Id": str(visit.user_id)})

    def _like(self, visit: Visit) -> str:
        sent = time.monotonic()
        answer = self._ask("PUT", f"/api/photos/{visit.subject}/like", visit)
        now = likes(visit.subject, answer.body)
        answer = _if_good(answer, now is not None)
        if answer.outcome == "ok":
            self.memory.recent.append(Own(visit.user_id, visit.subject, sent, now))
            self.page.add(
                Entry(
                    at=_now(),
                    kind="like",
                    user_id=visit.user_id,
                    photo_id=visit.subject,
                    request_id=answer.request_id,
                    run_id=self.run_id,
                )
            )
        return answer.outcome

    def _upload(self, visit: Visit, report: Callable[[str], None]) -> None:
        rng = random.Random(visit.chance)
        key = f"{self.run_id}-{rng.getrandbits(64):016x}"
        picture = sign(rng.choice(self.pictures), key)
        headers, body = _form(picture, title=f"Night walk {rng.randrange(10_000)}", boundary=key)
        headers |= {"X-User-Id": str(visit.user_id), "Idempotency-Key": key}

        def send() -> Answer:
            return self.browser.ask("POST", "/api/photos", headers=headers, body=body)

        sent = time.monotonic()
        second: gevent.Greenlet | None = None
        if rng.random() < SENT_TWICE:
            self.repeated("twice")
            second = gevent.spawn(send)
        answer = send()
        if (answer.outcome == "connection" or answer.status == 503) and rng.random() < RETRIED:
            self.repeated("503" if answer.status == 503 else "connection")
            gevent.sleep(rng.uniform(0.2, 0.8))
            answer = send()
        report(self._record(answer, visit, key, sent))
        if second is not None:
            # No arrival of its own, so no outcome; but an acknowledgement goes on record.
            self._record(second.get(), visit, key, sent)

    def _record(self, answer: Answer, visit: Visit, key: str, sent: float) -> str:
        """Put an acknowledged upload on record; returns the outcome."""
        if answer.outcome != "ok":
            return answer.outcome
        acknowledged = self.memory.expectations.acknowledged(key, answer.body)
        if acknowledged is None:
            return WRONG
        photo, job = acknowledged
        entry = Entry(
            at=_now(),
            kind="upload",
            user_id=visit.user_id,
            photo_id=photo,
            request_id=answer.request_id,
            run_id=self.run_id,
            job_id=job,
            idempotency_key=key,
        )
        self.page.add(entry)
        self.memory.unsure.append(entry)
        self.memory.recent.append(Own(visit.user_id, photo, sent))
        # Nobody arrives for it, and whether it is answered well is no outcome of a visit.
        gevent.spawn_later(APPEARS_S, self._look_for, entry)
        return "ok"

    def _look_for(self, upload: Entry) -> None:
        """Look whether a photo is there; who gets no answer does not know."""
        _, status = self._job(upload)
        if status is not None:
            self.looked_for(status in DONE)

    def _ask_for_job(self) -> str:
        """Ask whether the upload that has waited longest is published."""
        upload = self.memory.unsure.popleft()
        answer, status = self._job(upload)
        if status == "ready":
            self.memory.published.append(upload.photo_id)
        elif status in (None, "processing"):
            self.memory.unsure.append(upload)
        return answer.outcome

    def _job(self, upload: Entry) -> tuple[Answer, str | None]:
        """What is said of an upload, and the status of its photo; None where that is not said."""
        headers = {"X-User-Id": str(upload.user_id)}
        answer = self.browser.ask("GET", f"/api/jobs/{upload.job_id}", headers=headers)
        if answer.outcome != "ok":
            return answer, None
        status = photo_status(upload.photo_id, str(upload.job_id), answer.body)
        return _if_good(answer, status is not None), status


_PATHS = {
    "feed": "/api/feed",
    "photo": "/api/photos/{}",
    "user": "/api/users/{}",
    "user_photos": "/api/users/{}/photos",
    "album": "/api/albums/{}",
    "circle": "/api/users/{}/circle",
}


def _as(visit: Visit, operation: str) -> Visit:
    return Visit(operation, visit.user_id, visit.subject, visit.chance)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _if_good(answer: Answer, good: bool) -> Answer:
    """The answer, or that it was wrong; what failed stays as it failed."""
    return answer if good or answer.outcome != "ok" else replace(answer, outcome=WRONG)


def _form(picture: bytes, *, title: str, boundary: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of the upload form (multipart/form-data, RFC 7578)."""
    body = b"".join(
        (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="title"\r\n\r\n'
            f"{title}\r\n"
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="image"; filename="photo.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n".encode(),
            picture,
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body
