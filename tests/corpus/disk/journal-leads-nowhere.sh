# lab status
# lab restore
rm "$OWN"/lab.db
ln -s /nonexistent/lab.db "$OWN"/lab.db
