"""The registrar's word that two people reviewed a person's rows: its encoding, and what each half makes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.row import Pseudonym
from facekeep.errors import BudgetError, FormatError, RefusedError
from facekeep.split import half as half_module
from facekeep.split.forgiveness import (
    FORGIVEN_ROWS_MAX,
    FORGIVENESS,
    FORGIVENESS_SECONDS,
    Forgiveness,
    open_forgiveness,
    sign_forgiveness,
)
from facekeep.split.half import Half
from facekeep.split.left import LeftHalf
from facekeep.split.operators import KeyChange, sign_change
from facekeep.split.refusals import REFUSALS_PER_HOUR
from facekeep.split.selector import Selector
from facekeep.split.word import WORD_BYTES_MAX, SignedWord
from tests.unit.split.cluster import KEEP, REVIEWERS, Cluster, units

REGISTRAR = Ed25519PrivateKey.generate()
PINNED = REGISTRAR.public_key().public_bytes_raw()
NOW = 1_800_000_000
PEOPLE = units(2, 64)
_NAMES = st.binary(min_size=16, max_size=16).map(bytes.hex)


def _sorted(names: list[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


FORGIVENESSES = st.builds(
    lambda rows, reviewers, nonce, issued, life: Forgiveness(KEEP.hex(), rows, reviewers, nonce, issued, issued + life),
    st.lists(_NAMES, min_size=1, max_size=FORGIVEN_ROWS_MAX, unique=True).map(_sorted),
    st.lists(_NAMES, min_size=2, max_size=2, unique=True).map(_sorted),
    _NAMES,
    st.integers(0, 2**52),
    st.integers(1, FORGIVENESS_SECONDS),
)


@given(FORGIVENESSES)
def test_a_forgiveness_comes_back_as_it_was_signed(one: Forgiveness) -> None:
    word = sign_forgiveness(one, REGISTRAR)
    assert len(word.payload) <= WORD_BYTES_MAX
    assert open_forgiveness(word, PINNED, KEEP.hex(), one.issued) == one
    assert open_forgiveness(word, PINNED, KEEP.hex(), one.expires - 1) == one
    with pytest.raises(RefusedError, match="expired"):
        open_forgiveness(word, PINNED, KEEP.hex(), one.expires)
    with pytest.raises(RefusedError, match="future"):
        open_forgiveness(word, PINNED, KEEP.hex(), one.issued - 61)
    with pytest.raises(RefusedError, match="another keep"):
        open_forgiveness(word, PINNED, "f" * 32, one.issued)


@given(FORGIVENESSES, st.data())
def test_no_byte_of_it_can_be_changed(one: Forgiveness, data: st.DataObject) -> None:
    word = sign_forgiveness(one, REGISTRAR)
    raw = bytearray(word.payload + word.signature)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    changed = SignedWord(bytes(raw[:-64]), bytes(raw[-64:]))
    with pytest.raises(RefusedError, match="not signed by the registrar"):
        open_forgiveness(changed, PINNED, KEEP.hex(), one.issued)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=40) | _NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(FORGIVENESSES, st.sampled_from(sorted(FORGIVENESS.fields - {"keep"})), _JSON)
def test_whatever_the_registrar_signs_is_one_or_is_refused(one: Forgiveness, name: str, value: object) -> None:
    plain = json.loads(sign_forgiveness(one, REGISTRAR).payload)
    word = FORGIVENESS.signed(plain | {name: value}, REGISTRAR)
    try:
        opened = open_forgiveness(word, PINNED, KEEP.hex(), one.issued)
    except RefusedError:
        return
    assert sign_forgiveness(opened, REGISTRAR).payload == word.payload


@given(st.binary(max_size=200) | st.just(b"[" * 4000) | st.just(b" " * 5000))
def test_bytes_that_are_none_are_refused(payload: bytes) -> None:
    word = SignedWord(payload, REGISTRAR.sign(FORGIVENESS.label + payload))
    with pytest.raises(RefusedError, match="does not parse"):
        open_forgiveness(word, PINNED, KEEP.hex(), NOW)


ONE = Forgiveness(KEEP.hex(), ("1" * 32, "2" * 32), REVIEWERS, "0" * 32, NOW, NOW + 1)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"reviewers": REVIEWERS[:1]}, RefusedError),
        ({"reviewers": ("a" * 32, "a" * 32)}, RefusedError),
        ({"reviewers": (*REVIEWERS, "c" * 32)}, RefusedError),
        ({"reviewers": ()}, RefusedError),
        ({"reviewers": REVIEWERS[::-1]}, FormatError),
        ({"reviewers": ("anna", "berta")}, FormatError),
        ({"rows": ()}, FormatError),
        ({"rows": ("1" * 32, "1" * 32)}, FormatError),
        ({"rows": ("2" * 32, "1" * 32)}, FormatError),
        ({"rows": ("A" * 32,)}, FormatError),
        ({"rows": tuple(f"{n:032x}" for n in range(FORGIVEN_ROWS_MAX + 1))}, FormatError),
        ({"keep": "0"}, FormatError),
        ({"nonce": ""}, FormatError),
        ({"issued": True}, FormatError),
        ({"issued": -1, "expires": 1}, FormatError),
        ({"expires": NOW}, FormatError),
        ({"expires": NOW + FORGIVENESS_SECONDS + 1}, FormatError),
        ({"expires": NOW + 0.5}, FormatError),
    ],
)
def test_refuses_a_forgiveness_that_cannot_be(change: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        replace(ONE, **change)  # type: ignore[arg-type]


# The halves


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(dimension=64)
    made.names = made.enrol(PEOPLE)
    for _ in range(10):
        made.verify(made.names[0], -PEOPLE[0])
    with pytest.raises(BudgetError):
        made.verify(made.names[0], PEOPLE[0])
    return made


def _unsigned(cluster: Cluster, **change: object) -> SignedWord:
    """What the registrar's own key signed, though it is none that Facekeep would make."""
    plain = json.loads(cluster.forgiveness(cluster.names[0]).payload)
    return FORGIVENESS.signed(plain | change, cluster.identities["registrar"])


