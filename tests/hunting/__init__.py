"""Hunting for faces in what a process leaves: its memory, its files, its logs (docs/adr/0025-memory.md).

Two ways that fail differently. :class:`~tests.hunting.streams.FaceFinder` knows nothing of what was sent: whatever
decodes to a picture with a face is found. :class:`~tests.hunting.traces.Traces` knows every byte that was sent and
every form that the code makes of it: it finds pieces that no decoder takes, and says how long they are.
"""

from tests.hunting.hunt import Found, Hunt
from tests.hunting.memory import UnreadableMemoryError, memory_of
from tests.hunting.streams import FaceFinder, FoundPicture
from tests.hunting.traces import FoundTrace, Traces

CARELESS = "tests.hunting.careless"
"""The module that runs ``facekeep`` without interfaces/memory.py."""

__all__ = [
    "CARELESS",
    "FaceFinder",
    "Found",
    "FoundPicture",
    "FoundTrace",
    "Hunt",
    "Traces",
    "UnreadableMemoryError",
    "memory_of",
]
