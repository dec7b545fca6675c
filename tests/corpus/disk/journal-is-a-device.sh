# lab status
# lab hint
rm "$OWN"/lab.db
ln -s /dev/full "$OWN"/lab.db
