"""A witness of a log: it co-signs what only grew, and says where a log was cut or forked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.domain.ledger import SignedHead
from facekeep.domain.merkle import consistency_proof, grown
from facekeep.errors import BadInputError, NotFoundError, UsageError
from facekeep.ledger_verifier import VerifierKey, read_head, verify
from facekeep.service.keep import Keep
from facekeep.service.ledger_signing import LedgerSigner, WitnessSigner
from facekeep.service.witnessing import examined

NOW = datetime(2027, 3, 1, tzinfo=UTC)
SIGNER = LedgerSigner("facekeep/another/registry", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KEY = VerifierKey.read(SIGNER.key)
AUDITOR = WitnessSigner("auditor", Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))


class Other:
    """Somebody else's log; from a leaf on it may be another branch."""

    def __init__(self, size: int, *, forked: int | None = None) -> None:
        leaves = (
            f"{number}{'' if forked is None or number < forked else ' forked'}".encode() for number in range(size)
        )
        self.size, self.nodes = size, [node for _, node in grown(0, leaves, [].__getitem__)]

    def note(self, size: int | None = None) -> str:
        return SIGNER.head(self.size if size is None else size, self.nodes.__getitem__, NOW).note

    def prove(self, old: int, size: int) -> Sequence[bytes]:
        return consistency_proof(old, size, self.nodes.__getitem__)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_only_grew_is_found_right_and_a_fork_is_located(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 90))
    seen = sorted(data.draw(st.sets(st.integers(1, size), min_size=1, max_size=6)))
    log = Other(size)
    notes = [log.note(each) for each in seen]
    head, fault = examined(log.note(), KEY, notes, log.prove)
    assert (head, fault) == (read_head(log.note()), None)
    leaf = data.draw(st.integers(0, seen[-1] - 1))
    branch = Other(data.draw(st.integers(seen[-1], 120)), forked=leaf)
    head, fault = examined(branch.note(), KEY, notes, branch.prove)
    assert head is None
    assert fault is not None
    assert fault.kind == "forked"
    # The first leaf that differs is behind the last head that both branches have, and before the next.
    assert (fault.first, fault.end) == (
        max((s for s in seen if s <= leaf), default=0),
        min(s for s in seen if s > leaf),
    )


def test_what_is_cut_or_signed_by_somebody_else_is_not_co_signed() -> None:
    log = Other(20)
    _, fault = examined(log.note(12), KEY, [log.note(15)], log.prove)
    assert fault is not None
    assert (fault.kind, fault.first, fault.end) == ("dropped", 12, 15)
    stranger = LedgerSigner(SIGNER.origin, Ed25519PrivateKey.generate())
    for note, kind in ((stranger.head(20, log.nodes.__getitem__, NOW).note, "unsigned"), ("something", "malformed")):
        _, fault = examined(note, KEY, [], log.prove)
        assert fault is not None
        assert fault.kind == kind


def test_a_keep_co_signs_for_others_and_remembers_it(keep: Keep) -> None:
    key = VerifierKey.read(keep.witness_key)
    log = Other(70)
    size = keep.ledger_head().size
    for leaves in (10, 40, 40, 64):
        done = keep.cosign(log.note(leaves), SIGNER.key, log.prove)
        assert (done.size, done.fault) == (leaves, None)
        assert read_head(log.note(leaves) + done.cosignature).is_signed_by(key)
    entries = verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key)).opened.values()
    assert [e["size"] for e in entries if e["kind"] == "cosigned"] == ["10", "40", "64"]  # the same head is one entry
    assert keep.ledger_head().size == size + 4
    forked = Other(80, forked=50)
    done = keep.cosign(forked.note(), SIGNER.key, forked.prove)
    assert done.cosignature == ""
    assert done.fault is not None
    assert (done.fault.kind, done.fault.first, done.fault.end) == ("forked", 40, 64)
    assert keep.cosign(log.note(), SIGNER.key, log.prove).size == 70  # the fork was not remembered
    for wrong in (keep.witness_key, "no key", ""):
        with pytest.raises(BadInputError):
            keep.cosign(log.note(), wrong, log.prove)


