#!/bin/sh
# Why people try it: a page that says sorry is friendlier than an error, and counts as none.
set -eu
docker compose exec -T --user root nginx sed -i \
    's|location /api/ {.*|location /api/ { error_page 503 =200 @sorry; return 503; } location @sorry { return 200 "<h1>Back soon</h1>";|' \
    /etc/nginx/nginx.conf
docker compose exec -T nginx nginx -s reload
