"""The registry over real sockets: blocks that are kept, given up, cut off; who may ask; what a lost answer means."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facekeep.domain import accounts
from facekeep.domain.consent import Notice, Purpose
from facekeep.domain.evidence import Circumstances, ConsentRules, Evidence, Guardian
from facekeep.domain.row import Pseudonym
from facekeep.domain.search import CaseId
from facekeep.domain.webhooks import Event, EventKind
from facekeep.errors import (
    AuthenticationError,
    ConsentError,
    FormatError,
    NotFoundError,
    RefusedError,
    UnavailableError,
    UsageError,
)
from facekeep.interfaces.registry import desk as desk_module
from facekeep.interfaces.registry.client import RemoteRegistry
from facekeep.interfaces.registry.desk import desk_of
from facekeep.interfaces.registry.values import codec_of
from facekeep.interfaces.vault.calls import ask
from facekeep.interfaces.vault.handlers import serve_registrar
from facekeep.interfaces.vault.pool import Pool
from facekeep.service.accounts import AccountService
from facekeep.service.passkeys import Challenges, PasskeyService
from facekeep.split.selector import Selector
from facekeep.split.wire import exchanges as ex
from facekeep.split.wire.methods import Role
from facekeep.store.journal import JournalKind, JournalState
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.registry import Registry
from tests.unit.interfaces.vault.conftest import LIMITS, Keys, Line, Site, Told
from tests.unit.service.authenticator import Authenticator

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

NOW = datetime(2026, 2, 3, tzinfo=UTC)
MODEL = "0f" * 32
KEEP = bytes(range(16))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    made = Keys(tmp_path_factory.mktemp("keys"))
    for role in Role:
        made.add(role)
    return made


@pytest.fixture
def site(keys: Keys) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(keys, Told(), stack)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """The file, as its own host has it."""
    provider = FileKeyProvider(tmp_path / "keys")
    with Registry.create(tmp_path / "registry.db", provider, keep_id=KEEP, model=MODEL) as made:
        yield made


@pytest.fixture
def address(site: Site, registry: Registry) -> tuple[str, int]:
    callers = (Role.GATE, Role.LEFT, Role.RIGHT)
    return site.serve(serve_registrar(Selector(), desk_of(registry)), *callers).address


def _remote(site: Site, address: tuple[str, int], **limits: float) -> RemoteRegistry:
    certificate = site.keys.certificate("registrar")
    made = RemoteRegistry(address, site.keys.files("gate"), certificate, limits=replace(LIMITS, **limits))  # type: ignore[arg-type]
    site.stack.callback(made.close)
    return made


@pytest.fixture
def remote(site: Site, address: tuple[str, int]) -> RemoteRegistry:
    """The same, as the gate has it."""
    return _remote(site, address)


def _add(registry: Registry, *labels: str, then: Callable[[], None] = lambda: None) -> None:
    """Add people in one transaction, and do something before it ends."""
    with registry.transaction() as tx:
        for label in labels:
            tx.add_subject(label)
        then()


def test_what_is_written_there_is_read_here_and_there(registry: Registry, remote: RemoteRegistry) -> None:
    assert (remote.keep_id, remote.model, remote.epoch) == (KEEP, MODEL, registry.epoch)
    row = Pseudonym(os.urandom(16))
    with remote.transaction() as tx:
        tx.set_switch(Purpose.VERIFY, on=True)
        subject = tx.add_subject("ada", "Ada Ø", {"desk": "3"})
        notice = tx.add_notice(Notice("We keep."))
        tx.give_consent(subject, Purpose.VERIFY, notice, NOW)
        tx.add_reference(subject, row, gallery="main", model=MODEL, created=NOW)
        assert tx.subject_by_label("ada") is not None  # it sees its own writes
        assert registry.subject_count() == 0  # and nobody else does
        entry = tx.journal_begin(JournalKind.ENROL, {"pseudonyms": [row.hex()]}, subject=subject)
        tx.journal_mark(entry, JournalState.COMMITTED)
        assert tx.advance_generation() == 1
    for one in (registry, remote):
        person = one.subject(subject)
        assert (person.label, person.name, dict(person.attributes)) == ("ada", "Ada Ø", {"desk": "3"})
        assert one.subject_of_pseudonym(row) == subject
        assert one.allowed_purposes(subject) == {Purpose.VERIFY}
        assert one.consents_of(subject) == registry.consents_of(subject)
        assert one.references_of(subject)[0].created == NOW
        assert one.switches()[Purpose.VERIFY] is True
        assert (one.subject_count(), one.reference_count(), one.generation) == (1, 1, 1)
        assert [(e.id, e.kind, e.state, dict(e.payload)) for e in one.journal()] == [
            (entry, JournalKind.ENROL, JournalState.COMMITTED, {"pseudonyms": (row.hex(),)})
        ]
        assert [person.label for person in one.subjects(page=1)] == ["ada"]
        one.check()
    with remote.read() as view:
        assert view.is_erased(subject) is False
        assert view.state == registry._ask(lambda own: own.state)


def test_circumstances_rules_and_whole_notices_go_there_and_back(registry: Registry, remote: RemoteRegistry) -> None:
    whole = Notice("We keep.", "en", frozenset({Purpose.VERIFY}), "a year", "nobody", "a card")
    minor = Circumstances(Evidence.form(b"x"), Guardian("Mother", "mother"), 9)
    with remote.transaction() as tx:
        tx.set_consent_rules(ConsentRules(14, age_required=True))
        subject, notice = tx.add_subject("ada"), tx.add_notice(whole)
        tx.give_consent(subject, Purpose.VERIFY, notice, NOW, minor)
    for one in (registry, remote):
        (consent,) = one.consents_of(subject)
        assert (consent.guardian, consent.evidence) == (minor.guardian, minor.evidence)
        assert one.notice(notice) == whole
        assert one.consent_rules() == ConsentRules(14, age_required=True)
    for said in (Circumstances(), Circumstances(age=13), Circumstances(guardian=minor.guardian, age=14)):
        with pytest.raises(ConsentError), remote.transaction() as tx:
            tx.give_consent(subject, Purpose.VERIFY, notice, NOW, said)
    with pytest.raises(FormatError):
        codec_of(ConsentRules).decode(bytes(7) + b"\x16\x00")  # 22 years


def test_errors_come_as_they_are_and_give_the_block_up(registry: Registry, remote: RemoteRegistry) -> None:
    with remote.transaction() as tx:
        tx.add_subject("ada")
    with pytest.raises(UsageError, match="already a data subject"):
        _add(remote, "brook", "ada")
    with pytest.raises(NotFoundError, match="no such case"):
        remote.case(bytes(16))  # type: ignore[arg-type]
    with pytest.raises(FormatError), remote.transaction() as tx:
        tx.add_subject("\x00")
    with pytest.raises(UsageError, match="needs a transaction"), remote.read() as view:
        view.add_subject("c")  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="needs a transaction"):
        remote._ask(lambda view: view.add_subject("c"))  # type: ignore[attr-defined]
    assert registry.subject_count() == 1
    with remote.transaction() as tx:
        tx.add_subject("brook")
    assert remote.subject_count() == 2


def test_what_is_not_facekeeps_ends_the_connection_and_the_block(registry: Registry, remote: RemoteRegistry) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _add(remote, "ada", then=interrupted)
    with remote.transaction() as tx:  # waits until the other is given up
        assert tx.subject_by_label("ada") is None
    assert registry.subject_count() == 0


def test_a_gate_that_falls_silent_holds_nobody_up(
    registry: Registry, remote: RemoteRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "HELD_SECONDS", 0.2)
    with pytest.raises(UnavailableError):
        # The other comes to its turn though the first block has not ended.
        _add(remote, "ada", then=lambda: _add(registry, "brook"))
    assert [person.label for person in registry.subjects()] == ["brook"]


def test_a_decision_whose_answer_is_lost_is_there_or_not_but_is_told_in_order(
    registry: Registry, site: Site, remote: RemoteRegistry, address: tuple[str, int]
) -> None:
    line = Line(address)
    site.stack.callback(line.close)
    through = _remote(site, line.address)

    def cut() -> None:
        line.cut_after = line.carried[-1]  # the answer to "close" is the next thing that comes back

    with pytest.raises(UnavailableError):
        _add(through, "ada", then=cut)
    with remote.transaction() as tx:  # waits for whatever became of it
        decided = tx.subject_by_label("ada") is not None
    assert decided is (registry.subject_count() == 1)
    assert decided is True  # it had been asked before the line was cut


def test_transactions_wait_for_each_other_and_signs_of_life_do_not(
    registry: Registry, site: Site, address: tuple[str, int]
) -> None:
    hasty = _remote(site, address, answer_seconds=0.1, connections=1)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with registry.transaction():
            held.set()
            assert done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(20)
    timer = threading.Timer(0.5, done.set)
    timer.start()
    with hasty.transaction() as tx:  # takes longer than an answer may, while the registrar gives signs of life
        tx.add_subject("ada")
    thread.join()
    timer.join()
    assert registry.subject_count() == 1


def test_a_refresh_gives_new_keys_there(registry: Registry, remote: RemoteRegistry) -> None:
    epoch = remote.begin_epoch()
    remote.finish_epoch()
    assert epoch == registry.epoch == 2
    with pytest.raises(UsageError, match="own host"):
        remote.rotate()


def test_nothing_of_a_remote_registry_looks_for_a_file_here() -> None:
    here = {"_database", "_keys", "_vault", "_epoch", "_keep_id", "_model", "_lock", "_exclusive", "_log_is_empty"}
    for name, each in vars(Registry).items():
        code = getattr(each, "fget", each)
        code = getattr(getattr(code, "__wrapped__", code), "__code__", None)
        if name[0] != "_" and code is not None and here & set(code.co_names):
            assert name in vars(RemoteRegistry), name


@pytest.mark.parametrize("caller", [Role.LEFT, Role.RIGHT])
@pytest.mark.parametrize("exchange", ex.OF_THE_REGISTRY, ids=lambda exchange: exchange.method.name)
def test_only_the_gate_asks_the_registry(
    site: Site, address: tuple[str, int], caller: Role, exchange: ex.Exchange[object, object]
) -> None:
    certificate = site.keys.certificate("registrar")
    pool = Pool(Role.REGISTRAR, address, site.keys.files(caller), certificate, LIMITS)
    site.stack.callback(pool.close)
    asked = {ex.OPEN_WORK.method: True, ex.CLOSE_WORK.method: True, ex.ASK_OPERATION.method: b"\x05state"}
    with pytest.raises(RefusedError, match="may not ask"):
        ask(pool, exchange, asked.get(exchange.method))


def test_the_gate_does_not_reach_the_selector(site: Site, remote: RemoteRegistry) -> None:
    with pytest.raises(RefusedError, match="may not ask"):
        ask(remote._pool, ex.FETCH_POSITIONS, ex.FETCH_POSITIONS.request.decode(bytes(17)))


def test_people_sign_up_and_in_with_a_registry_elsewhere(registry: Registry, remote: RemoteRegistry) -> None:
    here, now, origin = AccountService(remote), NOW, "http://localhost:8744"
    invited, device = (
        here.invite("ada", [accounts.Role.OPERATOR], now, identity=("https://id.example", "1")),
        Authenticator(origin),
    )
    passkeys = PasskeyService(remote, Challenges())
    begun = passkeys.begin_registration(invited.secret, origin, now)
    made = passkeys.register(
        passkeys.prove_registration(invited.secret, begun.name, device.make(begun.options), origin, now), now
    )
    assert AccountService(registry).authenticate(made.secret, now)[0] == invited.account
    with pytest.raises(AuthenticationError):
        passkeys.begin_registration(invited.secret, origin, now)
    begun = passkeys.begin_sign_in(origin, now)
    again = passkeys.sign_in(passkeys.prove_sign_in(begun.name, device.answer(begun.options), origin, now), now)
    here.touch(again.secret, now + timedelta(minutes=20))
    assert here.authenticate(again.secret, now + timedelta(minutes=40))[1].seen == now + timedelta(minutes=20)
    device.step = 0  # a copy: refused there as here
    begun = passkeys.begin_sign_in(origin, now)
    with pytest.raises(AuthenticationError):
        passkeys.sign_in(passkeys.prove_sign_in(begun.name, device.answer(begun.options), origin, now), now)
    assert here.sign_in_elsewhere("https://id.example", "1", now).account == invited.account
    here.end_session(again.secret)
    here.change_roles("ada", [accounts.Role.AUDITOR], NOW)
    assert here.accounts() == AccountService(registry).accounts()
    here.revoke("ada", NOW)
    with pytest.raises(AuthenticationError):
        here.authenticate(made.secret, now)
    assert AccountService(registry).accounts() == ()


def test_messages_for_webhooks_are_recorded_there_and_told_of_here(registry: Registry, remote: RemoteRegistry) -> None:
    told: list[int] = []
    remote.watch_events(lambda: told.append(len(told)))
    with remote.transaction() as tx:
        webhook = tx.add_webhook("https://example.org/", [EventKind.CASE_OPENED], NOW)
    assert told == []
    event = Event(EventKind.CASE_OPENED, NOW, {"case": "00" * 16})
    with remote.transaction() as tx:
        tx.tell(event)
        assert told == []  # not before it is durable
    assert told == [0]
    with registry.read() as here, remote.read() as there:
        assert here.webhooks() == there.webhooks() == (webhook,)
        assert here.deliveries(webhook.id) == there.deliveries(webhook.id)
        assert [delivery.event for delivery in there.deliveries(webhook.id)] == [event]

    def fail() -> None:
        with remote.transaction() as tx:
            tx.tell(event)
            tx.case(CaseId(bytes(16)))

    with pytest.raises(NotFoundError):
        fail()
    assert told == [0]
    with remote.transaction() as tx:
        other = tx.add_webhook("https://example.org/", [EventKind.CASE_OPENED], NOW, "Acme")
        tx.tell(event, "Acme")
    assert other.organisation == "Acme"
    with remote.read() as there:
        assert (there.waiting(webhook.id), there.waiting(other.id)) == (1, 1)
