#!/bin/sh
# redis-cli with this server's password, for operators: `docker compose exec redis-cache redis-cli info`.
if [ -z "${REDISCLI_AUTH:-}" ] && [ -r "/run/secrets/redis_${ROLE:-}" ]; then
    REDISCLI_AUTH=$(cat "/run/secrets/redis_$ROLE")
    export REDISCLI_AUTH
fi
exec /usr/bin/redis-cli "$@"
