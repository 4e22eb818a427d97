"""How the inner loops of a search are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(loop: Callable[_P, _R]) -> Callable[_P, _R]:
    """The loop, compiled by numba when it is first called, without the interpreter lock.

    The compiled code is kept for the next process, beside the module or where numba keeps it for the account. An
    account that may write to neither, as a service's, compiles in each process; numba would not load the module.
    """
    try:
        made = njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # "no locator available": there is no place that this account may write to
        made = njit(nogil=True)(loop)
    return cast("Callable[_P, _R]", made)
