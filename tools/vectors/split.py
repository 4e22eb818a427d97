"""Write tests/vectors/split-v1.json: python -m tools.vectors.split. Its inputs are fixed, so it writes the same."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from facekeep.domain.row import Pseudonym, RowFlag, RowHead, TransactionId
from facekeep.split.approval import ClientKey, KeyApproval, PasskeyApproval
from facekeep.split.bands import BANDS, CODEWORDS, RING, band_of_score, codeword_of_score
from facekeep.split.codes import coarse_code, encode_probe, fine_code
from facekeep.split.deltas import DeltaRow, encode_chunk
from facekeep.split.forgiveness import FORGIVENESS, FORGIVENESS_SECONDS, Forgiveness, sign_forgiveness
from facekeep.split.kernels import add
from facekeep.split.masks import MaskRow, coarse_mask, fine_mask, reseed, split
from facekeep.split.onetime import band_picks, band_tables, token_picks, token_tables, tokens_of
from facekeep.split.operators import EVERY_PURPOSE, KeyChange, KeyKind, OperatorKey, client_key, sign_change
from facekeep.split.permutation import Permutation
from facekeep.split.prf import stage_key, stream, tag
from facekeep.split.ratchet import Handshake, Hello
from facekeep.split.rows import RowTable
from facekeep.split.statement import Claim, Statement, commitment_of, search_nonce, statement_digest
from facekeep.split.ticket import SignedTicket, sign
from facekeep.split.transcript import chosen_hash, positions_hash, search_hash

TARGET = Path(__file__).parents[2] / "tests" / "vectors" / "split-v1.json"
THRESHOLDS = (6400, 8448, 10496, 12288, 13824)
NOW = 1_800_000_000
D = 16


def _bytes(name: str, length: int = 32) -> bytes:
    return sha256(name.encode()).digest()[:length]


def _unit(name: str) -> np.ndarray:
    drawn = np.frombuffer(_bytes(name) + _bytes(name + "'"), "<u4")[:D].astype(np.float64) / 2**32 - 0.5
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def _codes() -> list[dict[str, object]]:
    out = []
    tie = np.asarray([3, -3, 3, 3, 0, 0, 0, 0, 2.5, 3.5, -2.5, -3.5, 0, 0, 0, 0]) / 160
    tie[4] = np.sqrt(1 - float(tie @ tie))
    for vector in (_unit("one"), _unit("two"), tie.astype(np.float32)):
        fine = fine_code(vector)
        unit = (vector / np.linalg.norm(vector.astype(np.float64))).astype(np.float64)
        out.append({"unit": unit.tolist(), "fine": fine.tolist(), "coarse": coarse_code(fine).tolist()})
    return out


def _masks() -> list[dict[str, object]]:
    fine = fine_code(_unit("one"))
    out = []
    for seed, epoch, version in (("s", 0, 1), ("s", 0, 2), ("s", 1, 2), ("t", 2**32 - 1, 2**32 - 1)):
        row = MaskRow(Pseudonym(_bytes("pseudonym", 16)), epoch, version, _bytes("model"))
        share = split(fine, coarse_code(fine), _bytes(seed), row)
        out.append({
            "seed": _bytes(seed).hex(), "pseudonym": row.pseudonym.hex(), "epoch": epoch, "version": version,
            "model": row.model.hex(), "fine": fine.tolist(),
            "fine_mask": fine_mask(_bytes(seed), row, D).tobytes().hex(),
            "coarse_mask": coarse_mask(_bytes(seed), row, D).tobytes().hex(),
            "right_coarse": share.to_bytes()[0].hex(), "right_fine": share.to_bytes()[1].hex(),
        })  # fmt: skip
    return out


def _rows() -> dict[str, object]:
    table = RowTable()
    listed = []
    for number, gallery in enumerate(("b", "a", "b", "ä")):
        head = RowHead(Pseudonym(_bytes(f"row {number}", 16)), number, 7 * number + 1, gallery, 3, RowFlag(number == 2))
        table.put(10 * number, head)
        listed.append([head.pseudonym.hex(), head.epoch, head.version, gallery, head.purposes, int(head.flags)])
    return {
        "rows": listed,
        "table_root": table.root().hex(),
        "identify_root": table.row_set("", 2).root.hex(),
        "identify_rows": len(table.row_set("", 2)),
        "empty_root": table.single(None).root.hex(),
    }


_ROWS = tuple(Pseudonym(_bytes(f"claimed {n}", 16)) for n in range(2))


def _claim() -> Claim:
    with mock.patch("os.urandom", side_effect=lambda size: (_bytes("salt") * 16)[:size]):
        return Claim.of(_ROWS)


_CLIENT = ClientKey.of(Ed25519PrivateKey.from_private_bytes(_bytes("client")))
_STATEMENT = Statement(
    _bytes("keep", 16).hex(), "identify", "main", "", "case 1", "operator 1", _CLIENT.id, _bytes("model").hex(), 2, 3,
    commitment_of(_bytes("crop salt"), _bytes("crop")).hex(), _bytes("nonce", 16).hex(), NOW, NOW + 300,
)  # fmt: skip


def _statements() -> dict[str, object]:
    fields = asdict(_STATEMENT)
    claim = _claim()
    opening = claim.opening(1)

    def bad(name: str, **change: object) -> dict[str, str]:
        payload: dict[str, Any] = {**fields, **change}
        return {"name": name, "payload": rfc8785.dumps(payload).decode()}

    return {
        "fields": fields,
        "payload": _STATEMENT.to_bytes().decode(),
        "digest": statement_digest(_STATEMENT.to_bytes()).hex(),
        "bad": [
            {"name": "spaces", "payload": json.dumps(fields, sort_keys=True)},
            {"name": "order of keys", "payload": json.dumps(fields, separators=(",", ":"))},
            {"name": "missing key", "payload": rfc8785.dumps({k: v for k, v in fields.items() if k != "key"}).decode()},
            bad("unknown key", score=1),
            bad("a boolean level", level=True),
            bad("lives too long", expires=NOW + 301),
            bad("eleven candidates", candidates=11),
            bad("capital digits", nonce=_STATEMENT.nonce.upper()),
            bad("no commitment", commitment=""),
            bad("no key", key=""),
            bad("a claim that is a pseudonym", claim=_ROWS[0].hex()),
        ],
        "commitment": {"salt": _bytes("crop salt").hex(), "crop": _bytes("crop").hex()},
        "nonces": [search_nonce(_bytes("nonce", 16), place).hex() for place in (0, 1, 15)],
        "claim": {
            "digest": claim.digest, "place": 1, "row": _ROWS[1].hex(), "opening": opening.hex(),
            "bad": [
                {"name": "another place", "opening": (b"\0" + opening[1:]).hex()},
                {"name": "another row", "opening": (opening[:1] + _ROWS[0] + opening[17:]).hex()},
                {"name": "another salt", "opening": (opening[:17] + bytes(32) + opening[49:]).hex()},
                {"name": "another leaf", "opening": (opening[:-1] + bytes([opening[-1] ^ 1])).hex()},
                {"name": "place 16", "opening": (b"\x10" + opening[1:]).hex()},
                {"name": "a byte short", "opening": opening[:-1].hex()},
            ],
        },
    }  # fmt: skip


def _forgiving() -> dict[str, object]:
    """The registrar's word on reviewed rows, and what a half refuses of it at one time."""
    registrar = Ed25519PrivateKey.from_private_bytes(_bytes("registrar"))
    stranger = Ed25519PrivateKey.from_private_bytes(_bytes("stranger"))
    rows, reviewers = (sorted(_bytes(name, 16).hex() for name in names) for names in (("row 1", "row 2"), ("a", "b")))
    expires = NOW + FORGIVENESS_SECONDS
    given = Forgiveness(
        _bytes("keep", 16).hex(), tuple(rows), tuple(reviewers), _bytes("nonce", 16).hex(), NOW, expires
    )
    good = sign_forgiveness(given, registrar)
    plain = json.loads(good.payload)

    def bad(name: str, **change: object) -> dict[str, str]:
        word = FORGIVENESS.signed(plain | change, registrar)
        return {"name": name, "payload": word.payload.decode(), "signature": word.signature.hex()}

    def with_signature(name: str, signature: bytes, payload: bytes = good.payload) -> dict[str, str]:
        return {"name": name, "payload": payload.decode(), "signature": signature.hex()}

    spaced = good.payload.replace(b",", b", ")
    return {
        "now": NOW,
        "word": {"payload": good.payload.decode(), "signature": good.signature.hex()},
        "bad": [
            with_signature("by another key", sign_forgiveness(given, stranger).signature),
            with_signature("without the label", registrar.sign(good.payload)),
            with_signature("under the label of keys", registrar.sign(b"facekeep/1/operators\0" + good.payload)),
            with_signature("not canonical", registrar.sign(FORGIVENESS.label + spaced), spaced),
            bad("another keep", keep="0" * 32),
            bad("one reviewer", reviewers=reviewers[:1]),
            bad("a reviewer twice", reviewers=[reviewers[0]] * 2),
            bad("three reviewers", reviewers=[*reviewers, "f" * 32]),
            bad("reviewers out of order", reviewers=reviewers[::-1]),
            bad("a reviewer by name", reviewers=["anna", "berta"]),
            bad("no row", rows=[]),
            bad("a row twice", rows=[rows[0]] * 2),
            bad("rows out of order", rows=rows[::-1]),
            bad("65 rows", rows=[f"{n:032x}" for n in range(65)]),
            bad("a row in capitals", rows=["A" * 32]),
            bad("a nonce of another length", nonce="00"),
            bad("an unknown field", more=1),
            bad("a time that is true", issued=True),
            bad("from the future", issued=NOW + 61, expires=NOW + 62),
            bad("expired", issued=NOW - 1, expires=NOW),
            bad("over a week", expires=expires + 1),
        ],
    }


