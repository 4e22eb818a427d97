"""The split gallery: references kept as two random halves and searched exactly (docs/spec/split-gallery.md)."""
