#!/bin/sh
# Why people try it: every replica of the application has requests waiting, so there are too few.
set -eu
docker compose up --detach --no-deps --scale api=2 api
