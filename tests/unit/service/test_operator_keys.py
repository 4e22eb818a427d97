"""Keys of operators in a keep: from files, and from the passkeys by which people sign in."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Operator, Role
from facekeep.domain.consent import Purpose
from facekeep.errors import BadInputError, FormatError, NotFoundError, TicketError, UnsignedError, UsageError
from facekeep.service.access import AccessService
from facekeep.service.accounts import AccountService
from facekeep.service.coordinator import Coordinator
from facekeep.service.keep import Keep
from facekeep.service.keep_signing import PreparedSearch
from facekeep.service.operator_keys import make_operator_key, public_pem, read_operator_key, read_public_key
from facekeep.service.passkey_keys import spki_of_cose
from facekeep.service.word_requests import AskedKey, read_request, serial_of
from facekeep.split.approval import PasskeyApproval
from facekeep.split.statement import statement_digest
from tests.unit.service.authenticator import Authenticator, b64

HERE = "http://localhost:8744"
_SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
Picture = Callable[[str], bytes]


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def _signed(authenticator: Authenticator, statement: bytes) -> PasskeyApproval:
    """What a page makes of navigator.credentials.get() with the statement's digest as the challenge."""
    given = json.loads(authenticator.answer({"challenge": b64(statement_digest(statement))}))["response"]
    return PasskeyApproval(*(_raw(given[name]) for name in ("authenticatorData", "clientDataJSON", "signature")))


@pytest.fixture
def ada(keep: Keep) -> Authenticator:
    """The passkey of the account "ada"."""
    invited, made = keep.invite("ada", [Role.OPERATOR]), Authenticator(HERE)
    begun = keep.begin_registration(invited.secret, HERE)
    keep.finish_registration(invited.secret, begun.name, made.make(begun.options), HERE)
    return made


def _prepared(keep: Keep, picture: Picture, key: str) -> PreparedSearch:
    found = keep.prepare_verification("obama", picture("obama2.jpg"), operator=keep.account_named("ada"), key=key)
    assert isinstance(found, PreparedSearch)
    return found


def test_the_passkey_by_which_somebody_signs_in_signs_searches_until_the_account_ends(
    keep: Keep, picture: Picture, ada: Authenticator, reopen: Callable[[], Keep]
) -> None:
    keep.limit_desk([])
    (key,) = keep.trust_passkeys("ada", origin=HERE, purposes=[Purpose.VERIFY], days=3)
    search = _prepared(keep, picture, key.id)
    assert keep.finish_verification(search, _signed(ada, search.statement)).verified
    # A signature for signing in is none for a search, whatever search waits.
    search, begun = _prepared(keep, picture, key.id), keep.begin_sign_in(HERE)
    given = json.loads(ada.answer(begun.options))["response"]
    parts = (_raw(given[name]) for name in ("authenticatorData", "clientDataJSON", "signature"))
    with pytest.raises(TicketError, match="another statement"):
        keep.finish_verification(search, PasskeyApproval(*parts))
    keep = reopen()
    search = _prepared(keep, picture, key.id)
    keep.revoke_account(" ada ")
    assert [each.operator for each in keep.operator_keys()] == [""]
    with pytest.raises(TicketError, match="or was revoked"):
        keep.finish_verification(search, _signed(ada, search.statement))


def test_a_passkey_of_another_page_does_not_sign(keep: Keep, picture: Picture, ada: Authenticator) -> None:
    (key,) = keep.trust_passkeys("ada", origin="https://faces.example", purposes=[Purpose.VERIFY], days=3)
    search = _prepared(keep, picture, key.id)
    with pytest.raises(TicketError, match="another page"):
        keep.finish_verification(search, _signed(ada, search.statement))


def test_what_cannot_be_trusted_is_refused(keep: Keep) -> None:
    keep.invite("bob", [Role.OPERATOR])
    for name in ("bob", "nobody"):
        with pytest.raises(NotFoundError):
            keep.trust_passkeys(name, origin=HERE, purposes=[Purpose.VERIFY], days=3)
    for origin in ("localhost", "", "https://faces.example/page", "https://faces.example/"):
        with pytest.raises(UsageError, match="origin"):
            keep.trust_passkeys("bob", origin=origin, purposes=[Purpose.VERIFY], days=3)


def test_a_client_whose_token_is_revoked_signs_nothing(keep: Keep, picture: Picture, tmp_path: Path) -> None:
    till = keep.issue_token("till", [Scope.VERIFY], days=1).client
    key = make_operator_key(tmp_path / "till.key")
    keep.add_operator_key(till, read_public_key(public_pem(key)), purposes=[Purpose.VERIFY], days=1)
    assert keep.verify("obama", picture("obama2.jpg"), operator=till, signer=key).verified
    keep.revoke_token("till")
    with pytest.raises(TicketError, match="or was revoked"):
        keep.verify("obama", picture("obama2.jpg"), operator=till, signer=key)


