#!/bin/sh
# postgres | redis | containers: which exporter this container is.
set -eu
case "${1:-}" in
    postgres | containers) exec /opt/venv/bin/python -m "exporters.$1" ;;
    redis)
        # The exporter wants its passwords as JSON, by target.
        python3 - >/tmp/passwords.json <<'PY'
import json, pathlib
secrets = pathlib.Path("/run/secrets")
print(json.dumps({
    f"redis://redis-{name}:6379": (secrets / f"redis_{name}").read_text().strip()
    for name in ("cache", "broker")
}))
PY
        exec prometheus-redis-exporter -redis.addr= -redis.password-file=/tmp/passwords.json \
            -web.listen-address=:9121 -connection-timeout=800ms -exclude-latency-histogram-metrics \
            -log-format=json ;;
    *) echo "usage: postgres | redis | containers" >&2; exit 2 ;;
esac
