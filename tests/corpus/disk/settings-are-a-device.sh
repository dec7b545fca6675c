# lab status
# lab signals
rm "$OWN"/stack.env
ln -s /dev/null "$OWN"/stack.env
