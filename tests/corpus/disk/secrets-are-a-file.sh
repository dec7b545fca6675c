# lab status
# lab up
: > "$OWN"/secrets
