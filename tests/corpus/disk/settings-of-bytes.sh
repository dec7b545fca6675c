# lab status
# lab signals
# lab trace
printf "LAB_NGINX_PORT=\377\376\nLAB_PROMETHEUS_PORT=[/x]\n" > "$OWN"/stack.env