def _operators() -> dict[str, object]:
    """Keys, changes of them, and approvals."""
    registrar = Ed25519PrivateKey.from_private_bytes(_bytes("registrar"))
    keep = _bytes("keep", 16).hex()
    client = client_key(_CLIENT.public, "operator 1", EVERY_PURPOSE, NOW + 1000)
    grant, revoke = (
        sign_change(change, registrar) for change in (KeyChange(keep, 7, client), KeyChange(keep, 8, None, client.id))
    )
    stranger = sign_change(KeyChange(keep, 7, client), Ed25519PrivateKey.from_private_bytes(_bytes("stranger")))
    statement = _STATEMENT.to_bytes()
    approval = _CLIENT.approve(statement)
    passkey = Ed25519PrivateKey.from_private_bytes(_bytes("passkey"))
    other_passkey = derive_private_key(int.from_bytes(_bytes("p-256")), SECP256R1())
    entry, other_entry = _passkey_entry(passkey), _passkey_entry(other_passkey)
    good = _assertion(passkey, statement)

    def case(name: str, key: OperatorKey, given: bytes) -> dict[str, str]:
        return {"name": name, "key": key.id, "approval": given.hex()}

    def flawed(name: str, **change: object) -> dict[str, str]:
        return case(name, entry, _assertion(passkey, statement, **change).to_bytes())  # type: ignore[arg-type]

    other = replace(_STATEMENT, level=3).to_bytes()
    unlabelled = KeyApproval(_CLIENT.private.sign(statement))
    return {
        "registrar": registrar.public_key().public_bytes_raw().hex(),
        "keys": [{**key.to_plain(), "id": key.id} for key in (client, entry, other_entry)],
        "changes": [{"payload": c.payload.decode(), "signature": c.signature.hex()} for c in (grant, revoke)],
        "bad_changes": [
            {"name": "forged", "payload": stranger.payload.decode(), "signature": stranger.signature.hex()},
            {"name": "of another change", "payload": revoke.payload.decode(), "signature": grant.signature.hex()},
        ],
        "statement": statement.decode(),
        "good": [
            case("a client's key", client, approval.to_bytes()),
            case("a passkey", entry, good.to_bytes()),
            case("a passkey of P-256", other_entry, _assertion(other_passkey, statement).to_bytes()),
        ],
        "bad": [
            case("another statement", client, _CLIENT.approve(other).to_bytes()),
            case("signed without the label", client, unlabelled.to_bytes()),
            case("another key", client, ClientKey.of(passkey).approve(statement).to_bytes()),
            case("a passkey's for a client's", client, good.to_bytes()),
            case("a client's for a passkey's", entry, ClientKey.of(passkey).approve(statement).to_bytes()),
            case("a byte short", client, approval.to_bytes()[:-1]),
            case("of a third kind", client, b"\x02" + approval.to_bytes()[1:]),
            case("nothing", client, b""),
            case("a passkey's byte more", entry, good.to_bytes() + b"\0"),
            case("a passkey's other statement", entry, _assertion(passkey, other).to_bytes()),
            case("a passkey's for that of P-256", other_entry, good.to_bytes()),
            case("P-256 and another statement", other_entry, _assertion(other_passkey, other).to_bytes()),
            flawed("not present", flags=4),
            flawed("not verified", flags=1),
            flawed("another relying party", rp="other.example"),
            flawed("another origin", origin="https://other.example"),
            flawed("made at registration", kind="webauthn.create"),
            flawed("inside of another page", crossOrigin=True),
        ],
    }


