"""Pixels in, templates out; no storage, no network. Import the modules by name: this one loads nothing."""
