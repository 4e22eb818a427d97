"""The selector: picks the best K of permuted coarse sums. It never sees a probe, a row or a permutation.

The gate never sees the sums: a gate that watched only the largest one recovered a row in 341 to 621 adaptive searches.
"""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekeep.errors import DisagreementError, TicketError
from facekeep.split.kernels import best_positions
from facekeep.split.roles import BEST

_OPEN_MAX = 128


@dataclass(slots=True)
class _Offer:
    tag: bytes
    shares: NDArray[np.uint8] = field(repr=False)


@dataclass(slots=True)
class _Selection:
    offers: dict[bytes, _Offer] = field(default_factory=dict)
    positions: NDArray[np.int32] | None = None
    fetched: set[bytes] = field(default_factory=set)


class Selector:
    """Adds the shares of two halves and gives both the positions of the best sums. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[bytes, _Selection] = OrderedDict()

    def offer(self, search: bytes, side: bytes, tag: bytes, shares: NDArray[np.uint8], support: int) -> None:
        """Take one half's share of the coarse sums, permuted and covered by its share of zero.

        Args:
            search: nonce of the search, 16 bytes.
            side: b"left" or b"right".
            tag: the half's agreement tag, 16 bytes.
            shares: shape (n,), uint8.
            support: largest magnitude of a sum.

        Whether the halves agree is told by ``positions``: the half that offers last must not fare differently.

        Raises:
            TicketError: the half offered before.
        """
        with self._lock:
            selection = self._open.setdefault(search, _Selection())
            while len(self._open) > _OPEN_MAX:  # searches that one half refused never complete
                self._open.popitem(last=False)
            if side in selection.offers:
                raise TicketError("a half offered its sums twice")
            selection.offers[side] = _Offer(tag, shares)
            if len(selection.offers) < 2:
                return
            first, second = selection.offers.values()
        if hmac.compare_digest(first.tag, second.tag) and len(first.shares) == len(second.shares):
            positions = np.empty(min(BEST, len(first.shares)), np.int32)
            if not best_positions(first.shares, second.shares, support, positions):
                selection.positions = positions
        first.shares = second.shares = np.empty(0, np.uint8)

    def positions(self, search: bytes, side: bytes) -> NDArray[np.int32]:
        """The best positions, rising, once for each half.

        Raises:
            DisagreementError: a half refused, the tags or lengths of the halves differ, or a sum cannot be one.
        """
        with self._lock:
            selection = self._open.get(search)
            if selection is None or side in selection.fetched:
                raise DisagreementError("there is no selection for this search")
            if selection.positions is None:
                raise DisagreementError("the halves disagree about a search: it was aborted before any comparison")
            selection.fetched.add(side)
            if len(selection.fetched) == 2:
                del self._open[search]
            return selection.positions
