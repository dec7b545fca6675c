"""Every series that the API exposes; names and labels are a contract with the signals."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

#: From a cached read (a millisecond or two) past two time-outs of five seconds. Narrow where people
#: wait, for a quantile says no more than where in its bucket it may be.
_REQUEST_BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5,
    3.0, 4.0, 5.0, 6.0, 7.5, 10.0, 20.0,
)  # fmt: skip
_QUERY_BUCKETS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0,
    5.0, 10.0,
)  # fmt: skip

http_requests = Counter("http_requests_total", "Answered requests.", ["route", "method", "status"])
http_request_duration = Histogram(
    "http_request_duration_seconds",
    "From the request's first byte to the answer's last (an event stream's first).",
    ["route"],
    buckets=_REQUEST_BUCKETS,
)
http_requests_in_flight = Gauge("http_requests_in_flight", "Requests being answered now.")
app_ready = Gauge("app_ready", "1 when the last readiness check passed, else 0.")

db_pool_size = Gauge("db_pool_size", "Most connections that the pool may open.", ["pool"])
db_pool_in_use = Gauge("db_pool_in_use", "Connections handed out now.", ["pool"])
db_pool_waiting = Gauge("db_pool_waiting", "Callers waiting for a connection now.", ["pool"])
db_pool_timeouts = Counter(
    "db_pool_timeouts_total", "Callers that gave up waiting for a connection.", ["pool"]
)
db_query_duration = Histogram(
    "db_query_duration_seconds",
    "One statement, connection in hand, failed ones included.",
    ["pool", "query"],
    buckets=_QUERY_BUCKETS,
)
db_reads = Counter("db_reads_total", "Reads by server and why it was asked.", ["pool", "reason"])

partner_slots = Gauge("partner_slots", "Most links that are signed at the partner at a time.")
partner_slots_in_use = Gauge("partner_slots_in_use", "Links that are being signed there now.")
partner_waiting = Gauge("partner_waiting", "Requests waiting for their turn to ask for one now.")
partner_in_flight = Gauge("partner_in_flight", "Calls to the partner under way now.", ["operation"])
partner_call_duration = Histogram(
    "partner_call_duration_seconds",
    "One call to the partner, from the first byte to the last, failed ones included.",
    ["operation"],
    buckets=_REQUEST_BUCKETS,
)
partner_calls = Counter(
    "partner_calls_total", "Calls to the partner, by how they ended.", ["operation", "outcome"]
)

cache_requests = Counter("cache_requests_total", "Look-ups in the cache.", ["object", "result"])
cache_loads = Counter(
    "cache_loads_total", "Loads from a database to fill the cache, and why.", ["object", "reason"]
)
http_refused = Counter(
    "http_refused_total", "Requests turned away by a flag: which, and what of.", ["flag", "what"]
)
flag = Gauge("darkroom_flag", "An operator's switch: 1 on, 0 off, or its number.", ["flag"])
queue_published = Counter("queue_published_total", "Tasks handed to the broker.")
queue_publish_failures = Counter(
    "queue_publish_failures_total", "Tasks that the broker did not take; the worker finds them."
)

# A counter that has no series before its first event looks the same as one that nobody scrapes:
# what can be counted is there, as zero, from the start.
for _object in ("album", "circle", "feed", "photo", "user", "user_photos"):
    for _result in ("hit", "stale", "miss", "error"):
        cache_requests.labels(_object, _result)
    for _reason in ("miss", "refresh"):
        cache_loads.labels(_object, _reason)
    http_refused.labels("shed", _object)
for _whose in ("user", "replica"):
    http_refused.labels("rate_limit", _whose)
for _operation in ("sign", "rank"):
    partner_in_flight.labels(_operation)
    for _outcome in ("ok", "refused", "timeout", "connection"):
        partner_calls.labels(_operation, _outcome)
partner_calls.labels("sign", "slot_timeout")
for _pool, _reason in (("replica", "default"), ("primary", "own_write"), ("primary", "fallback")):
    db_reads.labels(_pool, _reason)
