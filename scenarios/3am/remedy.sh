#!/bin/sh
# The operator's fix: compare the indexes that the application expects with those that the database
# has, and build what is missing, without blocking writes. Run it in the checkout.
set -eu

sql() {
    docker compose exec -T -e PGOPTIONS="-c client_min_messages=warning" postgres-primary \
        psql -XqAt -v ON_ERROR_STOP=1 -U postgres darkroom -c "$1"
}

grep -oE '^CREATE INDEX [a-z_]+ ON [^;]+' infra/postgres/schema.sql | while read -r statement; do
    name=$(echo "$statement" | cut -d' ' -f3)
    valid=$(sql "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('public.$name')" </dev/null)
    if [ "$valid" = t ]; then
        continue
    fi
    echo "$name is missing; building it (this reads the whole table twice)"
    # An interrupted build leaves an invalid index of the same name behind.
    sql "DROP INDEX IF EXISTS public.$name" </dev/null
    sql "CREATE INDEX CONCURRENTLY ${statement#CREATE INDEX }" </dev/null
    echo "$name is there again"
done
