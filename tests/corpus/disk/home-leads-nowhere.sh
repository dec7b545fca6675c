# lab status
# lab verdict
rm -r "$LAB"
ln -s /nonexistent/home "$LAB"
