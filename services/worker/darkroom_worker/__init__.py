"""Darkroom's worker: what happens to a photo after its upload was accepted."""
