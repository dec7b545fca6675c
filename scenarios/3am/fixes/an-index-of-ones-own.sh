#!/bin/sh
# Why it is right: what counts is that the rows are found, not how the index is called or ordered.
set -eu

sql() {
    docker compose exec -T postgres-primary psql -XqAt -v ON_ERROR_STOP=1 -U postgres darkroom -c "$1"
}

# Air first: a drowning database builds no index.
docker compose stop worker
docker compose exec -T api-1 flags set rate_limit 5
sql "CREATE INDEX CONCURRENTLY by_user ON photos (user_id, created_at)"
sql "CREATE INDEX CONCURRENTLY by_checksum ON photos USING hash (checksum)"
docker compose exec -T api-1 flags unset rate_limit
docker compose start worker
