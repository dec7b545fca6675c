#!/bin/sh
# The operator's fix: see which replica is not running, and bring it back. Run it in the checkout.
set -eu

for replica in api-1 api-2 api-3; do
    if [ -z "$(docker compose ps --status running --quiet "$replica")" ]; then
        echo "$replica is down; starting it"
        docker compose up --detach --no-deps --wait "$replica"
    fi
done
