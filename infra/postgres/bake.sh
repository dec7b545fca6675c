#!/bin/sh
# Builds the cluster that both servers start from. Runs once, in the image build, as postgres.
#
#   bake.sh DATA_DIRECTORY
set -eu
data=$1
here=$(dirname "$0")
socket=$(mktemp -d)

server() { pg_ctl -D "$data" -w -t 120 -s -l "$socket/log" "$@" || { cat "$socket/log" >&2; exit 1; }; }
run() { psql -X -q -v ON_ERROR_STOP=1 -h "$socket" -U postgres "$@"; }

initdb -D "$data" --username=postgres --auth=trust --data-checksums --encoding=UTF8 \
    --locale-provider=builtin --builtin-locale=C.UTF-8 --no-instructions >/dev/null
# The settings proper are outside the data directory, in the image; see the entrypoint.
: >"$data/postgresql.conf"

# Nothing to recover to if the build dies, so no WAL beyond the minimum and no fsync.
server start -o "-k $socket -c listen_addresses= -c fsync=off -c wal_level=minimal -c max_wal_senders=0 \
    -c shared_buffers=256MB -c maintenance_work_mem=256MB -c max_wal_size=4GB -c jit=off \
    -c max_parallel_workers_per_gather=0"
run -d postgres -c 'CREATE DATABASE darkroom'
run -d darkroom -f "$here/schema.sql" -f "$here/roles.sql" -f "$here/seed.sql" >/dev/null
run -d darkroom -c 'CREATE EXTENSION pg_stat_statements'
# Which life of the primary this is: empty here, one row from a primary's first start on. A
# replica that carries another row than its primary belongs to an earlier life (see replica.py).
run -d postgres -c 'CREATE TABLE incarnation (id uuid PRIMARY KEY)' \
    -c 'GRANT SELECT ON incarnation TO replicator'
# Counters begin at zero for whoever starts from here.
run -d darkroom -c 'SELECT pg_stat_reset()' >/dev/null
server stop -m fast

# The load leaves hundreds of MB of spare WAL files behind; each start would copy them.
pg_resetwal -D "$data" >/dev/null

# A slot needs wal_level replica. It holds the WAL from here on, so a replica that starts from
# these very files finds everything that the primary wrote since.
# With the servers' own settings: a standby insists on at least the primary's max_connections.
server start -o "-k $socket -c config_file=/etc/darkroom/postgresql.conf -c listen_addresses= \
    -c shared_preload_libraries= -c fsync=off"
run -d postgres -c "SELECT pg_create_physical_replication_slot('replica', true)" -c CHECKPOINT >/dev/null
server stop -m fast
rm -rf "$socket" "$data/postgresql.conf" "$data/pg_hba.conf"
