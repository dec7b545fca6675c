"""python -m darkroom.main: one replica, one process."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

import structlog
import uvicorn

from darkroom import logs, tracing
from darkroom.app import create_app
from darkroom.config import BadConfig, Config
from darkroom.services import Services
from darkroom.telemetry import RequestId

#: Seconds that running requests get after SIGTERM; longer than a statement may take.
_GRACE_SECONDS = 6
#: Longer than the front door keeps an idle connection (4 s), so that it is never surprised.
_KEEP_ALIVE_SECONDS = 5


class Server(uvicorn.Server):
    """Tells the application at once that it is to stop, so that event streams end."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self._services = services

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._services.stopping.set()
        super().handle_exit(sig, frame)


def main() -> int:
    """Serves until SIGTERM; 2 when the configuration is wrong."""
    try:
        config = Config.from_env(os.environ)
    except BadConfig as error:
        logs.configure(service="api")
        structlog.get_logger("darkroom.main").error("bad configuration", error=str(error))
        return 2
    logs.configure(service="api", replica=config.replica_id)
    traces = tracing.configure(config)
    services = Services.build(config)
    uvicorn_config = uvicorn.Config(
        # Outside of everything: a trace that begins in FastAPI has the request's id.
        RequestId(create_app(services)),
        host="0.0.0.0",
        port=config.port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    # uvicorn hands the signal on when it is done; an orderly end is not death by signal.
    signal.signal(signal.SIGTERM, lambda *_: None)
    Server(uvicorn_config, services).run()
    traces.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
