"""Reading the memory of a running process, as who owns the machine reads it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ (\d+)\s*(.*)")
_LARGEST = 64 << 20
_OVERLAP = 4 << 20
_RESIDENT = np.uint64(0b11 << 62)  # present, or swapped: proc_pid_pagemap(5)


class UnreadableMemoryError(Exception):
    """This account may not read it: a process that is not dumpable shows its memory to root alone."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of bytes.

    Attributes:
        where: what it is part of.
        at: place of its first byte there.
        data: the bytes.
        fresh: how many of them are in no later piece.
    """

    where: str
    at: int
    data: bytes = field(repr=False)
    fresh: int


def pieces(where: str, at: int, data: bytes) -> Iterator[Piece]:
    """Bytes in pieces that overlap, so that what lies across the border of two is whole in one."""
    for start in range(0, len(data), _LARGEST):
        part = data[start : start + _LARGEST + _OVERLAP]
        yield Piece(where, at + start, part, min(_LARGEST, len(data) - start))


def memory_of(pid: int) -> Iterator[Piece]:
    """All that a process holds in memory: heaps, stacks, buffers, data of libraries; used, freed, or out of reach.

    What is mapped from a file and cannot be written to is left out, for it is that file; so are pages that are not
    there. Of a page that is unmapped meanwhile nothing is told.

    Raises:
        UnreadableMemoryError: this account may not read it.
    """
    process = Path(f"/proc/{pid}")
    try:
        with (
            (process / "maps").open(encoding="utf-8", errors="replace") as maps,
            (process / "mem").open("rb", buffering=0) as memory,
            (process / "pagemap").open("rb", buffering=0) as pages,
        ):
            for line in maps.read().splitlines():
                found = _LINE.match(line)
                assert found is not None, line
                start, end, rights, inode, name = int(found[1], 16), int(found[2], 16), *found.groups()[2:]
                if name in ("[vvar]", "[vsyscall]", "[vdso]", "[vvar_vclock]") or (inode != "0" and "w" not in rights):
                    continue
                for at, length in _resident(pages.fileno(), start, end):
                    try:
                        data = _read(memory.fileno(), at, length)
                    except OSError:
                        continue
                    yield from pieces(f"memory {rights} {Path(name).name}".strip(), at, data)
    except PermissionError:
        raise UnreadableMemoryError("read it as root") from None


def _resident(pages: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Runs of pages that are there, as (address, length)."""
    entries = np.frombuffer(os.pread(pages, (end - start) // _PAGE * 8, start // _PAGE * 8), np.uint64)
    there = np.concatenate([[False], (entries & _RESIDENT) != 0, [False]])
    (edges,) = np.nonzero(np.diff(there))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        yield start + int(first) * _PAGE, int(last - first) * _PAGE


def _read(memory: int, at: int, length: int) -> bytes:
    parts = []
    while length:
        part = os.pread(memory, min(length, 1 << 30), at)
        if not part:
            break
        parts.append(part)
        at, length = at + len(part), length - len(part)
    return b"".join(parts) if len(parts) != 1 else parts[0]
