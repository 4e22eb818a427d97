"""Write tests/vectors/split-v1.json: python -m tools.vectors.split. Its inputs are fixed, so it writes the same."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from unittest import mock

import numpy as np
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from facekeep.domain.row import Pseudonym, RowFlag, RowHead, TransactionId
from facekeep.split.bands import BANDS, CODEWORDS, RING, band_of_score, codeword_of_score
from facekeep.split.codes import coarse_code, encode_probe, fine_code
from facekeep.split.deltas import DeltaRow, encode_chunk
from facekeep.split.kernels import add
from facekeep.split.masks import MaskRow, coarse_mask, fine_mask, reseed, split
from facekeep.split.onetime import band_picks, band_tables, token_picks, token_tables, tokens_of
from facekeep.split.permutation import Permutation
from facekeep.split.prf import stage_key, stream, tag
from facekeep.split.ratchet import Handshake, Hello
from facekeep.split.rows import RowTable
from facekeep.split.ticket import Ticket, sign
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


_TICKET = Ticket(
    _bytes("keep", 16).hex(), "identify", "main", "", "case 1", "operator 1", _bytes("model").hex(), 2, 3,
    _bytes("nonce", 16).hex(), NOW, NOW + 300,
)  # fmt: skip


def _tickets() -> dict[str, object]:
    key = Ed25519PrivateKey.from_private_bytes(_bytes("gate"))
    ticket = _TICKET
    good = sign(ticket, key)

    def case(name: str, payload: bytes, signature: bytes | None = None, now: int = NOW) -> dict[str, object]:
        signature = key.sign(b"facekeep/1/ticket\x00" + payload) if signature is None else signature
        return {"name": name, "payload": payload.decode(), "signature": signature.hex(), "now": now}

    fields = asdict(ticket)
    other = sign(replace(ticket, level=0), key)
    stranger = sign(ticket, Ed25519PrivateKey.from_private_bytes(_bytes("stranger")))
    long = rfc8785.dumps({**fields, "expires": NOW + 301})
    return {
        "gate": key.public_key().public_bytes_raw().hex(),
        "fields": fields,
        "good": [case("fresh", good.payload), case("a minute early", good.payload, now=NOW - 60)],
        "bad": [
            case("forged", stranger.payload, stranger.signature),
            case("signature of another ticket", good.payload, other.signature),
            case("signed without the label", good.payload, key.sign(good.payload)),
            case("expired", good.payload, now=NOW + 300),
            case("from the future", good.payload, now=NOW - 61),
            case("spaces", json.dumps(fields, sort_keys=True).encode()),
            case("order of keys", json.dumps(fields, separators=(",", ":")).encode()),
            case("unknown key", rfc8785.dumps({**fields, "score": 1})),
            case("missing key", rfc8785.dumps({k: v for k, v in fields.items() if k != "case"})),
            case("a boolean level", rfc8785.dumps({**fields, "level": True})),
            case("lives too long", long),
            case("eleven candidates", rfc8785.dumps({**fields, "candidates": 11})),
            case("capital digits", rfc8785.dumps({**fields, "nonce": ticket.nonce.upper()})),
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
    key = Ed25519PrivateKey.from_private_bytes(_bytes("gate"))
    payload = sign(_TICKET, key).payload
    probe = encode_probe(fine_code(_unit("one")))
    h0 = search_hash(payload, probe, 3, root, 20)
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
        "ticket": payload.decode(), "probe": probe.hex(), "epoch": 3, "root": root.hex(), "rows": 20,
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
        "tickets": _tickets(),
        "probes": _probes(),
        "session": session,
        "search": _search(turn_keys[3], bytes.fromhex(str(rows["identify_root"]))),
        "deltas": _deltas(channel),
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(TARGET.name)
