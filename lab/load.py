"""The one door to the customers: start, change, stop and watch them, and read their ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from lab.errors import BadInput, LabError, Unknown
from lab.waiting import waiting

if TYPE_CHECKING:
    import httpx

LEAST_RATE, MOST_RATE = 0.1, 1000.0
"""Arrivals a second that can be had. Beyond the most of them one machine measures itself rather
than the stack; the customers would take twice as many (services/load/customers/settings.py)."""

LONGEST_S = 2 * 3600.0
"""How long they stay at most, and how far from now one may ask for more, in seconds."""

MOST_SEED = 2**63 - 1
"""Seeds are whole numbers from 0 to this."""

TIMEOUT = 5.0
"""Seconds for one answer of the control API."""

LEDGER_TIMEOUT = 60.0
"""Seconds for the next piece of the ledger, which may be long."""


class LoadUnavailable(Unknown):
    """The load generator did not answer, or not with an answer."""


class LoadRefused(BadInput):
    """The load generator does not do that: a value out of bounds, or a run in the way.

    `status` is the HTTP status: 409 where the state of the run is the reason.
    """

    def __init__(self, message: str, *, status: int, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


@dataclass(frozen=True, slots=True)
class LoadState:
    """The present run, or the last one.

    Rates are arrivals per second, times ISO 8601 (UTC). `interests` are what brings people here, as
    shares of them: `focus` come for the same few photos, as after a link from outside, `fans` for
    the circles of a few stars, `uploads` bring a photo, `roam` look at anything. `intended` counts
    the arrivals that were due, `started` those that began, `completed` those that ended, well or
    not. `outcomes` counts them by ok, wrong (answered, but not what was asked for), http_4xx,
    http_5xx, timeout, connection and dropped (due, but
    never begun: too many were under way). `reason` says why a run was stopped.
    """

    state: Literal["idle", "running", "finished", "stopped"]
    run_id: str | None = None
    seed: int | None = None
    target_rate: float = 0.0
    interests: Mapping[str, float] = field(default_factory=dict)
    started_at: str | None = None
    ends_at: str | None = None
    intended: int = 0
    started: int = 0
    completed: int = 0
    in_flight: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    reason: str | None = None

    @property
    def running(self) -> bool:
        """Whether customers keep arriving."""
        return self.state == "running"

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for `--json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One write that the service acknowledged to a customer, who wrote it down.

    `kind` is upload or like; an upload has a job and an idempotency key. `at` is ISO 8601 (UTC).
    """

    at: str
    kind: Literal["upload", "like"]
    user_id: int
    photo_id: int
    request_id: str
    run_id: str
    job_id: str | None = None
    idempotency_key: str | None = None


class Load:
    """A client of one load generator. Every method raises `LoadUnavailable` where none answers."""

    def __init__(self, url: str | Callable[[], str], *, timeout: float = TIMEOUT) -> None:
        """`url` is its address, or tells it when it is first needed; a `LabError` of that means
        that it does not answer."""
        self._asked = url if callable(url) else lambda: url
        self._timeout = timeout

    @cached_property
    def url(self) -> str:
        """Its address. Raises `LoadUnavailable` where it has none."""
        try:
            return self._asked().rstrip("/")
        except LabError as error:
            raise LoadUnavailable(error.message, remedy=error.remedy) from error

    @cached_property
    def _http(self) -> httpx.Client:
        import httpx

        # No proxy from the environment: the address is on this machine.
        return httpx.Client(base_url=self.url, timeout=self._timeout, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drops the connection; later calls fail."""
        if "_http" in self.__dict__:
            self._http.close()

    def start(self, rate: float, duration_s: float, seed: int, **interests: float) -> LoadState:
        """Let customers arrive: `rate` per second, for `duration_s` seconds (two hours at most).

        Raises `LoadRefused`, with status 409 while another run is under way.
        """
        run = {"rate": rate, "duration_s": duration_s, "seed": seed}
        return self._state("POST", {**run, **interests})

    def set_rate(self, rate: float, **interests: float) -> LoadState:
        """From now on let `rate` customers arrive per second; interests not given stay as they are.

        Raises `LoadRefused`.
        """
        return self._state("PATCH", {"rate": rate, **interests})

    def extend(self, duration_s: float) -> LoadState:
        """Let the run end `duration_s` seconds from now. Raises `LoadRefused`."""
        return self._state("PATCH", {"duration_s": duration_s})

    def stop(self) -> LoadState:
        """Send the customers away; does nothing where there are none.

        Those who are being served are served to the end (`in_flight` tells how many).
        """
        return self._state("DELETE")

    def state(self) -> LoadState:
        """What the customers do now."""
        return self._state("GET")

    def ledger(self, run_id: str | None = None) -> list[Acknowledged]:
        """Every acknowledged write of that run, or of all runs since the last reset, oldest first.

        Raises `LoadRefused` for a run that is not on record, and `LoadUnavailable` for a ledger
        that cannot be read to its end: half a ledger proves nothing.
        """
        import httpx
        from pydantic import TypeAdapter

        entry = TypeAdapter(Acknowledged)
        found: list[Acknowledged] = []
        query = {"run_id": run_id} if run_id is not None else {}
        try:
            stream = self._http.stream("GET", "/ledger", params=query, timeout=LEDGER_TIMEOUT)
            with waiting("the customers' ledger", LEDGER_TIMEOUT), stream as answer:
                if answer.is_error:
                    answer.read()
                    raise self._refusal(answer)
                # Statements are made of these: a number is one, or the line is damaged.
                found.extend(entry.validate_json(line, strict=True) for line in answer.iter_lines())
        except httpx.HTTPError as error:
            raise self._unavailable(error) from error
        except (ValueError, TypeError) as error:
            raise LoadUnavailable(f"line {len(found) + 1} of the ledger is damaged") from error
        return sorted(found, key=lambda entry: entry.at)

    def _state(self, method: str, body: Mapping[str, float] | None = None) -> LoadState:
        import httpx

        try:
            with waiting("the customers", TIMEOUT):
                answer = self._http.request(method, "/run", json=body)
            if answer.is_error:
                raise self._refusal(answer)
            return LoadState(**answer.json())
        except httpx.HTTPError as error:
            raise self._unavailable(error) from error
        except (ValueError, TypeError) as error:
            raise LoadUnavailable(f"what answers at {self.url} is not the customers") from error

    def _refusal(self, answer: httpx.Response) -> BadInput | Unknown:
        try:
            said = str(answer.json()["detail"])
        except (ValueError, TypeError, KeyError):
            said = f"HTTP {answer.status_code}"
        if answer.is_server_error:
            return LoadUnavailable(f"the load generator failed: {said}", remedy=_REMEDY)
        return LoadRefused(f"the load generator refuses: {said}", status=answer.status_code)

    def _unavailable(self, error: Exception) -> LoadUnavailable:
        reason = str(error) or type(error).__name__
        return LoadUnavailable(
            f"the load generator at {self.url} does not answer: {reason}", remedy=_REMEDY
        )


_REMEDY = "look at `lab status`, and at `docker compose logs load`"