def _relabelled(cluster: Cluster) -> SignedWord:
    word = cluster.forgiveness(cluster.names[0])
    change = sign_change(KeyChange(KEEP.hex(), 9, None, "a"), cluster.identities["registrar"])
    return replace(word, signature=change.signature)


def _other_row(cluster: Cluster) -> SignedWord:
    word = cluster.forgiveness(cluster.names[1])
    return replace(word, payload=cluster.forgiveness(cluster.names[0]).payload)


FORGED: dict[str, tuple[Callable[[Cluster], SignedWord], str]] = {
    "the gate's": (lambda c: c.forgiveness(c.names[0], signer="gate"), "not signed by the registrar"),
    "the desk's": (lambda c: c.forgiveness(c.names[0], signer="desk"), "not signed by the registrar"),
    "the twin's": (lambda c: c.forgiveness(c.names[0], signer="right"), "not signed by the registrar"),
    "of another row": (_other_row, "not signed by the registrar"),
    "of a change of keys": (_relabelled, "not signed by the registrar"),
    "another keep's": (lambda c: c.forgiveness(c.names[0], keep="f" * 32), "for another keep"),
    "one reviewer's": (lambda c: _unsigned(c, reviewers=["a" * 32]), "two different reviewers"),
    "of one reviewer twice": (lambda c: _unsigned(c, reviewers=["a" * 32] * 2), "two different reviewers"),
    "expired": (lambda c: c.forgiveness(c.names[0], issued=c.now - 1, expires=c.now), "has expired"),
    "from the future": (lambda c: c.forgiveness(c.names[0], issued=c.now + 61, expires=c.now + 99), "from the future"),
    "over a week": (lambda c: _unsigned(c, expires=c.now + FORGIVENESS_SECONDS + 1), "does not parse"),
    "malformed": (lambda c: _unsigned(c, more=1), "does not parse"),
}


def _records(cluster: Cluster, side: str) -> list[dict[str, object]]:
    return [json.loads(record) for record in cluster.logs[side].replay()]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", FORGED)
def test_each_half_refuses_alone_and_logs_alone(cluster: Cluster, side: str, name: str) -> None:
    forge, why = FORGED[name]
    half: Half = getattr(cluster, side)
    other = "right" if side == "left" else "left"
    before = {one: _records(cluster, one) for one in ("left", "right")}
    counts = half._budgets.snapshot()
    with pytest.raises(RefusedError, match=why) as refused:
        half.forgive(forge(cluster))
    assert half._budgets.snapshot() == counts
    (logged,) = _records(cluster, side)[len(before[side]) :]
    assert (logged["kind"], logged["what"], logged["count"]) == ("refuse", refused.value.message, half._refusals.count)
    assert _records(cluster, other) == before[other]
    with pytest.raises(BudgetError):
        cluster.verify(cluster.names[0], PEOPLE[0])


