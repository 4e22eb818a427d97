"""Facekeep: face recognition with nothing worth stealing."""
