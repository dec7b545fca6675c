#!/bin/sh
# Why it is right: where a third of the customers want what the partner makes three of in a second, who
# refuses that alone serves all the others.
set -eu
docker compose exec -T api-2 flags set shed on
