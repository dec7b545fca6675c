#!/bin/sh
# Why people try it: a low hit ratio looks like a cache that is too small.
set -eu
docker compose exec -T redis-cache redis-cli CONFIG SET maxmemory 96mb