def test_a_key_is_a_clients_by_its_identifier_whatever_its_name(keep: Keep, picture: Picture, tmp_path: Path) -> None:
    names = ["n" * 127 + end for end in "ab"]  # as long as can be, and alike up to the last character
    one, other = (keep.issue_token(name, [Scope.VERIFY], days=1).client for name in names)
    key, probe = make_operator_key(tmp_path / "one.key"), picture("obama2.jpg")
    public = read_public_key(public_pem(key))
    keep.add_operator_key(one, public, purposes=[Purpose.VERIFY], days=1)
    keep.revoke_token(names[0])
    anew = keep.issue_token(names[0], [Scope.VERIFY], days=1).client
    person = keep.invite(names[0], [Role.OPERATOR]).account
    keep.add_operator_key(one, public, purposes=[Purpose.VERIFY], days=1)  # a key that is left of one who is gone
    for who in (other, anew, person, one.id.hex(), one.name):
        with pytest.raises(TicketError, match="another operator's key"):
            keep.verify("obama", probe, operator=who, signer=key)
    assert keep.verify("obama", probe, operator=one, signer=key).verified
    # What the halves count by is not shared either, and the case shows the name as before.
    assert len({keep.operator_pseudonym(who) for who in (one, other, anew, person, one.id.hex(), one.name)}) == 6
    keep.open_case("a case", operator=anew)
    assert next(case for case in keep.cases() if case.title == "a case").opened_by == f"client {names[0]}"


def _with_keys(keep: Keep, who: Operator, folder: Path, number: int = 2) -> list[str]:
    keys = [make_operator_key(folder / f"{n}.key") for n in range(number)]
    for key in keys:
        keep.add_operator_key(who, key.public.public_bytes(*_SPKI), purposes=[Purpose.VERIFY], days=1)
    return sorted(key.id for key in keys)


def _keys_left(keep: Keep) -> list[str]:
    return sorted(key.id for key in keep.operator_keys() if key.operator)


