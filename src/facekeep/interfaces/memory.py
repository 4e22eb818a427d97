"""What is left in a server's memory once it has done with a picture, and who can read it (docs/adr/0025-memory.md).

CPython gives back what nobody refers to at once, and the C library keeps what it was given back as it was, for whoever
is given it next. glibc can be told to overwrite it. Whether it did is looked at and not assumed: another allocator, or
another C library, takes the same call or none, and erases nothing.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import resource
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import structlog
from PIL import _imaging as pillow

__all__ = ["Sweeper", "Weakness", "erases_what_is_freed", "harden", "settle", "tell"]

_log = structlog.get_logger("facekeep.memory")

_SWEPT_AFTER_SECONDS: Final = 1.0

# malloc.h
_M_PERTURB: Final = -6
_FREED: Final = 0xFF
"""What freed memory is filled with. What is allocated is filled with its complement, zeros: the mildest for whoever
reads what was never written."""

# sys/prctl.h
_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4

_PROBE_BYTES: Final = 8192
"""More than thread caches hold (1,032 bytes), and less than is given back to the kernel at once."""
_LINKS_BYTES: Final = 64
"""At the beginning of a freed chunk: pointers to others, whatever it was filled with."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """Something that could not be had of this machine.

    Attributes:
        code: for programs, stable.
        message: what is weak.
        hint: what to do.
    """

    code: str
    message: str
    hint: str


class _Vector(ctypes.Structure):
    """``struct iovec``."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def harden() -> tuple[Weakness, ...]:
    """Have this process overwrite what it frees, leave no core dump, and be read by root alone. Call it first.

    It cannot be undone: what is not dumpable cannot be attached to by its own account either.

    Returns:
        What could not be had.
    """
    return tuple(_weaknesses())


def settle() -> None:
    """Call it when all that stays is loaded: later searches for garbage leave it out, and take a tenth of the time."""
    gc.collect()
    gc.freeze()


class Sweeper:
    """Lets go of what refers to itself in a circle, as an error does that was raised where a picture was at hand.

    Python looks for circles when many objects were made, and so not at all in a server that has nothing to do: a
    picture would wait in one for hours. For one event loop.
    """

    def __init__(self) -> None:
        self._due: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        """Look a second from now: once, however often this is called until then."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_SWEPT_AFTER_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._due = None
        gc.collect()


def tell(weak: Iterable[Weakness]) -> None:
    """Log what could not be had, as warnings."""
    for one in weak:
        _log.warning(one.message, code=one.code, hint=one.hint)


def _weaknesses() -> Iterator[Weakness]:
    pillow.set_blocks_max(0)  # none of Pillow's own arenas, whatever PILLOW_BLOCKS_MAX says: none of them is erased
    if not erases_what_is_freed():
        yield Weakness(
            "freed-memory",
            "what is freed is not known to be overwritten: pictures may stay in memory after they were judged",
            "Run it on glibc without another allocator (LD_PRELOAD); musl cannot do it.",
        )
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    control = getattr(ctypes.CDLL(None), "prctl", None)
    # A limit of 0 does not bind a dump that is piped to a program (core(5)); this does.
    if control is None or control(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 or control(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0:
        yield Weakness(
            "dumpable",
            "core dumps cannot be forbidden, nor other processes of this account from reading the memory",
            "Run it on Linux, as an account of its own, with sysctl kernel.core_pattern=/dev/null.",
        )


def erases_what_is_freed(*, from_now_on: bool = True) -> bool:
    """Have the C library overwrite what this process frees, and say whether it does.

    Left out are pieces of up to 1,032 bytes that a thread's own cache holds, seven of a size, until they are used again
    or the thread ends; ``GLIBC_TUNABLES=glibc.malloc.tcache_count=0`` leaves none.

    Args:
        from_now_on: whether it shall go on after this was looked at.
    """
    library = ctypes.CDLL(None, use_errno=True)
    adjust, read = (getattr(library, name, None) for name in ("mallopt", "process_vm_readv"))
    if adjust is None or read is None or adjust(_M_PERTURB, _FREED) != 1:
        return False
    overwritten = _is_overwritten(library)
    if not from_now_on:
        adjust(_M_PERTURB, 0)
    return overwritten


def _is_overwritten(library: Any) -> bool:
    allocate, free, read = library.malloc, library.free, library.process_vm_readv
    allocate.restype, allocate.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    free.restype, free.argtypes = None, (ctypes.c_void_p,)
    read.restype = ctypes.c_ssize_t
    mark = os.urandom(_PROBE_BYTES)
    place = allocate(_PROBE_BYTES)
    if place is None:
        return False
    # Made before, or it would be given the very place that is looked at.
    seen = ctypes.create_string_buffer(_PROBE_BYTES)
    into, out_of = _Vector(ctypes.addressof(seen), _PROBE_BYTES), _Vector(place, _PROBE_BYTES)
    one, number = ctypes.c_ulong(1), ctypes.c_ulong(0)
    ctypes.memmove(place, mark, _PROBE_BYTES)
    free(place)
    # Read by the kernel: with another allocator nothing may be there any more.
    got = read(os.getpid(), ctypes.byref(into), one, ctypes.byref(out_of), one, number)
    return bool(got == _PROBE_BYTES) and not any(
        mark[at : at + _LINKS_BYTES] in seen.raw for at in range(_LINKS_BYTES, _PROBE_BYTES, _LINKS_BYTES)
    )
