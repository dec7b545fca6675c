# lab start slow
# lab restore
ln -s /nonexistent/lock "$TMPDIR"/3am-lab-$(id -u)-incident-nobody.lock
mkdir -m 700 "$TMPDIR"/3am-lab-$(id -u)
ln -s /nonexistent/lock "$TMPDIR"/3am-lab-$(id -u)/incident-nobody.lock
