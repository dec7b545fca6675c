# lab status
# lab signals
# lab up
rm "$OWN"/stack.env
mkdir "$OWN"/stack.env
