"""The runner of 3AM Lab: everything that knows about incidents."""

__version__ = "0.1.0"
