"""Use cases: what people do with Facekeep, with access, transactions and logs."""
