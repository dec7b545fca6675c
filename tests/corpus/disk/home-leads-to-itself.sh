# lab status
# lab verdict
rm -r "$LAB"
ln -s "$LAB" "$LAB"
