"""The workload is open, bounded and honest, whatever the service does."""

from __future__ import annotations

import httpx
import pytest

OPERATIONS = {"feed", "photo", "user_photos", "user", "album", "media", "like", "upload", "job"}
JSON = {"Content-Type": "application/json"}
OUTCOMES = {"ok", "wrong", "http_4xx", "http_5xx", "timeout", "connection", "dropped"}


def test_three_hundred_arrivals_a_second_on_one_core(rig):
    """They are held within two per cent, promptly, with most of the core to spare."""
    before = rig.metrics()
    started = rig.load.start(300, 10, seed=11)
    assert started.running
    last = rig.until_left()
    after = rig.metrics()
    cpu = after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
    assert last.state == "finished"
    assert last.intended == pytest.approx(300 * 10, abs=4 * 3000**0.5)  # four sigma of Poisson
    assert last.started == last.completed == last.intended
    assert last.outcomes["ok"] >= 0.98 * last.intended
    assert cpu < 0.7 * 10


def test_every_series_of_the_contract_is_there_from_the_start(rig):
    """A rate over a series that appears later would miss its first steps."""
    samples = rig.metrics()
    for operation in OPERATIONS:
        assert f'load_latency_seconds_bucket{{le="0.5",operation="{operation}"}}' in samples
        for outcome in OUTCOMES:
            name = f'load_requests_total{{operation="{operation}",outcome="{outcome}"}}'
            assert name in samples
        assert f'load_arrivals_total{{operation="{operation}"}}' in samples
    assert {
        "load_started_total",
        "load_start_delay_seconds_count",
        "load_in_flight",
        "load_target_rate",
        "load_running",
    } <= set(samples)


def test_what_fans_come_for_has_been_asked_for_before(rig):
    """Each star's circle once, two at a time, each when another was there, however long it takes;
    nobody is counted meanwhile, and then customers arrive as ever."""
    rig.behave("ok", 0.05)
    rig.load.start(0.1, 60, seed=15, fans=1.0)
    looking = rig.load.set_rate(200)
    assert (looking.intended, rig.seen()["circles_at_once"]) == (0, 2)
    rig.until(lambda state: state.intended, "somebody arrives", 20)
    assert sorted(rig.seen()["circles"][:40]) == list(range(10, 50))
    rig.until(lambda state: state.completed > 20, "they are served", 20)
    assert rig.load.stop().outcomes["ok"] > 20
    rig.until_left()


def test_nobody_waits_for_a_first_look_that_is_called_off(rig):
    """A run that is stopped in the middle of it ends, and nobody has come."""
    rig.behave("ok", 0.5)
    rig.load.start(50, 60, seed=16, fans=1.0)
    assert rig.load.stop().intended == 0
    assert rig.until_left(10).intended == 0


def test_customers_keep_coming_when_answers_do_not(rig):
    """Against a service that hangs, arrivals go on, and each one's wait is counted."""
    rig.behave("hang")
    before = rig.metrics()
    rig.load.start(100, 4, seed=12)
    waiting = rig.until(lambda state: state.in_flight > 120, "many wait", 5)
    assert waiting.completed < waiting.intended
    last = rig.until_left()
    after = rig.metrics()
    assert last.intended == pytest.approx(400, abs=80)
    assert last.outcomes["timeout"] == last.completed == last.intended
    begun = "load_start_delay_seconds_count"
    punctual = 'load_start_delay_seconds_bucket{le="0.5"}'
    assert after[begun] - before[begun] == last.started
    assert after[punctual] - before[punctual] >= 0.9 * last.started, "waiting is not being late"
    slow = 'load_latency_seconds_bucket{le="1.5",operation="feed"}'
    count = 'load_latency_seconds_count{operation="feed"}'
    assert after[slow] == before[slow]  # patience is two seconds here
    assert after[count] > before[count]


