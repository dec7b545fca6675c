"""One request, followed through everything that it met."""
