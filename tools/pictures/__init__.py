"""Fetching pictures for tests and the demonstration."""
