#!/bin/sh
# Why people try it: uploads wait in the queue, so there must be too few workers.
set -eu
docker compose up --detach --no-recreate --no-deps --scale worker=3 worker
