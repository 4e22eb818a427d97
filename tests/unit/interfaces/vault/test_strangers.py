"""Who is not known gets nowhere, and who is known gets no further than its rights."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from threading import Thread

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import CertificateBuilder, load_pem_x509_certificate, random_serial_number

from facekeep.domain.row import Pseudonym, TransactionId
from facekeep.errors import FormatError, RefusedError, UnavailableError, UsageError
from facekeep.interfaces.vault.calls import ask
from facekeep.interfaces.vault.certificates import der_of, make, pin_of
from facekeep.interfaces.vault.client import RemoteLeft
from facekeep.interfaces.vault.handlers import serve_left
from facekeep.interfaces.vault.server import Happening, VaultServer
from facekeep.interfaces.vault.tls import KeyFiles, Peers, client_context
from facekeep.split.messages import LEFT, RIGHT
from facekeep.split.wire import exchanges as ex
from facekeep.split.wire.methods import Role
from facekeep.split.wire.search_messages import Fetch
from tests.unit.interfaces.vault.conftest import LIMITS, Apart, Keys, Site

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def keep(apart: Callable[..., Apart]) -> Apart:
    return apart(dimension=64)


def test_a_caller_with_a_foreign_certificate_is_refused_and_told_of(keep: Apart, site: Site) -> None:
    remote = site.left(keep.left_server, "stranger")
    with pytest.raises(UnavailableError) as refused:
        remote.status()
    assert refused.value.message == "the left half cannot be reached"
    assert "knows this host's card" in refused.value.hint
    event = site.told.next()
    assert (event.what, event.address, event.caller) == (Happening.REFUSED, "127.0.0.1", None)
    assert keep.left.status().rows == 0


def test_a_caller_without_a_certificate_is_refused(keep: Apart, site: Site, keys: Keys) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=keys.certificate("left").decode())
    # In TLS 1.3 the client's handshake is over before the server has seen what it shows.
    plain = socket.create_connection(keep.left_server.address, 20)
    with context.wrap_socket(plain) as tls, pytest.raises(OSError, match=r"(?i)certificate required"):
        tls.recv(1)
    assert site.told.next().what is Happening.REFUSED


def test_a_certificate_of_another_key_under_the_same_name_is_refused(keep: Apart, site: Site, keys: Keys) -> None:
    made = make("facekeep gate", now=datetime.now(UTC))
    (keys.folder / "forged.pem").write_bytes(made.certificate)
    (keys.folder / "forged.key").write_bytes(made.key)
    with pytest.raises(UnavailableError):
        site.left(keep.left_server, "forged").status()
    assert site.told.next().what is Happening.REFUSED


def test_tls_1_2_is_refused(keep: Apart, site: Site, keys: Keys) -> None:
    context = client_context(keys.files("gate"), keys.peers(Role.LEFT))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(keep.left_server.address, 20) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)
    assert site.told.next().what is Happening.REFUSED


def test_a_server_with_tls_1_2_is_refused(site: Site, keys: Keys) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(keys.files("left").certificate, keys.files("left").key)
    _refused_by_the_client(site, context)


def test_a_server_with_a_foreign_certificate_is_refused(site: Site, keys: Keys) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys.files("stranger").certificate, keys.files("stranger").key)
    error = _refused_by_the_client(site, context)
    assert "pinned" in error.hint


def _refused_by_the_client(site: Site, context: ssl.SSLContext) -> UnavailableError:
    raised: list[UnavailableError] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        remote = RemoteLeft(
            listener.getsockname(), site.keys.files("gate"), site.keys.certificate("left"), limits=LIMITS
        )

        def ask() -> None:
            with pytest.raises(UnavailableError) as refused:
                remote.status()
            raised.append(refused.value)

        thread = Thread(target=ask)
        thread.start()
        plain, _ = listener.accept()
        with plain, pytest.raises(OSError):  # noqa: PT011 - which alert it gets is not the point
            context.wrap_socket(plain, server_side=True).recv(1)
        thread.join()
    return raised[0]


def test_the_other_half_at_the_address_is_refused(keep: Apart, site: Site) -> None:
    with pytest.raises(UnavailableError, match="left half"):
        site.left(keep.right_server).status()
    assert site.told.next().what is Happening.REFUSED


def test_the_right_half_may_fetch_deltas_and_nothing_else(keep: Apart, site: Site) -> None:
    twin = site.left(keep.left_server, "right")
    transaction = TransactionId(bytes(16))
    calls: list[Callable[[], object]] = [
        twin.hello,
        twin.status,
        lambda: twin.epoch,
        lambda: len(twin),
        lambda: twin.head_of(Pseudonym(bytes(16))),
        lambda: twin.begin([]),
        lambda: twin.fine(bytes(16)),
        lambda: twin.tokens(bytes(16), np.zeros(1, np.int32)),
        lambda: twin.release(bytes(16), []),
        lambda: twin.stage_enrol(transaction, []),
        lambda: twin.stage_erase(transaction, [Pseudonym(bytes(16))] * 100_000),  # of two frames
        lambda: twin.stage_refresh(transaction),
        lambda: twin.commit(transaction),
    ]
    for call in calls:
        with pytest.raises(RefusedError, match="this caller may not ask this"):
            call()
    assert keep.left.staged() == []
    with pytest.raises(RefusedError, match="has not prepared"):
        list(twin.deltas(transaction))


def test_the_gate_may_not_fetch_deltas(keep: Apart) -> None:
    transaction = TransactionId(bytes(16))
    keep.left.stage_refresh(transaction)
    with pytest.raises(RefusedError, match="this caller may not ask this"):
        list(keep.left.deltas(transaction))
    assert keep.left.staged() == [transaction]


def test_a_half_is_asked_nothing_that_is_the_selectors(keep: Apart) -> None:
    with pytest.raises(RefusedError, match="this caller may not ask this"):
        ask(keep.left._pool, ex.FETCH_POSITIONS, Fetch(bytes(16), LEFT))  # type: ignore[attr-defined]


def test_a_half_speaks_for_its_own_side_only(keep: Apart, site: Site) -> None:
    right = site.selector(keep.selector_server, "right")
    for call in (
        lambda: right.offer(bytes(16), LEFT, bytes(16), np.zeros(20, np.uint8), 15),
        lambda: right.positions(bytes(16), LEFT),
    ):
        with pytest.raises(RefusedError, match="spoke for the other side"):
            call()
    left = site.selector(keep.selector_server, "left")
    for remote, side in ((left, LEFT), (right, RIGHT)):
        remote.offer(bytes(16), side, bytes(16), np.arange(20).astype(np.uint8), 60)
    assert left.positions(bytes(16), LEFT).tolist() == right.positions(bytes(16), RIGHT).tolist() == list(range(20))


def test_the_gate_does_not_know_the_selector(keep: Apart, site: Site) -> None:
    with pytest.raises(UnavailableError, match="the registrar cannot be reached"):
        site.selector(keep.selector_server, "gate").positions(bytes(16), LEFT)
    assert site.told.next().what is Happening.REFUSED


# Certificates and pins


@pytest.mark.parametrize("name", ["gate", "right"])
def test_a_pin_is_of_the_public_key(keys: Keys, name: str) -> None:
    certificate = load_pem_x509_certificate(keys.certificate(name))
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert der_of(keys.certificate(name)) == certificate.public_bytes(Encoding.DER)
    assert pin_of(der_of(keys.certificate(name))) == keys.made[name].pin == sha256(public).digest()
    assert repr(keys.made[name].key)[2:-1] not in repr(keys.made[name])


@pytest.mark.parametrize("raw", [b"", b"-----BEGIN CERTIFICATE-----\n", b"\x30\x03"])
def test_what_is_no_certificate_has_no_pin(raw: bytes) -> None:
    for read in (pin_of, der_of):
        with pytest.raises(FormatError):
            read(raw)


def test_two_certificates_are_not_one(keys: Keys) -> None:
    with pytest.raises(FormatError):
        der_of(keys.certificate("gate") + keys.certificate("left"))


def test_a_certificate_of_a_known_peer_is_no_authority(keep: Apart, site: Site, keys: Keys) -> None:
    """Who has the gate's key could sign another key with it: that one is a stranger all the same."""
    signer = load_pem_x509_certificate(keys.certificate("gate"))
    key = Ed25519PrivateKey.generate()
    gate_key = load_pem_private_key(keys.made["gate"].key, None)
    signed = (
        CertificateBuilder(signer.subject, signer.subject, key.public_key(), random_serial_number())
        .not_valid_before(signer.not_valid_before_utc)
        .not_valid_after(signer.not_valid_after_utc)
        .sign(gate_key, None)  # type: ignore[arg-type]
    )
    (keys.folder / "signed.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    (keys.folder / "signed.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(UnavailableError):
        site.left(keep.left_server, "signed").status()
    assert site.told.next().what is Happening.REFUSED


def test_each_role_needs_a_certificate_of_its_own(keys: Keys) -> None:
    with pytest.raises(UsageError):
        Peers({Role.GATE: keys.certificate("gate"), Role.RIGHT: keys.certificate("gate")})
    with pytest.raises(UsageError):
        Peers({})


def test_a_key_that_cannot_be_loaded_is_told_without_its_path(keys: Keys, keep: Apart) -> None:
    for files in (
        KeyFiles(keys.folder / "absent.pem", keys.folder / "absent.key"),
        KeyFiles(keys.folder / "gate.pem", keys.folder / "left.key"),
    ):
        with pytest.raises(UsageError) as refused:
            RemoteLeft(keep.left_server.address, files, keys.certificate("left"))
        assert str(keys.folder) not in refused.value.message + refused.value.hint
        with pytest.raises(UsageError):
            VaultServer(serve_left(keep.left_half), ("127.0.0.1", 0), files, keys.peers(Role.GATE), tell=lambda _: None)
