"""The nouns of face recognition, by their ISO/IEC 2382-37 names. Standard library and numpy only; no I/O, no clock."""
