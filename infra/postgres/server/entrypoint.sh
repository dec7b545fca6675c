#!/bin/sh
# ROLE=primary|replica|heartbeat; with arguments, runs those instead.
set -eu
if [ $# -gt 0 ]; then exec "$@"; fi
case "${ROLE:-}" in
    primary | replica) exec python3 "/opt/server/$ROLE.py" ;;
    heartbeat) exec /opt/server/heartbeat.sh ;;
    *) echo "server: ROLE must be primary, replica or heartbeat, not '${ROLE:-}'" >&2; exit 2 ;;
esac
