# lab start slow
# lab restore
rmdir "$TMPDIR"
: > "$TMPDIR"