def test_two_heads_at_once_are_not_both_co_signed(keep: Keep) -> None:
    log = Other(70)

    def meanwhile(old: int, size: int) -> Sequence[bytes]:
        keep.cosign(log.note(60), SIGNER.key, log.prove)
        return log.prove(old, size)

    keep.cosign(log.note(10), SIGNER.key, log.prove)
    with pytest.raises(UsageError):
        keep.cosign(log.note(50), SIGNER.key, meanwhile)


def test_a_keep_takes_co_signatures_of_its_own_witnesses_alone(keep: Keep) -> None:
    assert keep.witnessed_head() is None
    keep.add_witness(AUDITOR.key)
    head = keep.ledger_head()
    line = AUDITOR.cosigned(head, NOW).note.removeprefix(head.note)
    stranger = WitnessSigner("auditor", Ed25519PrivateKey.generate()).cosigned(head, NOW).note.removeprefix(head.note)
    own = head.note.splitlines(keepends=True)[-1]
    for wrong in (stranger, own, line + line, "", "x", line.replace("auditor", "another"), f"\n{line}"):
        with pytest.raises(BadInputError):
            keep.add_cosignature(head.size, wrong)
    with pytest.raises(NotFoundError):
        keep.add_cosignature(head.size + 1, line)
    given = keep.add_cosignature(head.size, line)
    assert given == SignedHead(head.size, head.note + line)
    again = AUDITOR.cosigned(head, datetime(2028, 1, 1, tzinfo=UTC)).note.removeprefix(head.note)
    assert keep.add_cosignature(head.size, again) == given == keep.ledger_head() == keep.witnessed_head()
    assert [(one.name, one.size) for one in keep.witnesses()] == [("auditor", head.size)]
    # A later head is another text; what was co-signed goes with both kinds of bundles.
    keep.add_notice("Another.")
    assert keep.ledger_head().size == head.size + 1
    for bundle in (keep.ledger_bundle(), keep.ledger_bundle_of("obama")):
        report = verify(bundle, VerifierKey.read(keep.ledger_key), witnesses=[VerifierKey.read(AUDITOR.key)])
        assert (report.faults, report.witnessed) == ([], {"auditor": head.size})
    keep.remove_witness("auditor")
    assert keep.witnessed_head() is None
    with pytest.raises(NotFoundError):
        keep.remove_witness("auditor")
    kinds = [e["kind"] for e in verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key)).opened.values()]
    assert {"witness-added", "witness-removed"} <= set(kinds)


def test_who_can_be_a_witness(keep: Keep) -> None:
    for wrong in (keep.ledger_key, "auditor", ""):
        with pytest.raises(BadInputError):
            keep.add_witness(wrong)
    for number in range(16):
        keep.add_witness(WitnessSigner(f"witness-{number}", Ed25519PrivateKey.generate()).key)
    keep.add_witness(WitnessSigner("witness-3", Ed25519PrivateKey.generate()).key)  # in place of the other
    with pytest.raises(UsageError):
        keep.add_witness(AUDITOR.key)
    assert len(keep.witnesses()) == 16


@pytest.mark.parametrize("name", ["left", "right", "half/left"])
def test_a_log_that_is_called_as_a_half_is_none_of_its_logs(keep: Keep, name: str) -> None:
    other = LedgerSigner(name, Ed25519PrivateKey.generate())
    log = Other(20)
    note = other.head(20, log.nodes.__getitem__, NOW).note
    assert keep.cosign(note, other.key, log.prove).size == 20
    head = keep.ledger_head()
    keep.check()
    assert keep.cosign(note, other.key, log.prove).size == 20
    assert verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key), seen=[read_head(head.note)]).faults == []
