"""The committed vectors against the implementation, and against an independent one (tests/unit/split/reference.py)."""

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_der_public_key
from tools.vectors import split as generator

from facekeep.domain.row import TransactionId
from facekeep.errors import DisagreementError, ProbeError, RefusedError, TicketError
from facekeep.split.approval import approval_from_bytes, check_approval
from facekeep.split.bands import CODEWORDS, codeword_of_score, decode_bands
from facekeep.split.codes import check_probe
from facekeep.split.deltas import decode_chunk
from facekeep.split.forgiveness import Forgiveness, open_forgiveness, sign_forgiveness
from facekeep.split.onetime import band_picks, band_tables
from facekeep.split.operators import OperatorKey, open_change
from facekeep.split.prf import stage_key
from facekeep.split.ratchet import Ratchet
from facekeep.split.statement import Statement, opened
from facekeep.split.ticket import SignedTicket, open_ticket
from facekeep.split.word import SignedWord
from tests.unit.split import reference

FILE = Path(__file__).parents[2] / "vectors" / "split-v1.json"
V = json.loads(FILE.read_text(encoding="utf-8"))
H = bytes.fromhex


def test_the_implementation_still_gives_the_committed_vectors() -> None:
    assert json.loads(json.dumps(generator.vectors())) == V


# Failures: what the implementation must refuse


def test_statements() -> None:
    case = V["statements"]
    assert asdict(Statement.from_bytes(case["payload"].encode())) == case["fields"]
    for bad in case["bad"]:
        with pytest.raises(TicketError):
            Statement.from_bytes(bad["payload"].encode())


def test_claims() -> None:
    claim = V["statements"]["claim"]
    assert opened(claim["digest"], H(claim["opening"])) == (claim["place"], H(claim["row"]))
    for bad in claim["bad"]:
        with pytest.raises(TicketError):
            opened(claim["digest"], H(bad["opening"]))


def _key(identifier: str) -> OperatorKey:
    plain = next(key for key in V["operators"]["keys"] if key["id"] == identifier)
    return OperatorKey.from_plain({name: value for name, value in plain.items() if name != "id"})


def test_keys_of_operators_and_their_changes() -> None:
    registrar, keep = H(V["operators"]["registrar"]), V["session"]["keep"]
    for key in V["operators"]["keys"]:
        assert _key(key["id"]).id == key["id"]
    grant, revoke = (
        open_change(SignedWord(c["payload"].encode(), H(c["signature"])), registrar, keep)
        for c in V["operators"]["changes"]
    )
    assert grant.grant == _key(revoke.revoke)
    for bad in V["operators"]["bad_changes"]:
        with pytest.raises(RefusedError):
            open_change(SignedWord(bad["payload"].encode(), H(bad["signature"])), registrar, keep)


def test_forgivenesses() -> None:
    registrar, keep, case = H(V["operators"]["registrar"]), V["session"]["keep"], V["forgiving"]

    def opened(word: dict[str, str]) -> Forgiveness:
        signed = SignedWord(word["payload"].encode(), H(word["signature"]))
        return open_forgiveness(signed, registrar, keep, case["now"])

    given = opened(case["word"])
    assert sign_forgiveness(given, Ed25519PrivateKey.generate()).payload == case["word"]["payload"].encode()
    assert len(given.rows) == len(given.reviewers) == 2
    for bad in case["bad"]:
        with pytest.raises(RefusedError):
            opened(bad)


def test_approvals() -> None:
    statement = V["operators"]["statement"].encode()
    for good in V["operators"]["good"]:
        check_approval(_key(good["key"]), statement, approval_from_bytes(H(good["approval"])))
    for bad in V["operators"]["bad"]:
        with pytest.raises(TicketError):
            check_approval(_key(bad["key"]), statement, approval_from_bytes(H(bad["approval"])))


def _ticket(case: dict) -> SignedTicket:
    parts = (H(case[name]) for name in ("opening", "signature"))
    return SignedTicket(case["statement"].encode(), H(case["approval"]), case["level"], *parts)


@pytest.mark.parametrize("case", V["tickets"]["good"], ids=lambda case: case["name"])
def test_good_tickets(case: dict) -> None:
    ticket = open_ticket(_ticket(case), H(V["tickets"]["gate"]), now=case["now"])
    assert ticket.statement.to_bytes() == case["statement"].encode()


