#!/bin/sh
# Exit code 0 when this server answers with its data loaded (PING says LOADING until then).
test "$(redis-cli PING)" = PONG