def _passkey_entry(key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> OperatorKey:
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return OperatorKey(KeyKind.PASSKEY, public.hex(), "operator 1", 2, 0, "faces.example", "https://faces.example")


def _assertion(
    key: Ed25519PrivateKey | EllipticCurvePrivateKey,
    statement: bytes,
    *,
    flags: int = 5,
    rp: str = "faces.example",
    origin: str = "https://faces.example",
    kind: str = "webauthn.get",
    **more: object,
) -> PasskeyApproval:
    challenge = base64.urlsafe_b64encode(statement_digest(statement)).rstrip(b"=").decode()
    said = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False, **more}
    client_data = json.dumps(said, separators=(",", ":")).encode()
    data = sha256(rp.encode()).digest() + bytes([flags]) + (7).to_bytes(4, "big")
    message = data + sha256(client_data).digest()
    if isinstance(key, Ed25519PrivateKey):
        return PasskeyApproval(data, client_data, key.sign(message))
    # RFC 6979: an authenticator draws anew each time, a file of vectors must not.
    return PasskeyApproval(data, client_data, key.sign(message, ECDSA(SHA256(), deterministic_signing=True)))


def _ticket(statement: Statement, level: int, opening: bytes, key: str = "gate") -> SignedTicket:
    signer = Ed25519PrivateKey.from_private_bytes(_bytes(key))
    payload = statement.to_bytes()
    return sign(payload, _CLIENT.approve(payload).to_bytes(), signer, level=level, opening=opening)


