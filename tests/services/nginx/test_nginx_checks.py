"""Which replicas get requests: active checks, passive checks, second tries."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

ALL = ("api-1", "api-2", "api-3")


def statuses(answers: list[Any]) -> Counter[int]:
    """How often each status was answered."""
    return Counter(answer.status_code for answer in answers)


def test_starts_and_answers_503_while_no_name_resolves(bare: Any) -> None:
    """Without any replica nginx runs and refuses at once, with a problem document."""
    answers = bare.ask_all(5)
    assert min(answer.elapsed.total_seconds() for answer in answers) < 0.5
    answer = answers[0]
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "1"
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert bare.up() == set()
    bare.start("api-2")
    bare.until_up("api-2")
    assert bare.http.get("/api/feed").json()["name"] == "api-2"


def test_shares_requests_out_evenly(door: Any) -> None:
    """Three well replicas get the same number of requests."""
    names = Counter(answer.json()["name"] for answer in door.ask_all(30))
    assert names == dict.fromkeys(ALL, 10)


def test_whoever_has_the_fewest_requests_at_hand_gets_the_next(rig: Any) -> None:
    """A replica that is slow is not given what the others could do meanwhile; once it is done it
    has its share again."""
    rig.behave("api-2", delay=2)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: rig.http.get("/api/feed"), range(60)))
    names = Counter(answer.json()["name"] for answer in answers)
    assert names["api-2"] <= 6, "no more than come at a time"
    assert min(names["api-1"], names["api-3"]) >= 20
    rig.behave("api-2", delay=0)
    names = Counter(answer.json()["name"] for answer in rig.ask_all(30))
    assert names == dict.fromkeys(ALL, 10), "nothing is thought to be still at hand"


def test_unready_replica_leaves_the_rotation_and_comes_back(rig: Any) -> None:
    """A replica whose /ready fails gets no requests until it succeeds again."""
    rig.behave("api-2", ready=503)
    rig.until_up("api-1", "api-3")
    assert rig.up("passive_up") == set(ALL)
    assert "api-2" not in {answer.json()["name"] for answer in rig.ask_all(12)}
    rig.behave("api-2", ready=200)
    rig.until_up(*ALL)
    assert "api-2" in {answer.json()["name"] for answer in rig.ask_all(12)}
    assert "upstream api-2 marked down by active check: 503" in rig.events()
    assert "upstream api-2 marked up by active check: 200" in rig.events()


def test_failing_replica_is_covered_for_then_left_out(rig: Any) -> None:
    """Customers never see one replica's 503: another answers, and passive checks leave it out."""
    rig.configure("upstreams.lua", "fail_timeout = 10", "fail_timeout = 3")
    rig.behave("api-1", api=503)
    assert statuses(rig.ask_all(30)) == {200: 30}
    assert rig.up("passive_up") == {"api-2", "api-3"}
    assert rig.up("active_up") == set(ALL)
    assert rig.seen("api-1")["GET"] == 5
    rig.behave("api-1", api=200)
    rig.until_up(*ALL)
    assert any("api-1 marked down by passive checks: 5 failures" in said for said in rig.events())
    # On probation: one more failure is enough now.
    rig.behave("api-1", api=503)
    rig.ask_all(6)
    assert rig.seen("api-1")["GET"] == 6
    assert rig.up("passive_up") == {"api-2", "api-3"}


def test_a_write_is_not_sent_twice(rig: Any) -> None:
    """A POST that a replica has answered with 503 goes to no other; a PUT, idempotent, does."""
    for name in ALL:
        rig.behave(name, api=503)
    assert rig.http.post("/api/photos", content=b"x").status_code == 503
    assert sum(rig.seen(name).get("POST", 0) for name in ALL) == 1
    assert rig.http.put("/api/photos/1/like").status_code == 503
    assert sum(rig.seen(name).get("PUT", 0) for name in ALL) == 2


def test_slow_failure_is_not_tried_again(rig: Any) -> None:
    """A 503 after more than two seconds is passed on: the work is not done twice."""
    for name in ALL:
        rig.behave(name, api=503, delay=2.3)
    assert rig.http.get("/api/feed").status_code == 503
    assert sum(rig.seen(name).get("GET", 0) for name in ALL) == 1


def test_all_unready_replicas_still_serve(rig: Any) -> None:
    """When every check fails, all replicas are tried; an operator may choose to refuse instead."""
    for name in ALL:
        rig.behave(name, ready=503)
    rig.until_up()
    assert statuses(rig.ask_all(6)) == {200: 6}
    rig.until(
        rig.events, lambda said: "no upstream is up: trying all of them" in said, "it is told", 3
    )
    rig.configure("upstreams.lua", 'try_all",$', 'fail_fast",')
    assert statuses(rig.ask_all(3)) == {503: 3}


