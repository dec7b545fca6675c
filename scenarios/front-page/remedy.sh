#!/bin/sh
# The operator's fix: look what is at its limit. If it is the application, more of it; if it is what
# lies behind, more of the application would only bring more of them there: then what is less
# important is refused at once, so that the rest is served in time. Run it in the checkout.
set -eu

api=$(docker compose ps --quiet api-1)
limit=$(docker inspect --format '{{.HostConfig.NanoCpus}}' "$api")
used=$(docker stats --no-stream --format '{{.CPUPerc}}' "$api" | tr -d '%')

if awk "BEGIN { exit !($used / 100 > 0.8 * $limit / 1000000000) }"; then
    echo "the replicas of the application are at their limit; adding six"
    docker compose up --detach --no-deps --scale api=6 api
else
    echo "the application is not at its limit, so what it waits for is; shedding"
    docker compose exec -T api-1 flags set shed on
fi
