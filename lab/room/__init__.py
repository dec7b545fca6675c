"""The control room: one local web page for a night. What it does, it does as the commands do, so
that an incident which was begun in one may be ended in the other."""
