# lab status
# lab verdict --json
# lab start slow
rm -r "$LAB"
: > "$LAB"
