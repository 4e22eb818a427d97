"""Data subjects hold text of a bounded length and show none of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.subject import LABEL_MAX, DataSubject, SubjectId, normalised_label
from facekeep.errors import FormatError

ID = SubjectId(bytes(16))


@given(st.text(max_size=140))
def test_a_normalised_label_is_stable_and_fit_for_a_subject(label: str) -> None:
    try:
        normalised = normalised_label(label)
    except FormatError:
        return
    assert normalised_label(normalised) == normalised
    assert 1 <= len(normalised) <= LABEL_MAX
    assert DataSubject(ID, normalised).label == normalised


def test_identifiers_have_16_bytes() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        DataSubject(SubjectId(b"short"), "anna")


@pytest.mark.parametrize("label", ["", "x" * 129, "\ud800"])
def test_a_label_is_text_of_1_to_128_characters(label: str) -> None:
    with pytest.raises(FormatError, match="1 to 128"):
        DataSubject(ID, label)


def test_attributes_cannot_be_changed_from_outside() -> None:
    given_ = {"badge": "17"}
    subject = DataSubject(ID, "anna", attributes=given_)
    given_["badge"] = "18"
    assert subject.attributes == {"badge": "17"}
    with pytest.raises(TypeError):
        subject.attributes["badge"] = "18"  # type: ignore[index]
    assert repr(subject) == f"DataSubject(id={ID!r})"
