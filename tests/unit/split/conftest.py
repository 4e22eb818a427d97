"""Hypothesis without deadlines: the machine may be busy, and kernels compile on their first call."""

from hypothesis import settings

settings.register_profile("split", deadline=None)
settings.load_profile("split")
