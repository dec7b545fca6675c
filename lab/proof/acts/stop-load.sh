#!/bin/sh
# Why people try it: without customers nobody waits.
set -eu
docker compose exec -T load curl -fsS -X DELETE http://127.0.0.1:8089/run
