"""All bytes at rest: keys, the sealed registry and the sealed halves."""