@pytest.mark.parametrize("side", ["left", "right"])
def test_each_half_takes_a_word_once_and_logs_it_before_it_acts(
    monkeypatch: pytest.MonkeyPatch, cluster: Cluster, side: str
) -> None:
    half: Half = getattr(cluster, side)
    word = cluster.forgiveness(cluster.names[0])

    def full(*_: object, durable: bool) -> None:
        assert durable
        raise OSError("no room")

    counts = half._budgets.snapshot()
    with monkeypatch.context() as patched:
        patched.setattr(type(half._log), "append_many", full)
        with pytest.raises(OSError, match="no room"):
            half.forgive(word)
    assert half._budgets.snapshot() == counts
    half.forgive(word)
    assert cluster.names[0].hex() not in half._budgets.snapshot().decode()
    with pytest.raises(BudgetError):  # the stricter half wins
        cluster.verify(cluster.names[0], PEOPLE[0])
    with pytest.raises(RefusedError, match="used before"):
        half.forgive(word)
    kinds = [record["kind"] for record in _records(cluster, side) if record["kind"] != "search"]
    assert kinds[-2:] == ["forgive", "refuse"]


def test_an_old_word_lifts_no_budget_again(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    word = cluster.forgiveness(cluster.names[0], expires=cluster.now + FORGIVENESS_SECONDS)
    for half in (cluster.left, cluster.right):
        half.forgive(word)
    assert cluster.verify(cluster.names[0], PEOPLE[0])
    for every in (1, 4096):  # from a snapshot, and from the log
        monkeypatch.setattr(half_module, "_SNAPSHOT_EVERY", every)
        cluster.now += 86_400
        for _ in range(10):
            cluster.verify(cluster.names[0], -PEOPLE[0])
        cluster.gate.close()
        cluster.open()
        for half in (cluster.left, cluster.right):
            with pytest.raises(RefusedError, match="used before"):
                half.forgive(word)
        with pytest.raises(BudgetError):
            cluster.verify(cluster.names[0], PEOPLE[0])
    cluster.now += FORGIVENESS_SECONDS
    for half in (cluster.left, cluster.right):
        half._save_counts()
        assert half._nonces == {}
        with pytest.raises(RefusedError, match="expired"):
            half.forgive(word)


def test_a_log_from_before_the_registrars_word_is_read(cluster: Cluster) -> None:
    old = {"kind": "forgive", "time": cluster.now, "row": cluster.names[0].hex(), "reviewers": ["a", "b"]}
    for side in ("left", "right"):
        cluster.logs[side].append(json.dumps(old).encode(), durable=True)
    cluster.gate.close()
    cluster.open()
    assert cluster.verify(cluster.names[0], PEOPLE[0])


def test_what_is_signed_for_one_row_leaves_the_others_as_they_are(cluster: Cluster) -> None:
    for _ in range(10):
        cluster.verify(cluster.names[1], -PEOPLE[1])
    word = cluster.forgiveness(cluster.names[1])
    for half in (cluster.left, cluster.right):
        half.forgive(word)
    assert cluster.verify(cluster.names[1], PEOPLE[1])
    with pytest.raises(BudgetError):
        cluster.verify(cluster.names[0], PEOPLE[0])


def test_a_flood_of_forged_words_is_bounded_in_the_log(cluster: Cluster) -> None:
    forged = cluster.forgiveness(cluster.names[0], signer="gate")
    before = len(_records(cluster, "left"))
    for _ in range(REFUSALS_PER_HOUR + 100):
        with pytest.raises(RefusedError):
            cluster.left.forgive(forged)
    assert len(_records(cluster, "left")) - before <= REFUSALS_PER_HOUR + 1
    again = LeftHalf(cluster.around("left"), Selector())
    assert again._refusals.count >= REFUSALS_PER_HOUR
    again.forgive(cluster.forgiveness(cluster.names[0]))  # a flood keeps no honest one out


def test_a_row_that_nobody_knows_may_be_forgiven(cluster: Cluster) -> None:
    word = cluster.forgiveness(Pseudonym(os.urandom(16)))
    cluster.left.forgive(word)