def test_killed_replica_costs_no_customer_an_error(rig: Any) -> None:
    """Requests that meet a killed replica are answered by another."""
    with ThreadPoolExecutor(4) as pool:
        before = pool.map(lambda _: rig.http.get("/api/feed"), range(80))
        rig.replicas["api-3"].kill()
        assert statuses(list(before)) == {200: 80}
    rig.until_up("api-1", "api-2", kind="active_up")
    assert statuses(rig.ask_all(12)) == {200: 12}


def test_replica_comes_back_at_another_address(rig: Any) -> None:
    """A replica is followed to its new address, and its old one is not taken for it."""
    rig.replicas["api-1"].remove(force=True)
    rig.run_named("stranger")  # takes the address that has become free
    rig.until_up("api-2", "api-3", kind="active_up")
    assert {answer.json()["name"] for answer in rig.ask_all(8)} == {"api-2", "api-3"}
    rig.start("api-1")
    rig.until_up(*ALL)
    assert "api-1" in {answer.json()["name"] for answer in rig.ask_all(8)}


def test_frozen_replica_is_left_out_and_comes_back(rig: Any) -> None:
    """A paused replica, which accepts connections and says nothing, is out within seconds."""
    rig.replicas["api-2"].pause()
    rig.until_up("api-1", "api-3", within=8)
    answers = rig.ask_all(12)
    assert statuses(answers) == {200: 12}
    assert max(answer.elapsed.total_seconds() for answer in answers) < 1
    rig.replicas["api-2"].unpause()
    rig.until_up(*ALL)


def test_joined_replica_is_not_forgotten_while_names_cannot_be_looked_up(bare: Any) -> None:
    """While DNS is mute, one that joined and freezes is out, but known; a dead one is gone."""
    bare.start("api")
    replica = bare.replicas["api"]
    replica.reload()
    address = replica.attrs["NetworkSettings"]["Networks"][bare.name]["IPAddress"]
    series = f'nginx_upstream_up{{upstream="api@{address}"}}'

    def state() -> float | None:
        return cast("float | None", bare.metrics().get(series))

    bare.until(state, lambda up: up == 1, "it has joined", 10)
    # Port 53 of the container itself: nobody is there to answer.
    silence = ["sh", "-c", "echo nameserver 127.0.0.1 > /etc/resolv.conf"]
    for argv, user in ((silence, "root"), (["nginx", "-s", "reload"], "")):
        code, said = bare.nginx.exec_run(argv, user=user)
        assert code == 0, said
    replica.pause()
    bare.until(state, lambda up: up == 0, "it is out of rotation", 10)
    replica.unpause()
    bare.until(state, lambda up: up == 1, "it is back", 10)
    replica.kill()
    bare.until(state, lambda up: up is None, "it is gone", 10)


def test_mistake_in_the_configuration_changes_nothing(rig: Any) -> None:
    """A reload with a wrong upstreams.lua is refused, with the reason in the log."""
    rig.edit("upstreams.lua", "fall = 3", "fall = 0")
    rig.until(
        lambda: rig.nginx.logs().decode(),
        lambda log: "fall must be a number, at least 1, not 0" in log,
        "the log says why",
        5,
    )
    assert statuses(rig.ask_all(6)) == {200: 6}


def test_reload_drops_no_request_and_forgets_nothing(door: Any) -> None:
    """Under traffic an operator's reload is not noticed, and counters go on."""
    before = door.metrics()['nginx_requests_total{class="2xx"}']
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: door.http.get("/api/feed"), range(200))
        door.configure("upstreams.lua", "fall = 3", "fall = 4")
        assert statuses(list(answers)) == {200: 200}
    assert door.metrics()['nginx_requests_total{class="2xx"}'] >= before + 200
    assert door.up() == set(ALL)


def test_stop_finishes_the_request_at_hand(rig: Any) -> None:
    """`docker stop` lets a running request end, and nginx exits with 0."""
    for name in ALL:
        rig.behave(name, delay=1.5)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(rig.http.get, "/api/feed")
        rig.until(
            lambda: sum(rig.seen(name).get("GET", 0) for name in ALL), bool, "it has begun", 5
        )
        rig.nginx.stop(timeout=9)
        assert answer.result().status_code == 200
    assert rig.nginx.wait()["StatusCode"] == 0
