"""TLS as the protocol wants it: 1.3, certificates on both ends, each known beforehand by its pin."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from facekeep.errors import UsageError
from facekeep.interfaces.vault.certificates import der_of, pin_of
from facekeep.split.wire.methods import Role


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where a role's own certificate and key lie, both in PEM."""

    certificate: Path
    key: Path


class Peers:
    """Who may be at the other end: certificates known beforehand, each of one role."""

    def __init__(self, certificates: Mapping[Role, bytes]) -> None:
        """Pin them.

        Args:
            certificates: of each role that may be at the other end its certificate, PEM.

        Raises:
            FormatError: one does not parse.
            UsageError: none is given, or two roles share a key.
        """
        shown = {role: der_of(certificate) for role, certificate in certificates.items()}
        self._roles = {pin_of(certificate): role for role, certificate in shown.items()}
        if not shown or len(self._roles) != len(shown):
            raise UsageError("each role needs a certificate of its own", hint="Make one for each role.")
        self.anchors = b"".join(shown.values())
        """What OpenSSL takes for known, in DER: these certificates and no other."""

    def role_of(self, pin: bytes | None) -> Role | None:
        """The role whose pin it is, or None."""
        return None if pin is None else self._roles.get(pin)


def server_context(files: KeyFiles, peers: Peers) -> ssl.SSLContext:
    """For the end that answers."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, files, peers)
    # Without tickets no session is resumed, and an idle connection has nothing to read unless it has ended.
    context.num_tickets = 0
    return context


def client_context(files: KeyFiles, peers: Peers) -> ssl.SSLContext:
    """For the end that asks."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, files, peers)


def _context(protocol: int, files: KeyFiles, peers: Peers) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the pin tells who it is, wherever it runs
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=peers.anchors)
    try:
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ValueError) as problem:
        hint = "Give the files of one certificate and of its key, in PEM, that this account may read."
        raise UsageError("the certificate or key of this role cannot be loaded", hint=hint) from problem
    return context


def pin_at(connection: ssl.SSLSocket) -> bytes | None:
    """The pin of what the other end showed in the handshake, or None."""
    shown = connection.getpeercert(binary_form=True)
    return None if shown is None else pin_of(shown)
