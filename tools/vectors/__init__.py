"""Generators of test vectors."""
