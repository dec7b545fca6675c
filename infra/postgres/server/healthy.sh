#!/bin/sh
# Exit code 0 when this server can be used: a primary takes writes and every role has its password;
# a replica streams and holds readable data.
set -eu
case "$ROLE" in
    primary)
        question="SELECT NOT pg_is_in_recovery() AND count(*) = 3 FROM pg_authid
                  WHERE rolname IN ('darkroom', 'replicator', 'monitor') AND rolpassword IS NOT NULL" ;;
    replica)
        question="SELECT pg_is_in_recovery() AND EXISTS (
                      SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')
                  FROM heartbeat" ;;
esac
test "$(psql -XAtq -U postgres -d darkroom -c "$question")" = t
