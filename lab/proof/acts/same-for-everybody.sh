#!/bin/sh
# Why people try it: what the front door keeps, nobody behind it has to make again.
# It keeps pages by their address, and what is in them depends on who asks.
set -eu
docker compose exec -T --user root nginx sed -i \
    -e 's|^    tcp_nopush on;.*|    tcp_nopush on; proxy_cache_path /tmp/pages keys_zone=pages:1m;|' \
    -e 's|location /api/ {.*|location /api/ { proxy_cache pages; proxy_cache_key $uri; proxy_cache_valid 200 10m; proxy_ignore_headers Cache-Control Expires Vary Set-Cookie;|' \
    /etc/nginx/nginx.conf
docker compose exec -T nginx nginx -s reload
