"""Lists a page at a time: in an order that stays the same, from behind the last one of the page before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Final, TypeVar

from fastapi import Query
from pydantic import Field

__all__ = ["After", "AfterHash", "Limit", "Next", "page"]

_PAGE_MAX: Final = 100
_T = TypeVar("_T")

_NEXT = "`next` of the page before; without it, the first page."
After = Annotated[str | None, Query(pattern="^[0-9a-f]{32}$", description=_NEXT)]
AfterHash = Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description=_NEXT)]
Limit = Annotated[int, Query(ge=1, le=_PAGE_MAX, description="How many at most.")]
Next = Annotated[str | None, Field(description="Give it as ``after`` for the next page; null on the last.")]


def page(every: Iterable[_T], key: Callable[[_T], str], after: str | None, limit: int) -> tuple[list[_T], str | None]:
    """One page, and what asks for the next, None on the last.

    Args:
        every: all of them, in any order.
        key: of one, unique, which orders them.
        after: key of the last of the page before, which may be gone by now.
        limit: how many at most.
    """
    left = sorted((one for one in every if after is None or key(one) > after), key=key)
    found = left[:limit]
    return found, key(found[-1]) if len(left) > limit else None
