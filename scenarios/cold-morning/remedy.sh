#!/bin/sh
# The operator's fix: let one reader load what many miss, keep what is hot from expiring under them,
# and let what was loaded together expire apart. Run it in the checkout.
set -eu

for flag in single_flight early_refresh ttl_jitter; do
    docker compose exec -T api-1 flags set "$flag" on
done
