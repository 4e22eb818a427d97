"""Building the model pack."""
