"""A hunt through all that a process leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.hunting.memory import Piece, memory_of, pieces
from tests.hunting.streams import FaceFinder, FoundPicture
from tests.hunting.traces import FoundTrace, Traces


@dataclass(slots=True)
class Found:
    """What a hunt came to.

    Attributes:
        searched: bytes that were looked through.
        pictures: that decode and show a face.
        traces: pieces of what was sent, or of what is made of it.
    """

    searched: int = 0
    pictures: list[FoundPicture] = field(default_factory=list)
    traces: list[FoundTrace] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing at all was found."""
        return not self.pictures and not self.traces

    @property
    def longest(self) -> int:
        """Bytes of the longest piece; 0 for none."""
        return max((trace.length for trace in self.traces), default=0)

    def by_source(self) -> dict[str, tuple[int, int, int]]:
        """How many pieces of each source were found, their bytes together, and the longest."""
        told: dict[str, tuple[int, int, int]] = {}
        for trace in self.traces:
            count, total, longest = told.get(trace.source, (0, 0, 0))
            told[trace.source] = count + 1, total + trace.length, max(longest, trace.length)
        return told

    def __str__(self) -> str:
        return (
            f"{self.searched >> 20} MiB: {len(self.pictures)} pictures with a face, {len(self.traces)} pieces "
            f"(longest {self.longest} bytes) {self.by_source()} {self.pictures[:5]}"
        )


class Hunt:
    """Looks for faces, and for traces of known pictures, in memory, in files and in text."""

    def __init__(self, faces: FaceFinder, traces: Traces) -> None:
        self._faces, self._traces = faces, traces

    def process(self, pid: int) -> Found:
        """The memory of a running process.

        Raises:
            UnreadableMemoryError: this account may not read it.
        """
        return self._through(memory_of(pid))

    def folders(self, *folders: Path) -> Found:
        """Every byte of every file below some folders."""
        files = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
        return self._through(piece for path in files for piece in pieces(path.name, 0, path.read_bytes()))

    def text(self, where: str, text: str | bytes) -> Found:
        """What was written somewhere: logs, counters, answers."""
        return self._through(pieces(where, 0, text.encode() if isinstance(text, str) else text))

    def _through(self, all_pieces: Iterable[Piece]) -> Found:
        found = Found()
        for piece in all_pieces:
            found.searched += piece.fresh
            found.pictures += self._faces.find(piece)
            found.traces += self._traces.find(piece)
        return found
