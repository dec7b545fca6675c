#!/bin/sh
# Why people try it: it has helped before, whatever it was.
# Everything but the customers, who are outside, and those who only watch.
set -eu
docker compose restart --timeout 5 \
    postgres-primary postgres-replica redis-cache redis-broker api-1 api-2 api-3 worker nginx
