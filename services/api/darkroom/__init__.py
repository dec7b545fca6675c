"""Darkroom's HTTP API: a small photo-sharing service."""
