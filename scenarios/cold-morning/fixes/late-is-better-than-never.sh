#!/bin/sh
# Why it is right: few loads at a time, and each object once for all, fill the cache; from then on what
# has expired is still good enough for whoever would have to wait for it.
set -eu
for flag in shed single_flight serve_stale; do
    docker compose exec -T api-1 flags set "$flag" on
done
