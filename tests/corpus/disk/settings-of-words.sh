# lab status
# lab signals
# lab trace
printf "LAB_NGINX_PORT=many\nLAB_PROMETHEUS_PORT=99999\nLAB_LOAD_PORT=\n" > "$OWN"/stack.env
