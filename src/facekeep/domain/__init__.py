"""The nouns of face recognition, by their ISO/IEC 2382-37 names. Only the standard library and numpy; no I/O, no clock."""
