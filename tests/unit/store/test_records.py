"""Records come back as they were, and their length tells nothing."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.errors import FormatError
from facekeep.store.records import PAD_BYTES, pack, unpack, write_time


class TestRecords:
    values = st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.binary(max_size=40), st.text(max_size=40)),
        lambda inner: st.lists(inner, max_size=4).map(tuple),
        max_leaves=8,
    )

    @given(st.dictionaries(st.text(max_size=20), values, max_size=6))
    @settings(max_examples=200)
    def test_what_is_packed_unpacks_and_is_padded(self, record: dict[str, object]) -> None:
        packed = pack(record)  # type: ignore[arg-type]
        assert len(packed) % PAD_BYTES == 0
        assert unpack(packed) == record

    @given(st.binary(max_size=600))
    def test_noise_unpacks_or_is_refused(self, noise: bytes) -> None:
        with pytest.raises(FormatError):
            unpack(noise)

    @pytest.mark.parametrize("written", [b"[]", b"{", b'{"a":{"hax":"00"}}', b'{"a":{"hex":"0"}}', b'{"a":{"hex":1}}'])
    def test_what_is_no_record_is_refused(self, written: bytes) -> None:
        whole = len(written).to_bytes(4, "big") + written
        with pytest.raises(FormatError, match="form"):
            unpack(whole + bytes(-len(whole) % PAD_BYTES))

    def test_odd_padding_is_refused(self) -> None:
        with pytest.raises(FormatError, match="padding"):
            unpack(pack({"a": 1})[:-1] + b"\x01")

    def test_what_cannot_be_kept_is_refused(self) -> None:
        with pytest.raises(FormatError, match="float"):
            pack({"a": 1.5})  # type: ignore[dict-item]
        with pytest.raises(FormatError, match="surrogate"):
            pack({"a": "\ud800"})
        with pytest.raises(ValueError, match="time zone"):
            write_time(datetime(2026, 1, 1))  # noqa: DTZ001
