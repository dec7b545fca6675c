#!/bin/sh
# The operator's fix: compare the indexes that the application expects with those that the database
# has, and build what is missing, without blocking writes. A drowning database is given air first:
# photos wait in the queue meanwhile, and where requests queue up for a connection fewer are let in.
# Run it in the checkout.
set -eu

sql() {
    docker compose exec -T -e PGOPTIONS="-c client_min_messages=warning" postgres-primary \
        psql -XqAt -v ON_ERROR_STOP=1 -U postgres darkroom -c "$1"
}

# How many requests of the first replica wait for a connection to a database.
waiting() {
    docker compose exec -T api-1 curl -fsS http://127.0.0.1:8000/metrics </dev/null |
        awk '/^db_pool_waiting/ { n += $2 } END { print n + 0 }'
}

grep -oE '^CREATE INDEX [a-z_]+ ON [^;]+' infra/postgres/schema.sql | while read -r statement; do
    name=$(echo "$statement" | cut -d' ' -f3)
    valid=$(sql "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('public.$name')" </dev/null)
    if [ "$valid" = t ]; then
        continue
    fi
    docker compose stop worker </dev/null
    if [ "$(waiting)" -gt 0 ]; then
        echo "requests wait for a connection; letting fewer in"
        docker compose exec -T api-1 flags set rate_limit 5 </dev/null
    fi
    echo "$name is missing; building it (this reads the whole table twice)"
    # An interrupted build leaves an invalid index of the same name behind.
    sql "DROP INDEX IF EXISTS public.$name" </dev/null
    sql "CREATE INDEX CONCURRENTLY ${statement#CREATE INDEX }" </dev/null
    echo "$name is there again"
    docker compose exec -T api-1 flags unset rate_limit </dev/null
    docker compose start worker </dev/null
done
