"""The API's settings from its environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from darkroom.config import BadConfig, Config


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    for name in ("postgres_app", "redis_cache", "redis_broker"):
        (tmp_path / name).write_text(f"{name}\n")
    return {"SECRETS_DIR": str(tmp_path)}


def test_a_read_ends_before_its_client_has_gone(env: dict[str, str]) -> None:
    """The longest waits for a connection and for a statement fit into what a read may take: by
    default, and else the replica refuses to start and names the three."""
    config = Config.from_env(env)
    assert config.pool_acquire_timeout + config.db_command_timeout <= config.read_budget
    with pytest.raises(BadConfig, match=r"READ_BUDGET.*POOL_ACQUIRE_TIMEOUT.*DB_COMMAND_TIMEOUT"):
        Config.from_env({**env, "DB_COMMAND_TIMEOUT": "3.5"})


@pytest.mark.parametrize(
    ("name", "value"), [("POOL_SIZE", "ten"), ("POOL_SIZE", "0"), ("READ_BUDGET", "-1")]
)
def test_what_is_no_number_is_named(env: dict[str, str], name: str, value: str) -> None:
    """A setting that cannot be meant stops the replica at its start."""
    with pytest.raises(BadConfig, match=name):
        Config.from_env({**env, name: value})
