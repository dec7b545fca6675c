"""Darkroom's customers: an open workload.

People arrive when they arrive, whether or not the service is quick: each
intended arrival gets its own greenlet, and its latency counts from the
moment it was *meant* to start. A closed generator would wait for slow
answers and so hide the very damage it is there to measure.

The pure parts (`schedule`, `visits`, `ledger`, `settings`) import nothing but
the standard library; what touches the network lives beside them and runs in
this service's own container, because importing Locust patches the process.
"""
