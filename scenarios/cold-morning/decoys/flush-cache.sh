#!/bin/sh
# Why people try it: the cache misbehaves, so a clean one must be better.
set -eu
docker compose exec -T redis-cache redis-cli FLUSHALL
