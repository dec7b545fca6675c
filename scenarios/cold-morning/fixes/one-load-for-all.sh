#!/bin/sh
# Why it is right: forty circles are loaded once each instead of by everybody who misses them; who is
# in too much of a hurry is refused until they are there.
set -eu
docker compose exec -T api-1 flags set single_flight on
docker compose exec -T api-1 flags set ttl_jitter on
docker compose exec -T api-1 flags set rate_limit 4
sleep 20
docker compose exec -T api-1 flags unset rate_limit
