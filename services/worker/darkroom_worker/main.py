"""python -m darkroom_worker.main: the worker."""

from __future__ import annotations

import sys

import structlog

from darkroom_worker import logs
from darkroom_worker.config import BadConfig, Config
from darkroom_worker.task import create_worker


def main() -> int:
    """Works until SIGTERM; 2 when the configuration is wrong."""
    logs.configure("worker")
    try:
        config = Config.from_env()
    except BadConfig as error:
        structlog.get_logger("worker.main").error("bad configuration", error=str(error))
        return 2
    create_worker(config).worker_main(
        ["--quiet", "worker", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
