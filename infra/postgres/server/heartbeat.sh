#!/bin/sh
# Writes the time into the heartbeat row once a second; the row's age on the replica is its lag.
#
# A loop of its own around psql, because a container that is restarted backs off up to a minute, and
# a heartbeat that stays away after the primary is back would look like lag.
set -eu
trap 'kill "$child" 2>/dev/null || true; exit 0' TERM INT
child=
while :; do
    PGPASSWORD=$(cat /run/secrets/postgres_monitor) psql -X -q -v ON_ERROR_STOP=1 \
        "host=${PRIMARY_HOST:-postgres-primary} dbname=darkroom user=monitor application_name=heartbeat
         connect_timeout=3 keepalives_idle=3 keepalives_interval=1 keepalives_count=3
         tcp_user_timeout=5000" >/dev/null <<'SQL' &
UPDATE heartbeat SET at = clock_timestamp() WHERE id = 1
\watch interval=1
SQL
    child=$!
    wait "$child" || true
    sleep 1 &
    child=$!
    wait "$child"
done
