#!/bin/sh
# Why people try it: everything is slow, so the cache must hold something bad.
set -eu
docker compose exec -T redis-cache redis-cli FLUSHALL
