# lab status
# lab restore
rm -r "$OWN"
: > "$OWN"