@pytest.mark.parametrize("case", V["tickets"]["bad"], ids=lambda case: case["name"])
def test_bad_tickets(case: dict) -> None:
    with pytest.raises(TicketError):
        open_ticket(_ticket(case), H(V["tickets"]["gate"]), now=case["now"])


def test_probes() -> None:
    for probe in V["probes"]["good"]:
        check_probe(H(probe), V["probes"]["dimension"])
    for case in V["probes"]["bad"]:
        with pytest.raises(ProbeError):
            check_probe(H(case["probe"]), V["probes"]["dimension"])


def test_invalid_band_bytes() -> None:
    for byte in V["bands"]["bad"]:
        with pytest.raises(DisagreementError):
            decode_bands(np.asarray([byte], np.uint8), V["bands"]["levels"])


def test_turns_are_given_once() -> None:
    ratchet = Ratchet(H(V["session"]["k_lr"]))
    for turn, given in V["session"]["turns"]:
        if given:
            key = ratchet.take(turn)
            assert turn > 3 or key == H(V["session"]["turn_keys"][turn])
        else:
            with pytest.raises(TicketError):
                ratchet.take(turn)


def test_chunks_of_deltas() -> None:
    good = {key: V["deltas"][key] for key in ("channel", "transaction", "number", "chunk")}

    def decode(channel: str, transaction: str, number: int, chunk: str) -> list:
        rows = decode_chunk(
            AESGCM(H(channel)), TransactionId(H(transaction)), number, V["deltas"]["dimension"], H(chunk)
        )
        return [[r.pseudonym.hex(), r.epoch, r.version, r.delta.fine.tolist(), r.delta.coarse.tolist()] for r in rows]

    assert decode(**good) == V["deltas"]["rows"]
    for case in V["deltas"]["bad"]:
        with pytest.raises(RefusedError):
            decode(**{**good, **{key: value for key, value in case.items() if key != "name"}})


# The independent implementation


