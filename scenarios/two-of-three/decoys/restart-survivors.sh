#!/bin/sh
# Why people try it: the replicas that are there are slow, and a restart has helped before.
set -eu
docker compose restart $(docker compose ps --status running --services | grep '^api-')
