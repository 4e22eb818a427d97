"""Measuring presentation attack detection: what is simulated, and the tables of docs/reference/pad.md."""
