# lab start slow
# lab restore
mkdir "$TMPDIR"/3am-lab-$(id -u)-incident-nobody.lock
mkdir -m 700 "$TMPDIR"/3am-lab-$(id -u) "$TMPDIR"/3am-lab-$(id -u)/incident-nobody.lock
