#!/bin/sh
# Why it is right: of checksums only those of the few rejected photos are asked for, so an index of
# those alone serves; and one that is built in one go reads the table once. Writes wait that long.
set -eu

sql() {
    docker compose exec -T postgres-primary psql -XqAt -v ON_ERROR_STOP=1 -U postgres darkroom -c "$1"
}

docker compose pause worker
docker compose exec -T api-1 flags set rate_limit 5
sql "CREATE INDEX rejected_before ON photos (checksum) WHERE status = 'rejected'"
sql "CREATE INDEX of_somebody ON photos (user_id, created_at DESC) INCLUDE (id)"
docker compose exec -T api-1 flags unset rate_limit
docker compose unpause worker