def test_latency_counts_from_the_intended_start(rig):
    """A generator that was frozen for two seconds owes its customers those two seconds."""
    rig.load.start(50, 6, seed=13)
    rig.until(lambda state: state.completed > 50, "customers are served", 30)
    before = rig.metrics()
    rig.customers.pause()
    try:
        rig.fake.exec_run(["sleep", "2"])
    finally:
        rig.customers.unpause()
    last = rig.until_left()
    after = rig.metrics()
    total = sum(after[name] - before[name] for name in after if "latency_seconds_sum" in name)
    assert last.intended == pytest.approx(300, abs=70)
    assert last.outcomes["dropped"] == 0
    assert total > 50  # about a hundred customers, a second each on average


def test_too_many_at_once_are_dropped_and_counted(rig):
    """Beyond the bound on what is under way, an arrival is counted as dropped, never skipped."""
    rig.behave("hang")
    rig.load.start(800, 2, seed=14)
    last = rig.until_left()
    assert last.outcomes["dropped"] > 0
    assert last.intended == last.started + last.outcomes["dropped"]
    assert sum(last.outcomes.values()) == last.intended
    assert rig.metrics()["load_in_flight"] == 0


@pytest.mark.parametrize(
    ("mode", "outcome"), [("503", "http_5xx"), ("hangup", "connection"), ("missing", "http_4xx")]
)
def test_each_failure_has_its_outcome(rig, mode, outcome):
    """What the service does to a customer is told apart."""
    rig.behave(mode)
    rig.load.start(60, 2, seed=15)
    last = rig.until_left()
    assert last.outcomes[outcome] == last.completed > 0


@pytest.mark.parametrize("mode", ["empty", "copy", "page"])
def test_an_answer_that_is_not_what_was_asked_for_is_no_good_answer(rig, mode):
    """Nothing for everybody, one copy for everybody, an error page with a friendly status: nearly
    nobody is served, whatever the statuses say."""
    rig.behave(mode)
    rig.load.start(60, 3, seed=15)
    last = rig.until_left()
    assert last.outcomes["wrong"] >= 0.7 * last.completed > 0
    assert last.outcomes["ok"] + last.outcomes["wrong"] == last.completed


@pytest.mark.parametrize(
    ("mode", "kind", "other"), [("ok", "in_time", "late"), ("unpublished", "late", "in_time")]
)
def test_who_sent_a_photo_looks_for_it_when_it_should_be_there(rig, mode, kind, other):
    """Once for each that was accepted, and it is no visit."""
    rig.behave(mode)
    before = rig.photos()
    rig.load.start(100, 1, seed=31, uploads=1.0)
    last = rig.until_left()
    assert last.outcomes["ok"] == last.completed > 50
    sent = rig.load.ledger(last.run_id)
    rig.until_looked_for(sent)
    # Whoever sent one in the test before may look only now.
    more = {name: n - before[name] for name, n in rig.photos().items()}
    assert more[other] == 0
    assert more[kind] >= 0.9 * len(sent)
    assert rig.load.state().completed == last.completed


def test_who_gets_no_answer_about_a_photo_does_not_know(rig):
    """It is neither in time nor late: what was not answered is counted where visits are."""
    rig.load.start(100, 1, seed=32, uploads=1.0)
    last = rig.until_left()
    rig.behave("503")
    before = rig.photos()
    rig.until_looked_for(rig.load.ledger(last.run_id))
    assert rig.photos() == before


def test_a_service_that_is_gone_is_a_connection_failure_and_its_return_is_noticed(rig):
    """No name, no address, no port: failures, quickly; and then all is well again."""
    rig.load.start(60, 60, seed=16)
    rig.until(lambda state: state.outcomes["ok"] > 30, "customers are served", 30)
    rig.fake.stop(timeout=0)
    gone = rig.until(lambda state: state.outcomes["connection"] > 30, "they cannot connect", 30)
    rig.fake.start()
    back = rig.until(lambda state: state.outcomes["ok"] > gone.outcomes["ok"] + 60, "back", 60)
    assert back.running


