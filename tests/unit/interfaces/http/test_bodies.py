"""What a body in JSON may make the parser do: little, wherever the values stand and however strings are written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.interfaces.http import bodies
from facekeep.interfaces.http.administering import TokenRequest
from facekeep.interfaces.http.bodies import BODY_BYTES_MAX, PLAIN_BYTES_MAX, TEXT_BYTES_MAX, VALUES_MAX
from facekeep.interfaces.http.cases import CaseRequest
from facekeep.interfaces.http.consents import ConsentRequest
from facekeep.interfaces.http.notices import NoticeRequest
from facekeep.interfaces.http.problems import Problem
from facekeep.interfaces.http.signing import ApprovalRequest
from facekeep.interfaces.http.subjects import EnrolmentRequest


@pytest.mark.parametrize("unit", ["[],", "{},", "1,", '"",', '"\\\\",', '"\\"",', '{"a":1},'])
def test_a_body_of_many_values_is_refused_before_it_is_parsed(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = bytearray(('{"a":[' + unit * (VALUES_MAX + 1)).removesuffix(",").encode() + b"]}")
    assert json.loads(body)
    monkeypatch.setattr(bodies.json, "loads", None)
    with pytest.raises(Problem, match="more than 10000 values"):
        bodies._json(body)


@pytest.mark.parametrize("text", [",:[{" * 250_000, '"' * 500_000, "\\" * 500_000, '\\"' * 250_000, "ü" * 1_000_000])
def test_a_text_may_hold_anything(text: str) -> None:
    for ascii_only in (False, True):
        body = json.dumps({"text": text, "b": ["\\", '"']}, ensure_ascii=ascii_only).encode()
        assert bodies._json(bytearray(body))["text"] == text


@given(
    st.recursive(
        st.none() | st.text(st.sampled_from('\\",:[{}]ab')) | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from('\\",:[{')), inner),
    )
)
def test_exactly_what_stands_outside_of_strings_counts(value: object) -> None:
    body = json.dumps({"a": value}).encode()

    def marks(one: object) -> int:
        if isinstance(one, dict):
            return 1 + len(one) + max(0, len(one) - 1) + sum(map(marks, one.values()))
        if isinstance(one, list):
            return 1 + max(0, len(one) - 1) + sum(map(marks, one))
        return 0

    assert bodies._values(bytearray(body + b" " * VALUES_MAX)) == marks({"a": value})


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(Problem, match="does not parse"):
        bodies._json(bytearray(b'{"a":' + b"[" * (VALUES_MAX - 10)))


def test_only_what_may_hold_a_notice_or_pictures_may_be_large() -> None:
    assert {bodies._bound(model) for model in (TokenRequest, CaseRequest, ApprovalRequest)} == {PLAIN_BYTES_MAX}
    assert {bodies._bound(model) for model in (NoticeRequest, ConsentRequest)} == {TEXT_BYTES_MAX}
    assert bodies._bound(EnrolmentRequest) == BODY_BYTES_MAX
