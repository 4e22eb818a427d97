"""Programs that use Facekeep, for reading and trying."""
