"""Presentation attack detection over the crops of a capture: each voice in a file."""
