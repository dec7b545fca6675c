"""What the API is told from outside: environment variables and secret files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from darkroom.picture import MOST_BYTES


class BadConfig(Exception):
    """A variable or secret is missing or unreadable; the message names it."""


@dataclass(frozen=True, slots=True)
class Config:
    """One replica's settings. Times are in seconds, sizes in bytes."""

    replica_id: str
    primary_host: str
    replica_host: str
    postgres_password: str
    cache_host: str
    cache_password: str
    broker_host: str
    broker_password: str
    #: The third party, as its base URL; at most so many links are signed there at a time, and a
    #: request waits at most so long for one of these places, and for an answer.
    partner_url: str
    partner_slots: int
    partner_slot_timeout: float
    partner_timeout: float
    media: Path
    pool_size: int
    #: Longest wait for a free connection, including the time to open one.
    pool_acquire_timeout: float
    #: Longest wait for one statement.
    db_command_timeout: float
    #: A read takes no longer in all: its client would have gone. Both waits above fit into it.
    read_budget: float
    cache_ttl: int
    #: How long after a write its author reads the touched objects from the primary.
    read_your_writes_seconds: int
    upload_max_bytes: int
    #: Off only to measure what they cost.
    cache_enabled: bool
    telemetry_enabled: bool
    #: Who collects traces (OTLP over HTTP), and what share of requests is traced for them unasked.
    #: Without one only those are traced whose callers ask for it.
    otlp_endpoint: str
    trace_ratio: float
    port: int

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Config:
        """Reads the environment; raises BadConfig for what is missing or no number."""
        secrets = Path(env.get("SECRETS_DIR", "/run/secrets"))
        config = cls(
            replica_id=env.get("REPLICA_ID") or env.get("HOSTNAME", "api"),
            primary_host=env.get("POSTGRES_PRIMARY_HOST", "postgres-primary"),
            replica_host=env.get("POSTGRES_REPLICA_HOST", "postgres-replica"),
            postgres_password=_secret(secrets / "postgres_app"),
            cache_host=env.get("REDIS_CACHE_HOST", "redis-cache"),
            cache_password=_secret(secrets / "redis_cache"),
            broker_host=env.get("REDIS_BROKER_HOST", "redis-broker"),
            broker_password=_secret(secrets / "redis_broker"),
            partner_url=env.get("PARTNER_URL", "http://partner:8000"),
            partner_slots=_whole(env, "PARTNER_SLOTS", 4),
            partner_slot_timeout=_seconds(env, "PARTNER_SLOT_TIMEOUT", 2.0),
            partner_timeout=_seconds(env, "PARTNER_TIMEOUT", 3.0),
            media=Path(env.get("MEDIA_DIR", "/media")),
            pool_size=_whole(env, "POOL_SIZE", 10),
            pool_acquire_timeout=_seconds(env, "POOL_ACQUIRE_TIMEOUT", 2.0),
            db_command_timeout=_seconds(env, "DB_COMMAND_TIMEOUT", 3.0),
            read_budget=_seconds(env, "READ_BUDGET", 5.0),
            cache_ttl=_whole(env, "CACHE_TTL", 30),
            read_your_writes_seconds=_whole(env, "READ_YOUR_WRITES_SECONDS", 10),
            upload_max_bytes=_whole(env, "UPLOAD_MAX_BYTES", MOST_BYTES),
            cache_enabled=env.get("CACHE_ENABLED", "1") != "0",
            telemetry_enabled=env.get("TELEMETRY_ENABLED", "1") != "0",
            otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            trace_ratio=_trace_ratio(env),
            port=_whole(env, "PORT", 8000),
        )
        waits = config.pool_acquire_timeout + config.db_command_timeout
        if waits > config.read_budget:
            raise BadConfig(
                f"READ_BUDGET is {config.read_budget:g} s, less than POOL_ACQUIRE_TIMEOUT and "
                f"DB_COMMAND_TIMEOUT together ({waits:g} s): a read would outlive its client"
            )
        waits = config.partner_slot_timeout + config.partner_timeout
        if waits > config.read_budget:
            raise BadConfig(
                f"READ_BUDGET is {config.read_budget:g} s, less than PARTNER_SLOT_TIMEOUT and "
                f"PARTNER_TIMEOUT together ({waits:g} s): a read would outlive its client"
            )
        return config


def _secret(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise BadConfig(f"secret {path.name} cannot be read: {error}") from error


def _trace_ratio(env: Mapping[str, str]) -> float:
    if not env.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return 0.0
    text = env.get("OTEL_TRACES_SAMPLER_ARG") or "0.01"
    try:
        value = float(text)
    except ValueError as error:
        raise BadConfig(f"OTEL_TRACES_SAMPLER_ARG is no number: {text!r}") from error
    if not 0 <= value <= 1:
        raise BadConfig(f"OTEL_TRACES_SAMPLER_ARG must be from 0 to 1: {text!r}")
    return value


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "")
    try:
        value = int(text) if text else default
    except ValueError as error:
        raise BadConfig(f"{name} is no whole number: {text!r}") from error
    if value <= 0:
        raise BadConfig(f"{name} must be greater than zero: {value}")
    return value


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError as error:
        raise BadConfig(f"{name} is no number of seconds: {text!r}") from error
    if not value > 0:
        raise BadConfig(f"{name} must be greater than zero: {text!r}")
    return value
