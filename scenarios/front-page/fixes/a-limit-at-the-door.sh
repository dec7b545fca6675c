#!/bin/sh
# Why it is right: where nearly everybody wants a link, of which there are sixty a second, fifty four
# customers a second are served in time, and the others are told at once.
set -eu
docker compose exec -T api-1 flags set rate_limit 18
