"""Watching folders for files that are made in them, unnamed ones too, by inotify of Linux."""

from __future__ import annotations

import ctypes
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_MODIFY, _MOVED_TO, _CREATE = 0x2, 0x80, 0x100
_NONBLOCK = 0o4000
_EVENT = struct.Struct("iIII")


@dataclass
class Watched:
    """What happened in the folders.

    Attributes:
        made: names of files that came into being; unnamed ones by the number that the kernel gives them.
        changed: names of files that were written to.
    """

    made: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)


@contextmanager
def watching(*folders: Path) -> Iterator[Watched]:
    """Watch folders with all that is in them; what was seen is complete after the block.

    It proves first, in the first folder, that it sees a temporary file that never had a name.
    """
    watched = Watched()
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(_NONBLOCK)
    assert descriptor >= 0
    try:
        for top in folders:
            for folder in [top, *(path for path in top.rglob("*") if path.is_dir())]:
                mask = _MODIFY | _MOVED_TO | _CREATE
                assert libc.inotify_add_watch(descriptor, os.fsencode(folder), mask) >= 0, folder
        with tempfile.TemporaryFile(dir=folders[0]) as unnamed:
            unnamed.write(b"x")
        _read(descriptor, watched)
        assert len(watched.made | watched.changed) == 1, "a file without a name would not be seen here"
        watched.made.clear()
        watched.changed.clear()
        yield watched
        _read(descriptor, watched)
        watched.made |= {name for name in watched.changed if name.startswith("#")}
    finally:
        os.close(descriptor)


def _read(descriptor: int, watched: Watched) -> None:
    while True:
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return
        place = 0
        while place < len(data):
            _, mask, _, length = _EVENT.unpack_from(data, place)
            place += _EVENT.size
            name = data[place : place + length].rstrip(b"\0").decode()
            place += length
            assert not mask & 0x4000, "the kernel lost events"  # IN_Q_OVERFLOW
            (watched.changed if mask & _MODIFY else watched.made).add(name)
