"""The exporters' pure parts: labels, text and cgroup files."""

from __future__ import annotations

import pytest
from exporters.answers import LABELS, MEANINGS, label, samples
from exporters.cgroup import Usage, find
from exporters.containers import Collector
from exporters.engine import Container
from exporters.exposition import Meaning, Sample, render

ID = "4f" * 32
V1 = {
    "cpu.cfs_quota_us": "60000",
    "cpu.cfs_period_us": "100000",
    "cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 123\n",
    "cpuacct.usage": "2500000000",
    "memory.stat": "cache 1\ntotal_rss 3000\ntotal_inactive_file 1000\n",
    "memory.usage_in_bytes": "5000",
    "memory.limit_in_bytes": "9000",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
}
V2 = {
    "cpu.max": "60000 100000",
    "cpu.stat": "usage_usec 2500000\nnr_periods 10\nnr_throttled 4\n",
    "memory.stat": "anon 3000\ninactive_file 1000\n",
    "memory.current": "5000",
    "memory.max": "9000",
    "memory.events": "oom 2\noom_kill 1\n",
}
USAGE = Usage(2.5, 0.6, 10, 4, 3000, 4000, 9000, 1)
UNLIMITED_V1 = {"cpu.cfs_quota_us": "-1", "memory.limit_in_bytes": "9223372036854771712"}
UNLIMITED_V2 = {"cpu.max": "max 100000", "memory.max": "max"}


def tree(root, version, place, changes):
    """The files of one container's cgroup; version 1 has them in a directory per controller."""
    if version == 2:
        (root / "cgroup.controllers").write_text("cpu memory\n")
    for name, text in ((V1 if version == 1 else V2) | changes).items():
        hierarchy = root / name.partition(".")[0] if version == 1 else root
        path = hierarchy / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "place",
    [f"docker/{ID}", f"system.slice/docker-{ID}.scope", f"user.slice/u.slice/docker-{ID}.scope"],
)
def test_both_cgroup_versions_tell_the_same(tmp_path, version, place):
    """Seconds, cores and bytes come out alike, wherever the engine's driver put the group."""
    tree(tmp_path, version, place, {})
    cgroup = find(tmp_path, ID)
    assert cgroup is not None
    assert cgroup.read() == USAGE


@pytest.mark.parametrize(("version", "changes"), [(1, UNLIMITED_V1), (2, UNLIMITED_V2)])
def test_no_limit_is_none(tmp_path, version, changes):
    """Neither version's way to write "no limit" becomes a number."""
    tree(tmp_path, version, f"docker/{ID}", changes)
    cgroup = find(tmp_path, ID)
    assert cgroup is not None
    usage = cgroup.read()
    assert (usage.cpu_limit, usage.memory_limit) == (None, None)


def test_a_container_without_a_cgroup_is_down(tmp_path):
    """One that ended since the engine was asked counts as down, without failing the scrape."""
    tree(tmp_path, 2, f"docker/{ID}", {})
    collector = Collector(tmp_path)
    here = Container("api", "lab-api-1", ID, running=True)
    gone = Container("worker", "lab-worker-1", "aa" * 32, running=True)
    ups = {
        dict(sample.labels)["service"]: sample.value
        for sample in collector.samples([here, gone])
        if sample.name == "container_up"
    }
    assert ups == {"api": 1, "worker": 0}
    for file in (tmp_path / "docker" / ID).iterdir():
        file.unlink()
    (up,) = collector.samples([here])
    assert up.value == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/* feed */ SELECT 1", "feed"),
        ("\n /*user_photos*/\nSELECT 1", "user_photos"),
        ("SELECT  a,\n\t b FROM c", "SELECT a, b FROM c"),
        ("INSERT INTO t VALUES (" + "$1, " * 40, "INSERT INTO t VALUES (" + "$1, " * 9 + "$1"),
    ],
)
def test_a_statement_is_named_by_its_comment_or_its_beginning(text, name):
    """White space is evened out and long texts are cut, so that a name stays a name."""
    assert label(text) == name


def test_statements_of_one_name_are_added_up():
    """Two query ids with one name (another role, another plan) are one series."""
    answer = [
        ("pg_stat_statements_calls_total", "1", "", 2.0),
        ("pg_stat_statements_calls_total", "2", "", 3.0),
        ("pg_locks_waiting", "", "", 1.0),
    ]
    found = samples(answer, {"1": "feed", "2": "feed"})
    assert found == [
        Sample("pg_stat_statements_calls_total", (("statement", "feed"),), 5.0),
        Sample("pg_locks_waiting", (), 1.0),
    ]


def test_every_labelled_metric_has_a_meaning():
    """The two tables name the same metrics."""
    assert set(LABELS) <= set(MEANINGS)


def test_text_is_what_prometheus_reads():
    """Help and type once per metric; quotes, backslashes and line ends in labels are escaped."""
    text = render(
        [Sample("a", (("x", 'say "hi"\n\\'),), 1.5), Sample("b", (), 2), Sample("a", (), 0.0)],
        {"a": Meaning("counter", "A."), "b": Meaning("gauge", "B.")},
    )
    assert text == (
        "# HELP a A.\n# TYPE a counter\n"
        'a{x="say \\"hi\\"\\n\\\\"} 1.5\na{} 0.0\n'
        "# HELP b B.\n# TYPE b gauge\nb{} 2\n"
    )
