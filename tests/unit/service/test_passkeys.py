"""Passkeys: each challenge once and soon, at one origin, by a verified person, with a count that grows."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.domain.accounts import AccountId, Role
from facekeep.errors import AuthenticationError, UsageError
from facekeep.service import passkeys
from facekeep.service.accounts import AccountService, SignedIn
from facekeep.service.passkeys import CHALLENGE_LENGTH, Challenges, PasskeyService
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.registry import Registry
from tests.unit.service.authenticator import PRESENT, VERIFIED, Authenticator

NOW = datetime(2026, 11, 26, tzinfo=UTC)
HERE = "http://localhost:8744"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry.create(tmp_path / "registry.db", MemoryKeyProvider(), keep_id=b"keep", model="ab" * 32)


@pytest.fixture
def accounts(registry: Registry) -> AccountService:
    return AccountService(registry)


@pytest.fixture
def service(registry: Registry) -> PasskeyService:
    return PasskeyService(registry, Challenges())


def _finish_registration(  # noqa: PLR0917
    service: PasskeyService, link: str, name: str, credential: str, origin: str, now: datetime
) -> SignedIn:
    return service.register(service.prove_registration(link, name, credential, origin, now), now)


def _finish_sign_in(service: PasskeyService, name: str, credential: str, origin: str, now: datetime) -> SignedIn:
    return service.sign_in(service.prove_sign_in(name, credential, origin, now), now)


def _register(service: PasskeyService, link: str, authenticator: Authenticator) -> SignedIn:
    begun = service.begin_registration(link, HERE, NOW)
    return _finish_registration(service, link, begun.name, authenticator.make(begun.options), HERE, NOW)


def _sign_in(service: PasskeyService, authenticator: Authenticator) -> SignedIn:
    begun = service.begin_sign_in(HERE, NOW)
    return _finish_sign_in(service, begun.name, authenticator.answer(begun.options), HERE, NOW)


def test_registered_once_and_signed_in_often(service: PasskeyService, accounts: AccountService) -> None:
    invited, mine = accounts.invite("ada", [Role.OPERATOR], NOW), Authenticator(HERE)
    begun = service.begin_registration(invited.secret, HERE, NOW)
    assert begun.options["authenticatorSelection"]["userVerification"] == "required"
    assert begun.options["rp"] == {"id": "localhost", "name": "Facekeep"}
    made = _finish_registration(service, invited.secret, begun.name, mine.make(begun.options), HERE, NOW)
    assert (made.account, accounts.authenticate(made.secret, NOW)[0]) == (invited.account, invited.account)
    assert made.secret not in repr(made)
    with pytest.raises(AuthenticationError, match="link"):
        service.begin_registration(invited.secret, HERE, NOW)
    secrets = {_sign_in(service, mine).secret for _ in range(3)}
    assert len(secrets) == 3
    assert all(accounts.authenticate(secret, NOW)[0] == invited.account for secret in secrets)
    begun = service.begin_sign_in(HERE, NOW)
    assert (begun.options["userVerification"], begun.options["allowCredentials"]) == ("required", [])


def test_what_is_kept_is_the_key_and_the_count(
    service: PasskeyService, accounts: AccountService, registry: Registry
) -> None:
    invited, mine = accounts.invite("ada", [Role.OPERATOR], NOW), Authenticator(HERE, count=5)
    _register(service, invited.secret, mine)
    _sign_in(service, mine)
    with registry.read() as view:
        (kept,) = view.passkeys_of(invited.account.id)
    assert (kept.credential, kept.sign_count) == (mine.credential, 6)
    assert kept.public_key[:1] == b"\xa5"  # a COSE_Key of an elliptic curve: a map of five


def test_a_link_that_was_used_meanwhile_gives_nothing(service: PasskeyService, accounts: AccountService) -> None:
    invited = accounts.invite("ada", [Role.OPERATOR], NOW)
    one, other = (service.begin_registration(invited.secret, HERE, NOW) for _ in range(2))
    mine, theirs = Authenticator(HERE), Authenticator(HERE)
    _finish_registration(service, invited.secret, one.name, mine.make(one.options), HERE, NOW)
    with pytest.raises(AuthenticationError):
        _finish_registration(service, invited.secret, other.name, theirs.make(other.options), HERE, NOW)
    again = accounts.invite_again("ada", NOW)
    assert [key["id"] for key in service.begin_registration(again.secret, HERE, NOW).options["excludeCredentials"]]
    with pytest.raises(UsageError, match="registered already"):
        _register(service, again.secret, mine)
    _register(service, again.secret, theirs)
    assert accounts.accounts()[0].passkeys == 2


def test_a_challenge_is_answered_once_and_soon(service: PasskeyService, accounts: AccountService) -> None:
    invited, mine = accounts.invite("ada", [Role.OPERATOR], NOW), Authenticator(HERE)
    _register(service, invited.secret, mine)
    begun = service.begin_sign_in(HERE, NOW)
    answer = mine.answer(begun.options)
    _finish_sign_in(service, begun.name, answer, HERE, NOW + CHALLENGE_LENGTH - timedelta(seconds=1))
    for name in (begun.name, "", "0" * 32):
        with pytest.raises(AuthenticationError, match="challenge"):
            _finish_sign_in(service, name, answer, HERE, NOW)
    late = service.begin_sign_in(HERE, NOW)
    with pytest.raises(AuthenticationError, match="challenge"):
        _finish_sign_in(service, late.name, mine.answer(late.options), HERE, NOW + CHALLENGE_LENGTH)
    # A wrong answer uses it up too.
    wrong = service.begin_sign_in(HERE, NOW)
    with pytest.raises(AuthenticationError, match="passkey"):
        _finish_sign_in(service, wrong.name, answer, HERE, NOW)
    with pytest.raises(AuthenticationError, match="challenge"):
        _finish_sign_in(service, wrong.name, mine.answer(wrong.options), HERE, NOW)


def test_what_was_proved_is_refused_if_the_passkey_or_the_link_went_in_between(
    service: PasskeyService, accounts: AccountService
) -> None:
    invited, mine = accounts.invite("ada", [Role.OPERATOR], NOW), Authenticator(HERE)
    begun = service.begin_registration(invited.secret, HERE, NOW)
    made = service.prove_registration(invited.secret, begun.name, mine.make(begun.options), HERE, NOW)
    assert accounts.accounts()[0].passkeys == 0  # proving writes nothing
    again = accounts.invite_again("ada", NOW)
    with pytest.raises(AuthenticationError, match="link"):
        service.register(made, NOW)
    assert accounts.accounts()[0].passkeys == 0
    _register(service, again.secret, mine)
    begun = service.begin_sign_in(HERE, NOW)
    answered = service.prove_sign_in(begun.name, mine.answer(begun.options), HERE, NOW)
    accounts.revoke("ada", NOW)
    with pytest.raises(AuthenticationError, match="passkey"):
        service.sign_in(answered, NOW)
    # Neither if somebody registers it anew: it is another passkey by then.
    _register(service, accounts.invite("ada", [Role.OPERATOR], NOW).secret, mine)
    with pytest.raises(AuthenticationError, match="passkey"):
        service.sign_in(answered, NOW)


@pytest.mark.parametrize(("counts", "passing"), [((5, 5), [True, False]), ((6, 5), [True, False]), ((5, 6), [True] * 2),
                                                 ((0, 0), [True] * 2)])  # fmt: skip
def test_two_answers_at_once_do_not_pass_with_one_count(
    service: PasskeyService, accounts: AccountService, counts: tuple[int, int], passing: list[bool]
) -> None:
    mine = Authenticator(HERE, step=0)
    _register(service, accounts.invite("ada", [Role.OPERATOR], NOW).secret, mine)
    proved = []
    for mine.count in counts:
        begun = service.begin_sign_in(HERE, NOW)
        proved.append(service.prove_sign_in(begun.name, mine.answer(begun.options), HERE, NOW))
    for answered, passes in zip(proved, passing, strict=True):
        with nullcontext() if passes else pytest.raises(AuthenticationError, match="passkey"):
            service.sign_in(answered, NOW)


def test_a_challenge_serves_what_it_was_made_for(service: PasskeyService, accounts: AccountService) -> None:
    ada, eve = (accounts.invite(name, [Role.OPERATOR], NOW) for name in ("ada", "eve"))
    mine = Authenticator(HERE)
    of_ada = service.begin_registration(ada.secret, HERE, NOW)
    with pytest.raises(AuthenticationError, match="challenge"):
        _finish_registration(service, eve.secret, of_ada.name, mine.make(of_ada.options), HERE, NOW)
    to_sign_in = service.begin_sign_in(HERE, NOW)
    with pytest.raises(AuthenticationError, match="challenge"):
        _finish_registration(service, ada.secret, to_sign_in.name, "{}", HERE, NOW)
    assert [found.passkeys for found in accounts.accounts()] == [0, 0]


def _other_origin(a: Authenticator) -> None:
    a.origin = "https://localhost:8744"


def _other_host(a: Authenticator) -> None:
    a.host = "example"


def _not_verified(a: Authenticator) -> None:
    a.flags = PRESENT


def _not_present(a: Authenticator) -> None:
    a.flags = VERIFIED


def _other_key(a: Authenticator) -> None:
    a.key = Authenticator(HERE).key


def _standing_count(a: Authenticator) -> None:
    a.step = 0


def _count_back(a: Authenticator) -> None:
    a.count, a.step = 0, 0


def _other_user(a: Authenticator) -> None:
    a.user = bytes(16)


def _no_user(a: Authenticator) -> None:
    a.user = b""


def _other_credential(a: Authenticator) -> None:
    a.credential = bytes(32)


_AT_SIGN_IN = [
    _other_origin, _other_host, _not_verified, _not_present, _other_key, _standing_count, _count_back, _other_user,
    _no_user, _other_credential,
]  # fmt: skip


@pytest.mark.parametrize("lie", _AT_SIGN_IN)
def test_a_lie_signs_nobody_in(
    service: PasskeyService, accounts: AccountService, lie: Callable[[Authenticator], None]
) -> None:
    invited, mine = accounts.invite("ada", [Role.OPERATOR], NOW), Authenticator(HERE, count=1)
    _register(service, invited.secret, mine)
    _sign_in(service, mine)
    lie(mine)
    with pytest.raises(AuthenticationError, match="this passkey is not known here, or could not be verified"):
        _sign_in(service, mine)


@pytest.mark.parametrize("lie", [_other_origin, _other_host, _not_verified, _not_present])
def test_a_lie_registers_nothing(
    service: PasskeyService, accounts: AccountService, lie: Callable[[Authenticator], None]
) -> None:
    invited, mine = accounts.invite("ada", [Role.OPERATOR], NOW), Authenticator(HERE)
    lie(mine)
    with pytest.raises(AuthenticationError):
        _register(service, invited.secret, mine)
    assert accounts.accounts()[0].passkeys == 0
    _register(service, invited.secret, Authenticator(HERE))  # the link is still good


def test_an_authenticator_that_does_not_count_may_sign_in(service: PasskeyService, accounts: AccountService) -> None:
    mine = Authenticator(HERE, step=0)
    _register(service, accounts.invite("ada", [Role.OPERATOR], NOW).secret, mine)
    assert _sign_in(service, mine).account == _sign_in(service, mine).account


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=200), st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature",
                         "attestationObject", "userHandle"]), inner, max_size=6),
    max_leaves=12).map(json.dumps)))  # fmt: skip
def test_what_is_no_answer_is_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "passkeys.db"
    keys = _KEYS
    registry = (
        Registry.open(path, keys) if path.exists() else Registry.create(path, keys, keep_id=b"k", model="ab" * 32)
    )
    with registry:
        service = PasskeyService(registry, Challenges())
        begun = service.begin_sign_in(HERE, NOW)
        with pytest.raises(AuthenticationError):
            _finish_sign_in(service, begun.name, text, HERE, NOW)
        accounts = AccountService(registry)
        link = accounts.invite("ada", [Role.OPERATOR], NOW).secret
        begun = service.begin_registration(link, HERE, NOW)
        with pytest.raises(AuthenticationError):
            _finish_registration(service, link, begun.name, text, HERE, NOW)
        accounts.revoke("ada", NOW)


_KEYS = MemoryKeyProvider()


def test_challenges_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "CHALLENGES_MAX", 3)
    challenges = Challenges()
    names = [challenges.add(None, NOW)[0] for _ in range(5)]
    for name in names[:2]:
        with pytest.raises(AuthenticationError):
            challenges.take(name, None, NOW)
    assert len({challenges.take(name, None, NOW) for name in names[2:]}) == 3
    name, _ = challenges.add(AccountId(b"a" * 16), NOW)
    with pytest.raises(AuthenticationError):
        challenges.take(name, AccountId(b"b" * 16), NOW)