def _elsewhere(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registrar has a host of its own from now on."""
    monkeypatch.setattr(keep, "_roles", replace(keep._roles, registrar=None))


class _FullError(OSError):
    """Of a disk."""


def _fails(*_: object, **__: object) -> NoReturn:
    raise _FullError


@pytest.mark.parametrize("kind", ["client", "account", "roles"])
def test_no_key_outlives_what_its_operator_may_do_whichever_step_fails(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, reopen: Callable[[], Keep]
) -> None:
    till, ada = keep.issue_token("till", [Scope.VERIFY], days=1).client, keep.invite("ada", [Role.OPERATOR]).account
    who: Operator = till if kind == "client" else ada
    keys = _with_keys(keep, who, tmp_path)
    end, where, step = {
        "client": (lambda: keep.revoke_token("till"), AccessService, "revoke"),
        "account": (lambda: keep.revoke_account("ada"), AccountService, "revoke"),
        "roles": (lambda: keep.change_roles("ada", [Role.REVIEWER]), AccountService, "change_roles"),
    }[kind]
    with monkeypatch.context() as broken:  # where the halves do not take the revocation, nothing is ended
        broken.setattr(Coordinator, "run_on_halves", _fails)
        with pytest.raises(_FullError):
            end()
    assert _keys_left(keep) == keys
    assert (keep.client_named("till"), keep.account_named("ada")) == (till, ada)
    with monkeypatch.context() as broken:  # where the registry does not, the keys are gone already
        broken.setattr(where, step, _fails)
        with pytest.raises(_FullError):
            end()
    assert _keys_left(keep) == []
    assert (keep.client_named("till"), keep.account_named("ada")) == (till, ada)
    end()
    assert len(keep.clients()) + sum(Role.OPERATOR in one.account.roles for one in keep.accounts()) == 1
    assert _keys_left(reopen()) == []


def test_an_account_keeps_its_keys_while_it_may_search(keep: Keep, tmp_path: Path) -> None:
    ada = keep.invite("ada", [Role.OPERATOR]).account
    keys = _with_keys(keep, ada, tmp_path)
    keep.change_roles("ada", [Role.OPERATOR, Role.ADMINISTRATOR])
    with pytest.raises(UsageError):
        keep.change_roles("ada", [Role.DATA_SUBJECT])  # which the account cannot be: nothing is lost by asking
    assert _keys_left(keep) == keys
    keep.change_roles("ada", [Role.OPERATOR, Role.AUDITOR])  # auditors compare nothing
    assert _keys_left(keep) == []
    keep.change_roles("ada", [Role.OPERATOR])
    assert _keys_left(keep) == []


def test_where_the_registrar_is_elsewhere_what_can_be_ended_is_and_the_keys_are_told(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    till, ada = keep.issue_token("till", [Scope.VERIFY], days=1).client, keep.invite("ada", [Role.OPERATOR]).account
    keys = _with_keys(keep, till, tmp_path)
    (tmp_path / "ada").mkdir()
    keys_of_ada = _with_keys(keep, ada, tmp_path / "ada", 1)
    keep.issue_token("bare", [Scope.VERIFY], days=1)
    registrar = keep._roles.registrar
    assert registrar is not None
    _elsewhere(keep, monkeypatch)
    keep.revoke_token("bare")
    with pytest.raises(UnsignedError, match="registrar has to revoke") as told:
        keep.revoke_token("till")
    assert not isinstance(told.value, UsageError)
    assert all(key in told.value.hint for key in keys)
    assert keep.clients() == ()
    with pytest.raises(UnsignedError) as told_of_ada:
        keep.change_roles("ada", [Role.REVIEWER])
    assert keep.account_named("ada").roles == {Role.REVIEWER}
    # What the error bears is what the registrar is asked for.
    for seconds, asked in enumerate((told, told_of_ada)):
        request = read_request(asked.value.payload)
        assert isinstance(request, AskedKey)
        assert request.revoke in (*keys, *keys_of_ada)
        now = datetime.now(UTC) + timedelta(seconds=seconds)
        keep.apply_word(request.signed(registrar, now=now, serial=serial_of(now)))
    assert len(_keys_left(keep)) == 1


def test_who_works_at_the_keep_itself_has_no_name_of_a_client_or_an_account(keep: Keep, picture: Picture) -> None:
    for name in ("client till", "account ada", "  client till"):
        with pytest.raises(UsageError, match="begins like a client's") as refused:
            keep.verify("obama", picture("obama2.jpg"), operator=name)
        assert "--kind" in refused.value.hint
    assert keep.verify("obama", picture("obama2.jpg"), operator="clients").verified


def test_a_key_ends_by_the_halves_own_clock(keep: Keep, picture: Picture, tmp_path: Path, clock: object) -> None:
    key = make_operator_key(tmp_path / "anna.key")
    public = key.public.public_bytes(*_SPKI)
    keep.add_operator_key("anna", public, purposes=[Purpose.VERIFY], days=2)
    clock.forward(days=1, hours=23)  # type: ignore[attr-defined]
    assert keep.verify("obama", picture("obama2.jpg"), operator="anna", signer=key).verified
    clock.forward(hours=1)  # type: ignore[attr-defined]
    with pytest.raises(TicketError, match="has expired"):
        keep.verify("obama", picture("obama2.jpg"), operator="anna", signer=key)
    with pytest.raises(UsageError, match="purpose"):
        keep.add_operator_key("anna", public, purposes=[], days=2)
    with pytest.raises(NotFoundError):
        keep.revoke_operator_key("0" * 32)


# Files


def test_key_files_come_back_and_foreign_ones_are_refused(tmp_path: Path) -> None:
    key = make_operator_key(tmp_path / "a.key")
    assert read_operator_key(tmp_path / "a.key").id == key.id
    der = key.public.public_bytes(*_SPKI)
    assert read_public_key(public_pem(key)) == read_public_key(der) == der
    rsa = generate_private_key(65537, 2048)
    of_another_kind = rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for number, pem in enumerate((b"", b"no key", of_another_kind, public_pem(key))):
        path = tmp_path / f"{number}.key"
        path.write_bytes(pem)
        path.chmod(0o600)
        with pytest.raises(BadInputError):
            read_operator_key(path)
    with pytest.raises(BadInputError):
        read_operator_key(tmp_path / "absent.key")
    with pytest.raises(UsageError):
        make_operator_key(tmp_path / "absent" / "a.key")
    for data in (b"", b"no key", b"-----BEGIN PUBLIC KEY-----\n"):
        with pytest.raises(BadInputError):
            read_public_key(data)


def test_passkeys_of_other_algorithms_are_told(keep: Keep) -> None:
    for cose in (b"", b"\xff", cbor2.dumps({1: 2, 3: -7})):
        with pytest.raises(BadInputError):
            spki_of_cose(cose)
    rsa = generate_private_key(65537, 2048).public_key().public_bytes(*_SPKI)
    with pytest.raises(FormatError):
        keep.add_operator_key("anna", rsa, purposes=[Purpose.VERIFY], days=1)
