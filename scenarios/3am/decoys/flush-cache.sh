#!/bin/sh
# Why people try it: the hit ratio fell, so the cache must hold something bad.
set -eu
docker compose exec -T redis-cache redis-cli FLUSHALL
