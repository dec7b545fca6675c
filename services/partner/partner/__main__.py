"""python -m partner: serves until SIGTERM."""

from __future__ import annotations

import uvicorn

from partner.app import create_app

#: Longer than a customer of theirs keeps an idle connection.
KEEP_ALIVE_S = 75

if __name__ == "__main__":
    uvicorn.run(
        create_app(),
        host="0.0.0.0",
        port=8000,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=2,
    )