def _tickets() -> dict[str, object]:
    gate = Ed25519PrivateKey.from_private_bytes(_bytes("gate"))
    claim = _claim()
    good, verify = _STATEMENT, replace(_STATEMENT, purpose="verify", claim=claim.digest, candidates=1)
    signed, opening = _ticket(good, 2, b""), claim.opening(1)
    other = _ticket(replace(good, level=0), 0, b"")

    def case(name: str, ticket: SignedTicket, now: int = NOW) -> dict[str, object]:
        return {
            "name": name, "statement": ticket.statement.decode(), "approval": ticket.approval.hex(),
            "level": ticket.level, "opening": ticket.opening.hex(), "signature": ticket.signature.hex(), "now": now,
        }  # fmt: skip

    return {
        "gate": gate.public_key().public_bytes_raw().hex(),
        "good": [
            case("fresh", signed),
            case("a minute early", signed, now=NOW - 60),
            case("1:1", _ticket(verify, 2, opening)),
            case("1:1 and stricter", _ticket(verify, 4, claim.opening(0))),
        ],
        "bad": [
            case("forged", _ticket(good, 2, b"", key="stranger")),
            case("signature of another ticket", replace(signed, signature=other.signature)),
            case("signed without the label", replace(signed, signature=gate.sign(signed.body))),
            case("another approval", replace(signed, approval=other.approval)),
            case("another statement", replace(signed, statement=other.statement)),
            case("another level", replace(signed, level=3)),
            case("expired", signed, now=NOW + 300),
            case("from the future", signed, now=NOW - 61),
            case("1:N at another level than its statement's", _ticket(good, 3, b"")),
            case("1:N that opens a claim", _ticket(good, 2, opening)),
            case("1:1 laxer than its statement", _ticket(verify, 1, opening)),
            case("1:1 without a row", _ticket(verify, 2, b"")),
            case("1:1 of a row that is not claimed", _ticket(verify, 2, opening[:1] + bytes(16) + opening[17:])),
        ],
    }


