"""Signet, a third party: it signs download links and ranks lists, and takes its time for both.

It stands for what every product depends on and nobody there operates: another company, in another
region, with a plan that says how much it does at once. Its latency is the distance and its own
work, and no processor of this machine makes it shorter or longer; so what Darkroom can do in a
second follows from Little's law, and not from the pace of a laptop.
"""
