"""The control API: start, change, stop and watch a run; read the ledger and the series."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from flask import Flask, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.exceptions import HTTPException

from customers.customer import Customers
from customers.ledger import Ledger, Page
from customers.metrics import Metrics
from customers.run import Run, State
from customers.settings import Change, Refused, Settings

#: By what it is asked for: on this machine, where its port is published, and in the stack. Another
#: name that leads here belongs to somebody else's page.
HOSTS = ["127.0.0.1", "localhost", "load"]

Crowd = Callable[[str, Page], Customers]


def application(*, metrics: Metrics, ledger: Ledger, crowd: Crowd, most: int) -> Flask:
    """The WSGI application.

    `crowd(run_id, page)` gives the customers of a new run, of whom `most` are served at once.
    """
    app = Flask("customers")
    app.config["TRUSTED_HOSTS"] = HOSTS
    current: list[Run] = []

    def running() -> Run:
        if not current or not current[0].running:
            raise Refused(409, "no run is under way")
        return current[0]

    @app.before_request
    def nobodys_page() -> None:
        if "Origin" in request.headers:
            raise Refused(403, "a web page has no say in who comes")

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok")

    @app.get("/metrics")
    def series() -> Response:
        return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_LATEST)

    @app.get("/run")
    def look() -> Response:
        return jsonify((current[0].state() if current else State("idle")).json())

    @app.post("/run")
    def start() -> tuple[Response, int]:
        settings = Settings.parse(_body())
        if current and current[0].running:
            raise Refused(409, f"run {current[0].id} is under way; change it, or stop it first")
        run = Run(
            rate=settings.rate,
            duration_s=settings.duration_s,
            seed=settings.seed,
            interests=settings.interests,
            most=most,
            metrics=metrics,
        )
        try:
            page = ledger.open(run.id)
        except OSError as error:
            raise Refused(507, f"the ledger cannot be written: {error}") from error
        current[:] = [run]
        run.start(crowd(run.id, page), ended=page.close)
        return jsonify(run.state().json()), 201

    @app.patch("/run")
    def change() -> Response:
        wanted = Change.parse(_body())
        run = running()
        run.change(rate=wanted.rate, duration_s=wanted.duration_s, interests=wanted.interests)
        return jsonify(run.state().json())

    @app.delete("/run")
    def stop() -> Response:
        if current:
            current[0].stop("asked to")
        return look()

    @app.get("/ledger")
    def read() -> Response:
        run_id = request.args.get("run_id")
        if run_id is not None and not (run_id.isalnum() and ledger.has(run_id)):
            raise Refused(404, f"no run {run_id!r} is on record")
        return Response(ledger.read(run_id), content_type="application/x-ndjson")

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        return _problem(error.status, error.detail)

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Response:
        answer = _problem(error.code or 500, error.description or error.name)
        if "Allow" in (headers := error.get_response().headers):
            answer.headers["Allow"] = headers["Allow"]
        return answer

    return app


def _body() -> object:
    """The request's JSON. Raises Refused; also for what does not say that it is JSON, which a
    browser would send for any page without asking."""
    if not request.is_json:
        raise Refused(415, "say that the body is JSON: Content-Type: application/json")
    try:
        return request.get_json()
    except HTTPException as error:
        raise Refused(400, "the body is not JSON") from error


def _problem(status: int, detail: str) -> Response:
    """An error as RFC 9457 has it."""
    answer = jsonify(
        type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail
    )
    answer.status_code = status
    answer.content_type = "application/problem+json"
    return answer
