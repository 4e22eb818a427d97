"""Accounts, links and sessions: shown once, kept as digests, ended by time, by use or by revoking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facekeep.domain.accounts import INVITATION_LENGTH, SESSION_IDLE, SESSION_LENGTH, Account, AccountId, Role
from facekeep.domain.subject import SubjectId
from facekeep.errors import AuthenticationError, FormatError, NotFoundError, UsageError
from facekeep.service.accounts import AccountService
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.registry import Registry

NOW = datetime(2026, 11, 26, tzinfo=UTC)
MOMENT = timedelta(seconds=1)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    made = Registry.create(tmp_path / "registry.db", MemoryKeyProvider(), keep_id=b"keep", model="ab" * 32)
    with made.transaction() as tx:
        tx.add_subject("ada")
    return made


@pytest.fixture
def accounts(registry: Registry) -> AccountService:
    return AccountService(registry)


def test_a_link_is_good_for_three_days_until_there_is_another(accounts: AccountService) -> None:
    first = accounts.invite("root", [Role.ADMINISTRATOR], NOW)
    assert first.secret not in repr(first)
    assert accounts.invited(first.secret, NOW + INVITATION_LENGTH - MOMENT)[0] == first.account
    with pytest.raises(AuthenticationError):
        accounts.invited(first.secret, NOW + INVITATION_LENGTH)
    second = accounts.invite_again("root", NOW)
    assert accounts.invited(second.secret, NOW)[0] == first.account
    for secret in (first.secret, "", "fki1_", second.secret + "x", "\ud800"):
        with pytest.raises(AuthenticationError):
            accounts.invited(secret, NOW)
    with pytest.raises(NotFoundError):
        accounts.invite_again("nobody", NOW)


def test_a_session_ends_unused_or_after_its_length(accounts: AccountService) -> None:
    account = accounts.invite("root", [Role.ADMINISTRATOR], NOW).account
    secret, session = accounts.begin_session(account.id, NOW)
    assert accounts.authenticate(secret, NOW + SESSION_IDLE - MOMENT) == (account, session)
    with pytest.raises(AuthenticationError):
        accounts.authenticate(secret, NOW + SESSION_IDLE)
    # Used every now and then it lives on, but not for ever.
    now = NOW
    while now + SESSION_IDLE - MOMENT < NOW + SESSION_LENGTH:
        now += SESSION_IDLE - MOMENT
        assert accounts.is_to_be_touched(accounts.authenticate(secret, now)[1], now)
        accounts.touch(secret, now)
        assert not accounts.is_to_be_touched(accounts.authenticate(secret, now)[1], now)
    with pytest.raises(AuthenticationError):
        accounts.authenticate(secret, NOW + SESSION_LENGTH)
    accounts.touch(secret, NOW + SESSION_LENGTH)
    with pytest.raises(AuthenticationError):
        accounts.authenticate(secret, NOW + SESSION_LENGTH)


def test_what_is_over_is_forgotten_when_the_next_session_begins(accounts: AccountService, registry: Registry) -> None:
    account = accounts.invite("root", [Role.ADMINISTRATOR], NOW).account
    for hours in range(5):
        accounts.begin_session(account.id, NOW + timedelta(hours=hours))
        with registry.read() as view:
            assert len(view.sessions_of(account.id)) == 1
    one, _ = accounts.begin_session(account.id, NOW)
    two, _ = accounts.begin_session(account.id, NOW)
    assert one != two
    accounts.end_session(one)
    accounts.end_session("fks1_never")
    with pytest.raises(AuthenticationError):
        accounts.authenticate(one, NOW)
    assert accounts.authenticate(two, NOW)[0] == account


def test_revoking_ends_everything(accounts: AccountService, registry: Registry) -> None:
    invited = accounts.invite("root", [Role.ADMINISTRATOR], NOW, identity=("https://issuer.example", "r"))
    secret, _ = accounts.begin_session(invited.account.id, NOW)
    accounts.revoke("root", NOW)
    with pytest.raises(AuthenticationError):
        accounts.authenticate(secret, NOW)
    with pytest.raises(AuthenticationError):
        accounts.invited(invited.secret, NOW)
    for call in (lambda: accounts.revoke("root", NOW), lambda: accounts.begin_session(invited.account.id, NOW)):
        with pytest.raises(NotFoundError):
            call()
    assert accounts.accounts() == ()
    # Name and identity are free again.
    accounts.invite("root", [Role.AUDITOR], NOW, identity=("https://issuer.example", "r"))
    with registry.read() as view:
        assert view.account_by_identity("https://issuer.example", "r") is not None
        assert view.account_by_identity("https://issuer.exampl", "er") is None


def test_erasing_a_person_ends_the_persons_account(accounts: AccountService, registry: Registry) -> None:
    account = accounts.invite("ada's", [Role.DATA_SUBJECT], NOW, label="ada").account
    secret, _ = accounts.begin_session(account.id, NOW)
    assert account.subject is not None
    with registry.transaction() as tx:
        tx.erase_subject(account.subject, NOW)
    assert accounts.accounts() == ()
    with pytest.raises(AuthenticationError):
        accounts.authenticate(secret, NOW)


def test_roles_change_at_once(accounts: AccountService) -> None:
    account = accounts.invite("root", [Role.ADMINISTRATOR], NOW).account
    secret, _ = accounts.begin_session(account.id, NOW)
    accounts.change_roles("root", [Role.AUDITOR], NOW)
    assert accounts.authenticate(secret, NOW)[0].roles == {Role.AUDITOR}
    with pytest.raises(UsageError):
        accounts.change_roles("root", [], NOW)
    with pytest.raises(UsageError):
        accounts.change_roles("root", [Role.DATA_SUBJECT], NOW)
    with pytest.raises(NotFoundError):
        accounts.change_roles("nobody", [Role.AUDITOR], NOW)


@pytest.mark.parametrize(
    ("roles", "label", "error"),
    [
        ([], None, UsageError),
        ([Role.DATA_SUBJECT], None, UsageError),
        ([Role.OPERATOR], "ada", UsageError),
        ([Role.DATA_SUBJECT, Role.OPERATOR], "ada", UsageError),
        ([Role.DATA_SUBJECT], "nobody", NotFoundError),
    ],
)
def test_what_cannot_be_invited(
    accounts: AccountService, roles: list[Role], label: str | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        accounts.invite("x", roles, NOW, label=label)
    assert accounts.accounts() == ()


def test_names_and_identities_are_taken_once(accounts: AccountService) -> None:
    accounts.invite("ada", [Role.OPERATOR], NOW, identity=("https://issuer.example", "1"))
    with pytest.raises(UsageError):
        accounts.invite(" ada ", [Role.OPERATOR], NOW)
    with pytest.raises(UsageError):
        accounts.invite("eve", [Role.OPERATOR], NOW, identity=("https://issuer.example", "1"))
    with pytest.raises(FormatError):
        accounts.invite("a\0b", [Role.OPERATOR], NOW)
    assert [found.account.name for found in accounts.accounts()] == ["ada"]
    assert "issuer" not in repr(accounts.accounts())
    assert "ada" not in repr(accounts.accounts())


def test_an_account_keeps_its_organisation(accounts: AccountService) -> None:
    made = accounts.invite("ada", [Role.REVIEWER], NOW, organisation=" Acme ").account
    assert made.organisation == "Acme"
    assert "Acme" not in repr(made)
    assert accounts.change_roles("ada", [Role.AUDITOR], NOW).organisation == "Acme"
    accounts.invite("eve", [Role.REVIEWER], NOW)
    listed = {found.account.name: found.account.organisation for found in accounts.accounts()}
    assert listed == {"ada": "Acme", "eve": ""}
    for wrong in (" ", "a\nb", "x" * 65):
        with pytest.raises(FormatError):
            accounts.invite("zoe", [Role.REVIEWER], NOW, organisation=wrong)
    with pytest.raises(UsageError, match="no organisation"):
        accounts.invite("ada herself", [Role.DATA_SUBJECT], NOW, label="ada", organisation="Acme")
    assert accounts.invite("ada herself", [Role.DATA_SUBJECT], NOW, label="ada").account.organisation == ""
    accounts.invite("zoe", [Role.REVIEWER], NOW, organisation="x" * 64)


def test_an_account_keeps_its_invariants() -> None:
    identifier, subject = AccountId(bytes(16)), SubjectId(bytes(16))
    for roles, whose, name in (
        ((), None, "a"),
        ((Role.DATA_SUBJECT,), None, "a"),
        ((Role.OPERATOR,), subject, "a"),
        ((Role.OPERATOR, Role.DATA_SUBJECT), subject, "a"),
        ((Role.OPERATOR,), None, " a"),
    ):
        with pytest.raises(ValueError, match=r"account|subject|role"):
            Account(identifier, name, frozenset(roles), whose, NOW)
    for roles, whose, organisation in (((Role.OPERATOR,), None, " Acme"), ((Role.DATA_SUBJECT,), subject, "Acme")):
        with pytest.raises(ValueError, match="organisation"):
            Account(identifier, "a", frozenset(roles), whose, NOW, organisation)
    with pytest.raises(ValueError, match="16 bytes"):
        Account(AccountId(b""), "a", frozenset({Role.OPERATOR}), None, NOW)
