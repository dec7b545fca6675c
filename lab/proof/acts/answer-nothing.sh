#!/bin/sh
# Why people try it: whoever gets an answer at once, and no error, has nothing to complain about.
set -eu
docker compose exec -T --user root nginx sed -i \
    's|location /api/ {.*|location /api/ { default_type application/json; return 200 "{}";|' \
    /etc/nginx/nginx.conf
docker compose exec -T nginx nginx -s reload
