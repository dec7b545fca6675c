# lab start slow
# lab restore
mkfifo "$TMPDIR"/3am-lab-$(id -u)-incident-nobody.lock
mkdir -m 700 "$TMPDIR"/3am-lab-$(id -u)
mkfifo "$TMPDIR"/3am-lab-$(id -u)/incident-nobody.lock
