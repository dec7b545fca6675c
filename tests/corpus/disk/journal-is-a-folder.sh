# lab status
# lab hint
# lab restore
rm "$OWN"/lab.db
mkdir "$OWN"/lab.db
