"""Sealing to people: committed vectors by a second implementation, round trips, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tools.vectors import review as generator

from facekeep.domain.review import PictureRole, ReviewId
from facekeep.domain.review_evidence import BLOCK_BYTES, SEALED_BYTES_MAX, SealedPicture
from facekeep.domain.reviewer import ReviewerKeyId, key_id
from facekeep.errors import FormatError
from facekeep.service.review_sealing import PNG_BYTES_MAX, check_public, open_with, seal

ROOT = Path(__file__).parents[3]
V = json.loads((ROOT / "tests" / "vectors" / "review-v1.json").read_text(encoding="utf-8"))
REVIEW = ReviewId(bytes(range(16)))
HEAD = b"\x89PNG\r\n\x1a\n"
KEYS = [X25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3)]
PUBLIC = [key.public_key().public_bytes_raw() for key in KEYS]


def _opened(example: dict[str, Any], recipient: dict[str, str], **changed: Any) -> bytes:
    """Opens an example as a recipient, with some of its fields changed."""
    fields = example | recipient | changed
    return open_with(
        X25519PrivateKey.from_private_bytes(bytes.fromhex(fields["private"])),
        ReviewId(bytes.fromhex(fields["review"])),
        fields["index"],
        sealed=base64.b64decode(fields["sealed"]),
        share=bytes.fromhex(fields["share"]),
        wrapped=bytes.fromhex(fields["wrapped"]),
    )


def test_the_generator_still_gives_the_committed_vectors() -> None:
    assert json.loads(json.dumps(generator.vectors())) == V


@pytest.mark.parametrize("example", V["valid"], ids=[example["name"] for example in V["valid"]])
def test_what_another_implementation_sealed_opens(example: dict[str, Any]) -> None:
    for recipient in example["recipients"]:
        assert hashlib.sha256(_opened(example, recipient)).hexdigest() == example["picture_sha256"]
        assert key_id(bytes.fromhex(recipient["public"])).hex() == recipient["key"]


@pytest.mark.parametrize("case", V["altered"], ids=[case["name"] for case in V["altered"]])
def test_what_was_altered_does_not_open(case: dict[str, Any]) -> None:
    example = V["valid"][0]
    changed = {
        name: value for name, value in case.items() if name in {"review", "index", "share", "wrapped", "private"}
    }
    sealed = bytearray(base64.b64decode(example["sealed"]))
    if "flip_sealed" in case:
        sealed[case["flip_sealed"]] ^= 1
    if "cut_sealed" in case:
        del sealed[len(sealed) - case["cut_sealed"] :]
    changed["sealed"] = base64.b64encode(sealed)
    with pytest.raises(FormatError, match="does not open"):
        _opened(example, example["recipients"][0], **changed)


@pytest.mark.parametrize("example", V["padded_otherwise"], ids=[example["name"] for example in V["padded_otherwise"]])
def test_padding_is_that_of_the_format_and_no_other(example: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="padding"):
        _opened(example, example["recipients"][0])


@pytest.mark.parametrize("point", [*V["refused_public"], "", "00" * 31, "07" * 33])
def test_nothing_is_sealed_to_a_bad_point(point: str) -> None:
    public = bytes.fromhex(point)
    for call in (lambda: check_public(public), lambda: seal(REVIEW, 0, HEAD, [PUBLIC[0], public])):
        with pytest.raises(FormatError) as caught:
            call()
        assert "new key" in caught.value.hint
    assert check_public(PUBLIC[0]) == PUBLIC[0]


@settings(max_examples=40, deadline=None)
@given(
    review=st.binary(min_size=16, max_size=16),
    index=st.integers(0, 255),
    body=st.one_of(st.binary(max_size=300), st.integers(0, PNG_BYTES_MAX - 8).map(bytes)),
    role=st.sampled_from(PictureRole),
)
def test_what_is_sealed_opens_for_each_recipient(review: bytes, index: int, body: bytes, role: PictureRole) -> None:
    made = seal(ReviewId(review), index, HEAD + body, [*PUBLIC[:2], PUBLIC[0]], role=role)
    assert (made.index, made.role, set(made.wraps)) == (index, role, {key_id(public) for public in PUBLIC[:2]})
    assert (len(made.sealed) - 16) % BLOCK_BYTES == 0
    for key, public in zip(KEYS[:2], PUBLIC[:2], strict=True):
        wrapped = made.wraps[key_id(public)]
        opened = open_with(key, ReviewId(review), index, sealed=made.sealed, share=made.share, wrapped=wrapped)
        assert opened == HEAD + body
        with pytest.raises(FormatError):
            open_with(KEYS[2], ReviewId(review), index, sealed=made.sealed, share=made.share, wrapped=wrapped)


def test_nothing_is_sealed_alike_twice() -> None:
    one, other = (seal(REVIEW, 0, HEAD, PUBLIC) for _ in range(2))
    for made in combinations([one.sealed, other.sealed, one.share, other.share, *one.wraps.values()], 2):
        assert len(set(made)) == 2
    assert not {*one.wraps.values()} & {*other.wraps.values()}


def test_what_is_sealed_is_not_shown() -> None:
    made = seal(REVIEW, 0, HEAD, PUBLIC)
    assert all(secret.hex() not in repr(made) for secret in (made.sealed[:8], made.share[:8]))


def test_what_makes_no_sense_is_refused() -> None:
    longest = HEAD + bytes(PNG_BYTES_MAX - 8)
    assert len(seal(REVIEW, 0, longest, PUBLIC[:1]).sealed) == SEALED_BYTES_MAX
    for review, index, png, recipients in (
        (b"short", 0, HEAD, PUBLIC),
        (REVIEW, 256, HEAD, PUBLIC),
        (REVIEW, -1, HEAD, PUBLIC),
        (REVIEW, 0, b"\xff\xd8 a JPEG", PUBLIC),
        (REVIEW, 0, longest + b"\0", PUBLIC),
        (REVIEW, 0, HEAD, []),
    ):
        with pytest.raises(ValueError, match=r"PNG|identifier|somebody"):
            seal(ReviewId(review), index, png, recipients)


def test_a_sealed_picture_has_its_form() -> None:
    key = ReviewerKeyId(bytes(16))
    good = SealedPicture(0, PictureRole.PROBE, bytes(BLOCK_BYTES + 16), bytes(32), {key: bytes(80)})
    assert good.wraps == {key: bytes(80)}
    for index, sealed, share, wraps in (
        (256, good.sealed, good.share, good.wraps),
        (0, good.sealed[1:], good.share, good.wraps),
        (0, bytes(16), good.share, good.wraps),
        (0, bytes(11 * BLOCK_BYTES + 16), good.share, good.wraps),
        (0, good.sealed, bytes(31), good.wraps),
        (0, good.sealed, good.share, {}),
        (0, good.sealed, good.share, {key: bytes(79)}),
        (0, good.sealed, good.share, {ReviewerKeyId(b"k"): bytes(80)}),
    ):
        with pytest.raises(ValueError, match=r"blocks|share|sealed"):
            SealedPicture(index, PictureRole.PROBE, sealed, share, wraps)
