"""The service over HTTP: a thin edge around an open keep."""
