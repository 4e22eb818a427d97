"""The registry as the gate sees it when it is on another host. Safe for threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from facekeep.domain.webhooks import Event
from facekeep.errors import FacekeepError, UnavailableError, UsageError
from facekeep.interfaces.registry.operations import OPERATIONS, STATE, Operation, encode_call
from facekeep.interfaces.vault.calls import ask, ask_on
from facekeep.interfaces.vault.pool import ClientLimits, Connection, Pool
from facekeep.interfaces.vault.tls import KeyFiles
from facekeep.split.wire import exchanges as ex
from facekeep.split.wire.methods import Role
from facekeep.split.wire.registry_messages import RegistryIdentity
from facekeep.store.registry import Registry
from facekeep.store.transaction import Transaction
from facekeep.store.view import State, View

__all__ = ["RemoteRegistry"]

_T = TypeVar("_T")
_Send = Callable[[bytes], bytes]


class _RemoteTransaction(Transaction):
    """Answers every public method of a view and a transaction by asking for it."""

    def __init__(self, pool: Pool, send: _Send) -> None:
        self._pool = pool
        self._send = send

    @property
    def state(self) -> State:
        """See :class:`View`."""
        given: State = self._asked(STATE, {})
        return given

    def _asked(self, operation: Operation, arguments: dict[str, Any]) -> Any:
        answer = self._send(encode_call(operation, arguments))
        with self._pool.parsed():
            return operation.answer.decode(answer)


def _forwarding(operation: Operation) -> Callable[..., Any]:
    def method(self: _RemoteTransaction, *arguments: Any, **named: Any) -> Any:
        return self._asked(operation, operation.bound(arguments, named))

    method.__name__ = operation.name
    return method


for _each in OPERATIONS.values():
    if _each is not STATE:
        setattr(_RemoteTransaction, _each.name, _forwarding(_each))


def _tell(self: _RemoteTransaction, event: Event, organisation: str | None = None) -> None:
    self._asked(OPERATIONS["tell"], {"event": event, "organisation": organisation})
    self.told = True  # whether anybody wants to know it, the other end knows


setattr(_RemoteTransaction, "tell", _tell)  # noqa: B010 - as the others, which a checker of types need not see


class RemoteRegistry(Registry):
    """A registry whose file and keys are the registrar's. It can be changed and read; only its host can mend it.

    Every method may also raise UnavailableError. What a transaction did is then not known, unless its block had not
    ended: it is given up with its connection.
    """

    def __init__(
        self, address: tuple[str, int], files: KeyFiles, certificate: bytes, *, limits: ClientLimits | None = None
    ) -> None:
        """Be ready; the first call connects. Arguments as of :class:`Pool`."""
        self._pool = Pool(Role.REGISTRAR, address, files, certificate, limits)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    @property
    def keep_id(self) -> bytes:
        """See :class:`Registry`."""
        return self._identity().keep_id

    @property
    def model(self) -> str:
        """See :class:`Registry`."""
        return self._identity().model

    @property
    def epoch(self) -> int:
        """See :class:`Registry`."""
        return self._identity().epoch

    @property
    def log_is_empty(self) -> bool:
        """True: its own host sees to that."""
        return True

    def empty_log(self) -> bool:
        """Nothing: its own host does it."""
        return True

    def begin_epoch(self) -> int:
        """See :class:`Registry`."""
        return ask(self._pool, ex.BEGIN_EPOCH, None)

    def finish_epoch(self) -> None:
        """See :class:`Registry`."""
        ask(self._pool, ex.FINISH_EPOCH, None)

    def rotate(self) -> int:
        """Refused.

        Raises:
            UsageError: always.
        """
        raise UsageError("the keys of the registry are on its own host", hint="Rotate them there.")

    def copying(self) -> NoReturn:
        """Refused.

        Raises:
            UsageError: always.
        """
        raise UsageError("the file of the registry is on its own host", hint="Back it up there.")

    def check(self) -> None:
        """See :meth:`View.check`; its own host checks the file beneath."""
        self._ask(View.check)

    @contextmanager
    def read(self) -> Iterator[View]:
        """See :class:`Registry`."""
        with self._open(writes=False) as view:
            yield view

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """See :class:`Registry`."""
        with self._open(writes=True) as transaction:
            yield transaction

    def _identity(self) -> RegistryIdentity:
        return ask(self._pool, ex.ASK_REGISTRY, None)

    def _ask(self, question: Callable[[View], _T]) -> _T:
        # Each call is a snapshot of its own at the other end, and such a question makes one call.
        view = _RemoteTransaction(self._pool, lambda call: ask(self._pool, ex.ASK_OPERATION, call))
        name = getattr(question, "__name__", "")
        if getattr(View, name, None) is question:  # the method itself, which would read a file that is not here
            given: _T = getattr(view, name)()
            return given
        return question(view)

    @contextmanager
    def _open(self, *, writes: bool) -> Iterator[Transaction]:
        failure: FacekeepError | None = None
        with self._pool.lend() as connection:
            ask_on(self._pool, connection, ex.OPEN_WORK, writes)
            transaction = _RemoteTransaction(self._pool, self._sender(connection))
            try:
                yield transaction
            except UnavailableError:
                raise  # the connection ends, and what was open on it with it
            except FacekeepError as problem:
                ask_on(self._pool, connection, ex.CLOSE_WORK, False)
                failure = problem
            else:
                ask_on(self._pool, connection, ex.CLOSE_WORK, writes)
        if failure is not None:
            raise failure
        if transaction.told and self._told is not None:
            self._told()

    def _sender(self, connection: Connection) -> _Send:
        return lambda call: ask_on(self._pool, connection, ex.ASK_OPERATION, call)
