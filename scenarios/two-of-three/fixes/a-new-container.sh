#!/bin/sh
# Why it is right: a process that died is no loss; a new container of the same kind does the same.
set -eu
for replica in api-1 api-2 api-3; do
    if [ -z "$(docker compose ps --status running --quiet "$replica")" ]; then
        docker compose rm --force "$replica"
        docker compose up --detach --no-deps "$replica"
    fi
done
