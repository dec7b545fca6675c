#!/bin/sh
# Why it is right: with few loads at a time some of them end, and what has been loaded is kept; it is
# refreshed before it expires, so that nobody misses it again.
set -eu
docker compose exec -T api-1 flags set shed on
docker compose exec -T api-1 flags set early_refresh on
docker compose exec -T api-1 flags set single_flight on