def test_the_rate_and_the_end_can_be_changed(rig):
    """A new rate holds at once; a new end counts from now."""
    rig.load.start(20, 600, seed=17)
    assert rig.load.set_rate(400).target_rate == 400
    rig.until(lambda state: state.intended > 400, "many more come", 10)
    rig.load.extend(1)
    last = rig.until_left()
    assert last.state == "finished"
    assert last.target_rate == 0


def test_a_run_survives_nothing_but_its_ledger_does(rig):
    """After a restart nobody comes until a new run is started."""
    rig.load.start(60, 600, seed=18)
    rig.until(lambda state: state.completed > 30, "customers are served", 30)
    rig.restart()
    assert rig.load.state().state == "idle"
    assert rig.metrics()["load_running"] == 0


def test_bad_input_is_refused_with_a_reason(rig):
    """Every mistake is a 4xx problem that names it, and starts nothing."""
    url = rig.load.url
    asked = [
        ("POST", "/run", b"{", 400, "JSON"),
        ("POST", "/run", b"[]", 422, "object"),
        ("POST", "/run", b'{"rate": 60}', 422, "duration_s"),
        ("POST", "/run", b'{"rate": 1e9, "duration_s": 5}', 422, "between"),
        ("POST", "/run", b'{"rate": 5, "duration_s": 5, "users": 1}', 422, "users"),
        ("PATCH", "/run", b'{"rate": 60}', 409, "no run"),
        ("PUT", "/run", b"{}", 405, ""),
        ("GET", "/nowhere", b"", 404, ""),
        ("GET", "/ledger?run_id=../../etc/passwd", b"", 404, "on record"),
        ("GET", "/ledger?run_id=abc", b"", 404, "on record"),
    ]
    for method, path, body, status, word in asked:
        answer = httpx.request(
            method, url + path, content=body, headers=JSON, timeout=5, trust_env=False
        )
        assert answer.status_code == status, (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert word in answer.json()["detail"]
    assert not rig.load.state().running


RUN = b'{"rate": 5, "duration_s": 5}'


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({}, 415),
        ({**JSON, "Origin": "http://evil.example"}, 403),
        ({**JSON, "Origin": "http://127.0.0.1:8300"}, 403),
        ({**JSON, "Origin": "null"}, 403),
        ({**JSON, "Host": "evil.example"}, 400),
        ({**JSON, "Host": "127.0.0.1.evil.example"}, 400),
        ({**JSON, "Host": "load.evil.example:8089"}, 400),
    ],
)
def test_a_web_page_starts_and_stops_nobody(rig, headers, status):
    """What a browser sends for any page without asking is refused, and so is what says which page
    it comes from, or comes by a name that somebody else owns."""
    url = f"{rig.load.url}/run"
    with httpx.Client(timeout=5, trust_env=False) as client:
        answer = client.post(url, content=RUN, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert "access-control-allow-origin" not in answer.headers
        assert not rig.load.state().running
        if status != 415:
            rig.load.start(5, 60, seed=21)
            assert client.delete(url, headers=headers).status_code == status
            assert client.patch(url, content=RUN, headers=headers).status_code == status
            assert rig.load.state().running


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost", "load:8089"])
def test_it_is_asked_for_by_its_own_names(rig, host):
    """By the lab and by Prometheus."""
    answer = httpx.get(
        f"{rig.load.url}/metrics", headers={"Host": host}, timeout=5, trust_env=False
    )
    assert answer.status_code == 200


def test_a_second_run_is_refused_while_one_is_under_way(rig):
    """Two runs at once would spoil both; the answer says which one is in the way."""
    first = rig.load.start(20, 60, seed=19)
    answer = httpx.post(
        f"{rig.load.url}/run", json={"rate": 5, "duration_s": 5}, timeout=5, trust_env=False
    )
    assert answer.status_code == 409
    assert first.run_id in answer.json()["detail"]
    stopped = rig.load.stop()
    assert stopped.state == "stopped"
    assert rig.load.stop().run_id == first.run_id  # again: nothing happens
    assert rig.load.start(20, 5, seed=19).run_id != first.run_id