def _probes() -> dict[str, object]:
    good = fine_code(_unit("one"))
    return {
        "dimension": D,
        "good": [encode_probe(good).hex()],
        "bad": [
            {"name": "wrong norm", "probe": encode_probe(good // 2).hex()},
            {"name": "too long a vector", "probe": encode_probe(np.full(D, 42, np.int16)).hex()},
            {"name": "an entry over 160", "probe": encode_probe(np.asarray([161] + [0] * 15, np.int16)).hex()},
            {"name": "zeros", "probe": bytes(2 * D).hex()},
            {"name": "a byte short", "probe": encode_probe(good)[:-1].hex()},
        ],
    }


def _session() -> tuple[dict[str, object], list[bytes], bytes]:
    keep = _bytes("keep", 16)
    identity = {side: Ed25519PrivateKey.from_private_bytes(_bytes(side)) for side in ("left", "right")}
    public = {side: key.public_key().public_bytes_raw() for side, key in identity.items()}
    shakes, listed = {}, {}
    for side, peer in (("left", "right"), ("right", "left")):
        secret = X25519PrivateKey.from_private_bytes(_bytes(f"ephemeral {side}"))
        with mock.patch("facekeep.split.ratchet.X25519PrivateKey.generate", return_value=secret):
            shakes[side] = Handshake(side.encode(), keep, identity[side], public[peer])
        hello: Hello = shakes[side].hello
        listed[side] = {
            "identity": public[side].hex(), "ephemeral_secret": _bytes(f"ephemeral {side}").hex(),
            "ephemeral": hello.ephemeral.hex(), "signature": hello.signature.hex(),
        }  # fmt: skip
    ratchet = shakes["left"].finish(shakes["right"].hello)
    session = ratchet._chain
    keys = [ratchet.take(turn) for turn in range(4)]
    return (
        {
            "keep": keep.hex(), **listed, "k_lr": session.hex(), "channel": ratchet.channel.hex(),
            "turn_keys": [key.hex() for key in keys],
            "turns": [[0, True], [2, True], [1, True], [1, False], [0, False], [1026, True], [2051, False],
                      [-1, False]],
        },
        keys,
        ratchet.channel,
    )  # fmt: skip


def _search(turn_key: bytes, root: bytes) -> dict[str, object]:
    body = _ticket(_STATEMENT, 2, b"").body
    probe = encode_probe(fine_code(_unit("one")))
    h0 = search_hash(body, probe, 3, root, 20)
    slots = np.arange(100, 120, dtype=np.int32)
    permutation = Permutation(stage_key(turn_key, b"permutation", h0), 20)
    order = slots[permutation.places(np.arange(20, dtype=np.int32))]
    zeros = stream(stage_key(turn_key, b"zero", h0), 20)
    sums = np.frombuffer(_bytes("sums") * 4, np.uint8)[:128].copy()
    shares = {}
    for side, negative in (("left", False), ("right", True)):
        add(out := permutation.apply(sums, slots), zeros, negative)
        shares[side] = out.tolist()
    positions = np.asarray([0, 2, 3, 11, 19], np.int32)
    h1 = positions_hash(h0, positions)
    chosen = np.asarray([4, 0], np.int32)
    h2 = chosen_hash(h1, chosen)
    return {
        "ticket": body.hex(), "probe": probe.hex(), "epoch": 3, "root": root.hex(), "rows": 20,
        "turn_key": turn_key.hex(), "h0": h0.hex(), "slots": slots.tolist(), "order": order.tolist(),
        "sums": sums.tolist(), "offered": shares, "positions": positions.tolist(), "h1": h1.hex(),
        "chosen": chosen.tolist(), "h2": h2.hex(),
        "tags": {"coarse": tag(turn_key, b"coarse", h0).hex(), "fine": tag(turn_key, b"fine", h1).hex(),
                 "token": tag(turn_key, b"token", h2).hex()},
        "fine": _fine(turn_key, h1), "tokens": _tokens(turn_key, h2),
    }  # fmt: skip


_AT = (0, 1, 15, 16, 4095, 32768, 65535)


def _fine(turn_key: bytes, h1: bytes) -> dict[str, object]:
    level = 2
    scores = [THRESHOLDS[2] - 1, THRESHOLDS[2], THRESHOLDS[4], -29348, 0]
    a = np.asarray([65535, 0, 30000, 1, 12345], np.uint16)
    b = (np.asarray(scores) - a.astype(int)).astype(np.uint16)
    keys = stage_key(turn_key, b"fine/shift", h1), stage_key(turn_key, b"fine/pad", h1)
    tables = band_tables(a, codeword_of_score(THRESHOLDS, level), *keys)
    indices, pads = band_picks(b, *keys)
    return {
        "thresholds": THRESHOLDS, "level": level, "scores": scores, "a": a.tolist(), "b": b.tolist(),
        "indices": indices.tolist(), "pads": pads.tolist(), "at": _AT,
        "entries": [[int(table[u]) for u in _AT] for table in tables], "sha256": sha256(tables.tobytes()).hexdigest(),
        "bands": [int(band_of_score(THRESHOLDS, level)[s % RING]) for s in scores],
    }  # fmt: skip


def _tokens(turn_key: bytes, h2: bytes) -> dict[str, object]:
    level = 2
    scores = [0, THRESHOLDS[3]]
    a = np.asarray([77, 65000], np.uint16)
    b = (np.asarray(scores) - a.astype(int)).astype(np.uint16)
    keys = stage_key(turn_key, b"token/shift", h2), stage_key(turn_key, b"token/pad", h2)
    tokens = [[stage_key(turn_key, b"token/%d/%d" % (i, j), h2)[:16] for j in range(BANDS)] for i in range(2)]
    tables = token_tables(a, band_of_score(THRESHOLDS, level), [tokens_of(t) for t in tokens], *keys)
    indices, pads = token_picks(b, *keys)
    entries = tables.astype("<u8").view(np.uint8).reshape(2, RING, 16)
    return {
        "a": a.tolist(), "b": b.tolist(), "scores": scores, "tokens": [[t.hex() for t in each] for each in tokens],
        "indices": indices.tolist(), "pads": [pad.tobytes().hex() for pad in pads], "at": _AT,
        "entries": [[table[u].tobytes().hex() for u in _AT] for table in entries],
        "sha256": sha256(entries.tobytes()).hexdigest(), "opened": [tokens[0][0].hex(), tokens[1][4].hex()],
    }  # fmt: skip


def _deltas(channel: bytes) -> dict[str, object]:
    transaction = TransactionId(_bytes("transaction", 16))
    old = MaskRow(Pseudonym(_bytes("pseudonym", 16)), 0, 1, _bytes("model"))
    new = replace(old, epoch=1, version=2)
    delta = reseed(_bytes("s"), old, _bytes("t"), new, D)
    with mock.patch("os.urandom", return_value=_bytes("delta nonce", 12)):
        chunk = encode_chunk(AESGCM(channel), transaction, 1, [DeltaRow(old.pseudonym, 1, 2, delta)])
    return {
        "channel": channel.hex(), "transaction": transaction.hex(), "number": 1, "chunk": chunk.hex(), "dimension": D,
        "rows": [[old.pseudonym.hex(), 1, 2, delta.fine.tolist(), delta.coarse.tolist()]],
        "old_seed": _bytes("s").hex(), "new_seed": _bytes("t").hex(), "model": old.model.hex(),
        "bad": [
            {"name": "moved to another place", "number": 0},
            {"name": "of another transaction", "transaction": bytes(16).hex()},
            {"name": "cut", "chunk": chunk[:-1].hex()}, {"name": "of another session", "channel": bytes(32).hex()},
        ],
    }  # fmt: skip


def vectors() -> dict[str, object]:
    """Everything in the file."""
    session, turn_keys, channel = _session()
    rows = _rows()
    return {
        "format": "facekeep split gallery, version 1",
        "codes": _codes(),
        "masks": _masks(),
        "rows": rows,
        "bands": {"codewords": list(CODEWORDS), "levels": 5, "bad": [0x01, 0x80, 0xFF, CODEWORDS[6], 0x7F]},
        "statements": _statements(),
        "operators": _operators(),
        "forgiving": _forgiving(),
        "tickets": _tickets(),
        "probes": _probes(),
        "session": session,
        "search": _search(turn_keys[3], bytes.fromhex(str(rows["identify_root"]))),
        "deltas": _deltas(channel),
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(TARGET.name)
