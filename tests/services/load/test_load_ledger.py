"""The ledger holds exactly what was acknowledged, and keys make repeats harmless."""

from __future__ import annotations


def uploads(ledger):
    return [entry for entry in ledger if entry.kind == "upload"]


def test_every_acknowledged_write_is_on_the_ledger(rig):
    """What the stand-in accepted and what the customers wrote down are the same."""
    before = rig.seen()
    run = rig.load.start(200, 4, seed=21)
    last = rig.until_left()
    seen = rig.seen()
    ledger = rig.load.ledger(run.run_id)
    keys = {entry.idempotency_key: entry for entry in uploads(ledger)}
    accepted = {key: said for key, said in seen["uploads"].items() if key not in before["uploads"]}
    assert {key: (e.photo_id, e.job_id) for key, e in keys.items()} == {
        key: (said["photo_id"], said["job_id"]) for key, said in accepted.items()
    }
    likes = [[entry.photo_id, entry.user_id] for entry in ledger if entry.kind == "like"]
    assert sorted(likes) == sorted(seen["likes"][len(before["likes"]) :])
    assert 0.05 * last.completed < len(ledger) < 0.16 * last.completed
    assert all(entry.run_id == run.run_id and entry.request_id for entry in ledger)


def test_each_upload_has_bytes_of_its_own(rig):
    """However few pictures there are, no two uploads share a checksum."""
    before = rig.seen()
    rig.load.start(300, 2, seed=22)
    rig.until_left()
    seen = rig.seen()
    sent = len(seen["uploads"]) - len(before["uploads"])
    assert sent > 5
    assert seen["checksums"] - before["checksums"] == sent


def test_some_uploads_are_sent_again_with_their_key(rig):
    """After a 503 most customers try once more, with the same key and the same bytes."""
    rig.behave("broken")
    before = rig.seen()
    run = rig.load.start(300, 4, seed=23)
    rig.until_left()
    seen = rig.seen()
    times = [n for key, n in seen["tries"].items() if key not in before["tries"]]
    assert max(times) <= 3  # once more, or at most twice at once and once more
    assert sum(n > 1 for n in times) > 0.2 * len(times)
    assert rig.metrics()['load_repeats_total{reason="503"}'] > 0
    keys = [entry.idempotency_key for entry in uploads(rig.load.ledger(run.run_id))]
    assert set(keys) <= set(seen["uploads"])


def test_what_was_not_acknowledged_is_not_on_the_ledger(rig):
    """Refused, timed out or cut off: no promise was made."""
    for mode in ("503", "hangup"):
        rig.behave(mode)
        run = rig.load.start(200, 1, seed=24)
        rig.until_left()
        assert rig.load.ledger(run.run_id) == []


def test_the_ledger_outlives_its_run(rig):
    """Pages of earlier runs stay readable, one by one and all together."""
    runs = []
    for seed in (25, 26):
        runs.append(rig.load.start(200, 1, seed=seed).run_id)
        rig.until_left()
    pages = [rig.load.ledger(run) for run in runs]
    assert all(pages)
    everything = rig.load.ledger()
    assert {entry for page in pages for entry in page} <= set(everything)


def test_a_ledger_that_cannot_be_written_ends_the_run(full):
    """Customers who cannot keep track of promises must not go on collecting them."""
    full.load.start(300, 60, seed=27)
    last = full.until_left()
    assert last.state == "stopped"
    assert "ledger" in last.reason
    assert last.intended < 300 * 60
    assert full.load.state().state == "stopped"
