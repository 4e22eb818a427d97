"""What deep parts are bound to, in memory: a comparison then reads one table of the store less for each of its rows."""

from __future__ import annotations

from typing import Final

__all__ = ["Bounds"]

_BYTES: Final = 16  # half_rows.BOUND_BYTES
_NONE: Final = bytes(_BYTES)


class Bounds:
    """The last 16 bytes of the sealed head of each slot, as far as they are known."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    def learn(self, slot: int, bound: bytes) -> None:
        """Take in one; another length than 16 bytes is a damaged cell, which is known to nobody."""
        if len(bound) != _BYTES:
            return
        count = len(self._held) // _BYTES
        if slot >= count:
            self._held += bytes(_BYTES * max(slot + 1 - count, count // 4))
        self._held[slot * _BYTES : (slot + 1) * _BYTES] = bound

    def forget(self, slot: int) -> None:
        """The row in the slot changed."""
        if slot in self:
            self.learn(slot, _NONE)

    def clear(self) -> None:
        """Every row changed."""
        self._held = bytearray()

    def __contains__(self, slot: int) -> bool:
        return self[slot] not in {b"", _NONE}

    def __getitem__(self, slot: int) -> bytes:
        """The bound of a slot; of an unknown one something to which no deep part is bound."""
        return bytes(self._held[slot * _BYTES : (slot + 1) * _BYTES])
