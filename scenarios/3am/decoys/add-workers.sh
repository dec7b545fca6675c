#!/bin/sh
# Why people try it: the page says that the queue is not draining, so there must be too few workers.
set -eu
docker compose up --detach --no-recreate --no-deps --scale worker=3 worker
