"""The codec of the registry protocol: committed vectors, failures, round trips, and a decoder written from the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.docs import registry as page
from tools.vectors import registry as generator

from facekeep.domain.access import Scope
from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.domain.subject import DataSubject, SubjectId
from facekeep.errors import FormatError, UsageError
from facekeep.interfaces.registry.operations import OPERATIONS, decode_call, encode_call
from facekeep.interfaces.registry.values import codec_of
from facekeep.store.transaction import Transaction
from facekeep.store.view import View

V = json.loads((Path(__file__).parents[3] / "vectors" / "registry-v1.json").read_text(encoding="utf-8"))
H = bytes.fromhex


def test_the_implementation_still_gives_the_committed_vectors() -> None:
    assert json.loads(json.dumps(generator.vectors())) == V


def test_the_specification_lists_what_there_is() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.page(text) == text, "run python tools/docs/registry.py"


def test_every_public_method_is_an_operation() -> None:
    public = {name for name in dir(Transaction) if name[0] != "_" and callable(getattr(Transaction, name))}
    assert set(OPERATIONS) == public | {"state"}
    assert {each.name for each in OPERATIONS.values() if each.writes} == public - set(dir(View))


@pytest.mark.parametrize("case", V["calls"], ids=lambda case: case["operation"])
def test_committed_calls_decode_to_their_values_and_back(case: dict[str, str]) -> None:
    arguments, given_value = generator.values()[case["operation"]]
    operation, decoded = decode_call(H(case["call"]))
    assert (operation.name, _plain(decoded)) == (case["operation"], _plain(arguments))
    assert encode_call(operation, decoded).hex() == case["call"]
    answer = operation.answer.decode(H(case["answer"]))
    assert _plain(answer) == _plain(given_value)
    assert operation.answer.encode(answer).hex() == case["answer"]


def _plain(value: Any) -> Any:
    """Sequences compare whatever sort of sequence they are."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("case", V["bad"], ids=lambda case: case["name"])
def test_committed_failures(case: dict[str, str]) -> None:
    with pytest.raises(FormatError):
        decode_call(H(case["call"]))


@given(st.sampled_from(V["calls"]), st.data())
def test_a_changed_call_is_another_call_or_none(case: dict[str, str], data: st.DataObject) -> None:
    call = bytearray(H(case["call"]))
    at = data.draw(st.integers(0, len(call) - 1))
    call[at] ^= data.draw(st.integers(1, 255))
    try:
        operation, arguments = decode_call(bytes(call))
    except FormatError:
        return
    assert encode_call(operation, arguments) == bytes(call)  # each value has one encoding


def test_a_record_that_is_not_in_its_normal_form_is_refused() -> None:
    codec = codec_of(LedgerEntry)
    entry = LedgerEntry(EntryKind.ROTATED, datetime(2026, 11, 26, 12, 0, 0, 123_000, tzinfo=UTC))
    written = bytearray(codec.encode(entry))
    assert codec.decode(bytes(written)) == entry
    kind = len(EntryKind.ROTATED.value) + 1
    written[kind + 7] ^= 1  # a microsecond more, which an entry does not keep
    with pytest.raises(FormatError, match="normal form"):
        codec.decode(bytes(written))


@pytest.mark.parametrize("case", V["calls"], ids=lambda case: case["operation"])
def test_every_truncation_and_every_byte_more_is_refused(case: dict[str, str]) -> None:
    call, answer = H(case["call"]), H(case["answer"])
    codec = OPERATIONS[case["operation"]].answer
    for end in range(len(call)):
        with pytest.raises(FormatError):
            decode_call(call[:end])
    for cut in (*(answer[:end] for end in range(len(answer))), answer + b"\x00"):
        with pytest.raises(FormatError):
            codec.decode(cut)


_LOOSE = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**64 - 1) | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), _LOOSE, max_size=5))
def test_round_trips_of_loose_values(payload: dict[str, Any]) -> None:
    codec = codec_of(Mapping[str, Any])
    try:
        body = codec.encode(payload)
    except UsageError:  # deeper than any record of the store
        return
    assert codec.decode(body) == payload


@given(st.frozensets(st.sampled_from(Scope)))
def test_round_trips_of_sets(scopes: frozenset[Scope]) -> None:
    codec = codec_of(frozenset[Scope])
    assert codec.decode(codec.encode(scopes)) == scopes


@given(st.datetimes(timezones=st.just(UTC)))
def test_round_trips_of_times(when: datetime) -> None:
    codec = codec_of(datetime | None)
    assert codec.decode(codec.encode(when)) == when


def test_what_has_no_encoding() -> None:
    with pytest.raises(UsageError):
        codec_of(datetime).encode(datetime(2026, 1, 1))  # noqa: DTZ001 - that it is refused is the point
    with pytest.raises(UsageError):
        codec_of(int).encode(-1)
    with pytest.raises(UsageError):
        codec_of(float).encode(float("nan"))
    with pytest.raises(TypeError):
        codec_of(complex)


def test_a_decoder_written_from_the_page_reads_a_person() -> None:
    call = next(H(case["call"]) for case in V["calls"] if case["operation"] == "subject")
    assert call == b"\x07subject" + call[-16:]
    person = DataSubject(SubjectId(bytes(16)), "Ada", "Ada Lovelace", {"b": "2", "a": "1"})
    raw = OPERATIONS["subject_by_label"].answer.encode(person)
    assert raw[0] == 1
    assert raw[1:17] == bytes(16)
    rest, found = raw[17:], []
    for _ in range(2):
        size = int.from_bytes(rest[:4], "big")
        found.append(rest[4 : 4 + size].decode())
        rest = rest[4 + size :]
    assert found == ["Ada", "Ada Lovelace"]
    assert rest == b"\0\0\0\2" + b"\0\0\0\1a\0\0\0\x011" + b"\0\0\0\1b\0\0\0\x012"
