#!/bin/sh
# Why it is right: compose knows what should be running, and starts what is not.
set -eu
docker compose up --detach --no-recreate
