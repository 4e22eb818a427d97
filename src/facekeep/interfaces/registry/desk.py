"""The registry's side of one connection: a snapshot or a transaction lives on it, and ends with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Final

from facekeep.errors import UsageError
from facekeep.interfaces.registry.operations import STATE, Operation, decode_call
from facekeep.interfaces.vault.handlers import Desk, Handler
from facekeep.split.wire import exchanges as ex
from facekeep.split.wire.methods import Method, Role
from facekeep.split.wire.registry_messages import RegistryIdentity
from facekeep.store.registry import Registry
from facekeep.store.transaction import Transaction
from facekeep.store.view import View

__all__ = ["HELD_SECONDS", "RegistryDesk", "desk_of"]

HELD_SECONDS: Final = 10.0
"""How long a transaction waits for its next request before it is given up: others wait for it."""


class _GivenUp(Exception):  # noqa: N818 - it never leaves this module
    """Ends a block whose effects shall not be."""


class RegistryDesk:
    """Answers one connection. All its methods are called by that connection's thread."""

    def __init__(self, registry: Registry) -> None:
        """Be ready.

        Args:
            registry: open; it outlives the connection.
        """
        self._registry = registry
        self._block: AbstractContextManager[View] | None = None
        self._view: View | None = None
        handlers = (
            Handler(ex.ASK_REGISTRY, self._identity),
            Handler(ex.OPEN_WORK, self._open),
            Handler(ex.ASK_OPERATION, self._ask),
            Handler(ex.CLOSE_WORK, self._close),
            Handler(ex.BEGIN_EPOCH, lambda *_: registry.begin_epoch()),
            Handler(ex.FINISH_EPOCH, lambda *_: registry.finish_epoch()),
        )
        self.handlers: Mapping[Method, Handler] = {handler.exchange.method: handler for handler in handlers}

    @property
    def patience(self) -> float | None:
        """Seconds to wait for the next request while something is open."""
        return None if self._view is None else HELD_SECONDS

    def close(self) -> None:
        """Give up what is open."""
        self._end(commits=False)

    def _identity(self, _: Role, __: None) -> RegistryIdentity:
        return RegistryIdentity(self._registry.keep_id, self._registry.model, self._registry.epoch)

    def _open(self, _: Role, writes: bool) -> None:
        if self._view is not None:
            raise UsageError("something is open on this connection already")
        block: AbstractContextManager[View] = self._registry.transaction() if writes else self._registry.read()
        self._view = block.__enter__()
        self._block = block

    def _ask(self, _: Role, call: bytes) -> bytes:
        operation, arguments = decode_call(call)
        if self._view is not None:
            return self._answer(self._view, operation, arguments)
        with self._registry.read() as view:
            return self._answer(view, operation, arguments)

    @staticmethod
    def _answer(view: View, operation: Operation, arguments: Mapping[str, Any]) -> bytes:
        if operation.writes and not isinstance(view, Transaction):
            raise UsageError("a change needs a transaction")
        given = view.state if operation is STATE else getattr(view, operation.name)(**arguments)
        return operation.answer.encode(given)

    def _close(self, _: Role, commits: bool) -> None:
        if self._view is None:
            raise UsageError("nothing is open on this connection")
        self._end(commits=commits)

    def _end(self, *, commits: bool) -> None:
        block, self._block, self._view = self._block, None, None
        if block is None:
            return
        if commits:
            block.__exit__(None, None, None)
            return
        given_up = _GivenUp()
        block.__exit__(_GivenUp, given_up, given_up.__traceback__)


def desk_of(registry: Registry) -> Callable[[], Desk]:
    """Makes the desk of each connection to a registry."""
    return partial(RegistryDesk, registry)
