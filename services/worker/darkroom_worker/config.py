"""What the worker and the queue exporter are told from outside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


class BadConfig(Exception):
    """A variable or secret is missing or unreadable; the message names it."""


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """How to reach the queue; all that the exporter needs."""

    host: str
    password: str
    port: int = 6379

    @property
    def url(self) -> str:
        return f"redis://:{quote(self.password, safe='')}@{self.host}:{self.port}/0"

    @classmethod
    def from_env(cls) -> BrokerConfig:
        """Raises BadConfig."""
        return cls(os.environ.get("REDIS_BROKER_HOST", "redis-broker"), _secret("redis_broker"))


@dataclass(frozen=True, slots=True)
class Config:
    """The worker's settings. Times are in seconds."""

    broker: BrokerConfig
    primary_host: str
    postgres_password: str
    cache_host: str
    cache_password: str
    media: Path
    concurrency: int
    pool_acquire_timeout: float
    db_command_timeout: float

    @classmethod
    def from_env(cls) -> Config:
        """Reads the environment; raises BadConfig for what is missing or no number."""
        env = os.environ
        return cls(
            broker=BrokerConfig.from_env(),
            primary_host=env.get("POSTGRES_PRIMARY_HOST", "postgres-primary"),
            postgres_password=_secret("postgres_app"),
            cache_host=env.get("REDIS_CACHE_HOST", "redis-cache"),
            cache_password=_secret("redis_cache"),
            media=Path(env.get("MEDIA_DIR", "/media")),
            concurrency=int(_number("WORKER_CONCURRENCY", 2)),
            pool_acquire_timeout=_number("POOL_ACQUIRE_TIMEOUT", 2.0),
            db_command_timeout=_number("DB_COMMAND_TIMEOUT", 5.0),
        )


def _secret(name: str) -> str:
    path = Path(os.environ.get("SECRETS_DIR", "/run/secrets")) / name
    try:
        return path.read_text().strip()
    except OSError as error:
        raise BadConfig(f"secret {name} cannot be read: {error}") from error


def _number(name: str, default: float) -> float:
    text = os.environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError as error:
        raise BadConfig(f"{name} is no number: {text!r}") from error
    if not value > 0:
        raise BadConfig(f"{name} must be greater than zero: {text!r}")
    return value
