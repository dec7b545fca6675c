# lab status
# lab restore
: > "$OWN"/logs
