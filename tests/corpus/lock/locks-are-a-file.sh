# lab start slow
# lab restore
: > "$TMPDIR"/3am-lab-$(id -u)
