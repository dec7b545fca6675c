"""The worker's series; names and labels are a contract with the signals."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

#: Narrow, for a quantile says no more than where in its bucket it may be; and as wide as any night.
_TASK_BUCKETS = (
    0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 20.0,
    30.0, 45.0, 60.0, 120.0,
)  # fmt: skip
_QUERY_BUCKETS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0,
    5.0, 10.0,
)  # fmt: skip

tasks = Counter("worker_tasks_total", "Runs of the task by how they ended.", ["outcome"])
for _outcome in ("succeeded", "failed", "retried"):
    tasks.labels(_outcome)
task_duration = Histogram(
    "worker_task_duration_seconds", "One run of the task, however it ended.", buckets=_TASK_BUCKETS
)
tasks_running = Gauge("worker_tasks_running", "Tasks being worked on now.")
swept = Counter("worker_jobs_swept_total", "Jobs enqueued again because the queue had lost them.")
set_aside = Counter(
    "worker_messages_set_aside_total",
    "Entries of the queue that were no task, put into a list aside.",
)
db_query_duration = Histogram(
    "db_query_duration_seconds",
    "One statement, connection in hand, failed ones included.",
    ["pool", "query"],
    buckets=_QUERY_BUCKETS,
)
