#!/bin/sh
# Why it is right: the schema in the repository says which indexes belong there; a plain build blocks
# the writers for as long as it takes, and is sooner done than one that does not.
set -eu

docker compose stop worker
docker compose exec -T api-1 flags set rate_limit 5
grep -oE '^CREATE INDEX [a-z_]+ ON [^;]+' infra/postgres/schema.sql |
    sed 's/^CREATE INDEX /CREATE INDEX IF NOT EXISTS /; s/$/;/' |
    docker compose exec -T postgres-primary psql -Xq -v ON_ERROR_STOP=1 -U postgres darkroom
docker compose exec -T api-1 flags unset rate_limit
docker compose start worker