def test_the_reference_knows_aes_and_x25519() -> None:
    # FIPS 197, appendix C.3; RFC 7748, section 5.2.
    assert (
        reference.aes256(bytes(range(32)), H("00112233445566778899aabbccddeeff")).hex()
        == "8ea2b7ca516745bfeafc49904b496089"
    )
    scalar = H("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    point = H("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    product = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
    assert reference.x25519(scalar, point).hex() == product


def test_codes() -> None:
    for case in V["codes"]:
        assert reference.fine_code(case["unit"]) == case["fine"]
        assert reference.coarse_code(case["fine"]) == case["coarse"]


def test_masks_and_right_shares() -> None:
    fine = V["codes"][0]["fine"]
    coarse = V["codes"][0]["coarse"]
    for case in V["masks"]:
        row = H(case["pseudonym"]), case["epoch"], case["version"], H(case["model"])
        deep = reference.mask(H(case["seed"]), "fine", *row, 32)
        quick = reference.mask(H(case["seed"]), "coarse", *row, 16)
        assert (deep.hex(), quick.hex()) == (case["fine_mask"], case["coarse_mask"])
        assert [(x - m) % 2**16 for x, m in zip(fine, reference.u16(deep), strict=True)] == reference.u16(
            H(case["right_fine"])
        )
        assert bytes((t - m) % 256 for t, m in zip(coarse, quick, strict=True)).hex() == case["right_coarse"]


def test_deltas_are_the_difference_of_two_masks() -> None:
    case = V["deltas"]
    pseudonym, epoch, version, fine, coarse = case["rows"][0]
    row = H(pseudonym), H(case["model"])
    old = [reference.mask(H(case["old_seed"]), use, row[0], 0, 1, row[1], 32) for use in ("fine", "coarse")]
    new = [reference.mask(H(case["new_seed"]), use, row[0], epoch, version, row[1], 32) for use in ("fine", "coarse")]
    pairs = zip(reference.u16(new[0]), reference.u16(old[0]), strict=True)
    assert [(n - o) % 2**16 for n, o in pairs] == fine
    assert [(n - o) % 256 for n, o in zip(new[1][:16], old[1][:16], strict=True)] == coarse


def test_roots() -> None:
    rows = [(H(p), *rest) for p, *rest in V["rows"]["rows"]]
    assert reference.table_root(rows).hex() == V["rows"]["table_root"]
    searched = [row[:3] for row in rows if row[4] & 2 and not row[5]]
    assert len(searched) == V["rows"]["identify_rows"]
    assert reference.row_root(searched).hex() == V["rows"]["identify_root"]
    assert reference.row_root([]).hex() == V["rows"]["empty_root"]


def test_statements_are_canonical_and_named_by_their_digest() -> None:
    case = V["statements"]
    assert json.dumps(case["fields"], sort_keys=True, separators=(",", ":")) == case["payload"]
    assert sha256(b"facekeep/1/statement\x00" + case["payload"].encode()).hexdigest() == case["digest"]
    salt, crop = H(case["commitment"]["salt"]), H(case["commitment"]["crop"])
    assert sha256(b"facekeep/1/commitment\x00" + salt + crop).hexdigest() == case["fields"]["commitment"]
    nonce = H(case["fields"]["nonce"])
    for place, derived in zip((0, 1, 15), case["nonces"], strict=True):
        assert sha256(b"facekeep/1/nonce\x00" + nonce + bytes([place])).digest()[:16].hex() == derived


def test_claims_are_digests_of_leaves() -> None:
    claim = V["statements"]["claim"]
    opening = H(claim["opening"])
    place, row, salt, leaves = opening[0], opening[1:17], opening[17:49], opening[49:]
    assert sha256(b"facekeep/1/claim\x00" + leaves).hexdigest() == claim["digest"]
    leaf = sha256(b"facekeep/1/leaf\x00" + salt + bytes([place]) + row).digest()
    assert leaves[32 * place : 32 * place + 32] == leaf
    assert len(leaves) == 16 * 32


def test_clients_and_registrar_sign_under_their_labels() -> None:
    operators = V["operators"]
    client = next(key for key in operators["keys"] if key["kind"] == "client")
    public = load_der_public_key(H(client["public"]))
    assert isinstance(public, Ed25519PublicKey)
    approval = H(next(good["approval"] for good in operators["good"] if good["key"] == client["id"]))
    assert approval[0] == 0
    public.verify(approval[1:], b"facekeep/1/statement\x00" + operators["statement"].encode())
    named = b"facekeep/1/operator-key\x00" + b"client\x00" + H(client["public"])
    assert sha256(named).hexdigest()[:32] == client["id"]
    registrar = Ed25519PublicKey.from_public_bytes(H(operators["registrar"]))
    for change in operators["changes"]:
        registrar.verify(H(change["signature"]), b"facekeep/1/operators\x00" + change["payload"].encode())


def _body(case: dict) -> bytes:
    hashes = sha256(case["statement"].encode()).digest() + sha256(H(case["approval"])).digest()
    return hashes + bytes([case["level"]]) + H(case["opening"])


def test_tickets_are_signed_under_their_label() -> None:
    key = Ed25519PublicKey.from_public_bytes(H(V["tickets"]["gate"]))
    for case in V["tickets"]["good"]:
        key.verify(H(case["signature"]), b"facekeep/1/ticket\x00" + _body(case))
    assert _body(V["tickets"]["good"][0]).hex() == V["search"]["ticket"]


def test_handshake_and_ratchet() -> None:
    session = V["session"]
    hellos = {}
    for side in ("left", "right"):
        said = session[side]
        base = (9).to_bytes(32, "little")
        assert reference.x25519(H(said["ephemeral_secret"]), base).hex() == said["ephemeral"]
        signed = b"facekeep/1/peer/" + H(session["keep"]) + side.encode() + b"\x00" + H(said["ephemeral"])
        Ed25519PublicKey.from_public_bytes(H(said["identity"])).verify(H(said["signature"]), signed)
        hellos[side] = reference.hello(side.encode(), H(said["ephemeral"]), H(said["signature"]))
    shared = reference.x25519(H(session["left"]["ephemeral_secret"]), H(session["right"]["ephemeral"]))
    assert shared == reference.x25519(H(session["right"]["ephemeral_secret"]), H(session["left"]["ephemeral"]))
    key = reference.session_key(H(session["keep"]), hellos["left"], hellos["right"], shared)
    assert key.hex() == session["k_lr"]
    assert reference.hmac.digest(key, b"channel", "sha256").hex() == session["channel"]
    assert [k.hex() for k in reference.turn_keys(key, 4)] == session["turn_keys"]


def _hashes() -> tuple[bytes, bytes, bytes]:
    s = V["search"]
    h0 = reference.search_hash(H(s["ticket"]), H(s["probe"]), s["epoch"], H(s["root"]), s["rows"])
    h1 = reference.list_hash(b"facekeep/1/positions", h0, s["positions"])
    return h0, h1, reference.list_hash(b"facekeep/1/chosen", h1, s["chosen"])


def test_transcript_permutation_and_shares_of_zero() -> None:
    s, turn = V["search"], H(V["search"]["turn_key"])
    h0, h1, h2 = _hashes()
    assert [h.hex() for h in (h0, h1, h2)] == [s["h0"], s["h1"], s["h2"]]
    for stage, transcript in (("coarse", h0), ("fine", h1), ("token", h2)):
        assert reference.stage_key(turn, f"agree/{stage}", transcript)[:16].hex() == s["tags"][stage]
    assert reference.permutation(reference.stage_key(turn, "permutation", h0), s["slots"]) == s["order"]
    zeros = reference.stream_at(reference.stage_key(turn, "zero", h0), 0, s["rows"])
    for side, sign in (("left", 1), ("right", -1)):
        sums = [s["sums"][slot] for slot in s["order"]]
        assert [(v + sign * z) % 256 for v, z in zip(sums, zeros, strict=True)] == s["offered"][side]


def test_codewords() -> None:
    assert reference.codewords() == V["bands"]["codewords"] == list(CODEWORDS)


def test_one_time_tables_of_bands() -> None:
    s = V["search"]["fine"]
    _, h1, _ = _hashes()
    turn = H(V["search"]["turn_key"])
    keys = reference.stage_key(turn, "fine/shift", h1), reference.stage_key(turn, "fine/pad", h1)
    words = reference.codewords()
    for i, (a, b) in enumerate(zip(s["a"], s["b"], strict=True)):
        entries = [reference.band_entry(a, u, i, keys, s["thresholds"], s["level"]) for u in s["at"]]
        assert entries == s["entries"][i]
        u = (b + reference.shift(keys[0], i)) % 2**16
        assert u == s["indices"][i]
        opened = reference.band_entry(a, u, i, keys, s["thresholds"], s["level"]) ^ s["pads"][i]
        assert opened == words[s["bands"][i]]
        assert s["bands"][i] == reference.band(s["scores"][i], s["thresholds"], s["level"])


def test_one_time_tables_of_tokens() -> None:
    fine, s = V["search"]["fine"], V["search"]["tokens"]
    *_, h2 = _hashes()
    turn = H(V["search"]["turn_key"])
    keys = reference.stage_key(turn, "token/shift", h2), reference.stage_key(turn, "token/pad", h2)
    for i, (a, b) in enumerate(zip(s["a"], s["b"], strict=True)):
        tokens = [reference.stage_key(turn, f"token/{i}/{j}", h2)[:16] for j in range(16)]
        assert [token.hex() for token in tokens] == s["tokens"][i]
        bands = fine["thresholds"], fine["level"]
        entries = [reference.token_entry(a, u, i, keys, tokens, bands).hex() for u in s["at"]]
        assert entries == s["entries"][i]
        u = (b + reference.shift(keys[0], i)) % 2**16
        assert u == s["indices"][i]
        opened = reference.token_entry(a, u, i, keys, tokens, bands)
        assert bytes(x ^ y for x, y in zip(opened, H(s["pads"][i]), strict=True)).hex() == s["opened"][i]


def test_the_whole_of_the_tables() -> None:
    s = V["search"]["fine"]
    h1, turn = H(V["search"]["h1"]), H(V["search"]["turn_key"])
    keys = stage_key(turn, b"fine/shift", h1), stage_key(turn, b"fine/pad", h1)
    tables = band_tables(np.asarray(s["a"], np.uint16), codeword_of_score(tuple(s["thresholds"]), s["level"]), *keys)
    assert sha256(tables.tobytes()).hexdigest() == s["sha256"]
    assert band_picks(np.asarray(s["b"], np.uint16), *keys)[0].tolist() == s["indices"]
