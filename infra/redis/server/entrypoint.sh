#!/bin/sh
# ROLE=cache|broker; with arguments, runs those instead.
set -eu
if [ $# -gt 0 ]; then exec "$@"; fi
case "${ROLE:-}" in
    cache | broker) ;;
    *) echo "ROLE must be cache or broker, not '${ROLE:-}'" >&2; exit 2 ;;
esac
# On a tmpfs rather than in the command line or the environment, where `ps` and
# `docker inspect` would show it.
umask 077
password=$(sed 's/["\\]/\\&/g' "/run/secrets/redis_$ROLE")
test -n "$password" || { echo "secret redis_$ROLE is empty" >&2; exit 1; }
printf 'requirepass "%s"\n' "$password" >/run/redis/password.conf
exec redis-server "/etc/darkroom/$ROLE.conf"
