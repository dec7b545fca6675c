#!/bin/sh
# Why people try it: whatever is wrong with the cache, an empty one cannot be wrong.
set -eu
docker compose exec -T redis-cache redis-cli FLUSHALL
