"""The container of frames: committed vectors, round trips, and every damage refused or read as something else."""

from __future__ import annotations

import json
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.vectors import capture as generator

from facekeep.domain.capture import Camera, SentFrame, Statement, chain_start, chained
from facekeep.domain.capture_container import BODY_BYTES_MAX, LABEL_MAX, SentTry, decode, encode
from facekeep.errors import FormatError

V = json.loads((Path(__file__).parents[2] / "vectors" / "capture-v1.json").read_text(encoding="utf-8"))
H = bytes.fromhex


def test_the_implementation_still_gives_the_committed_vectors() -> None:
    assert json.loads(json.dumps(generator.vectors())) == V


@pytest.mark.parametrize("case", V["valid"], ids=lambda case: case["name"])
def test_a_container_is_read_as_it_was_written(case: dict[str, Any]) -> None:
    sent = decode(H(case["body"]))
    camera = case["camera"]
    assert sent.number == case["try"]
    assert sent.camera == Camera(
        camera["label"], camera["width"], camera["height"], camera["frame_rate"], tuple(camera["intervals"])
    )
    assert list(sent.second_faces) == case["second_faces"]
    assert [(f.at, f.step, list(f.box)) for f in sent.frames] == [
        (f["at"], f["step"], f["box"]) for f in case["frames"]
    ]
    assert [f.face.hex() for f in sent.frames] == [f["face"] for f in case["frames"]]
    assert encode(sent) == H(case["body"])


@pytest.mark.parametrize("case", V["valid"], ids=lambda case: case["name"])
def test_chains_are_those_of_the_specification(case: dict[str, Any]) -> None:
    # Written from docs/spec/capture.md alone, with nothing of the implementation.
    head = sha256(b"facekeep/capture/1/chain" + H(case["nonce"])).digest()
    heads = [head.hex()]
    for frame in case["frames"]:
        record = struct.pack(">IBhhHHHH", frame["at"], frame["step"], *frame["box"], *frame["camera"])
        record += sha256(H(frame["face"])).digest()
        record += sha256(H(frame["thumbnail"])).digest() if frame["thumbnail"] else bytes(32)
        assert record.hex() == frame["record"]
        head = sha256(head + record).digest()
        heads.append(head.hex())
    assert heads == case["heads"]
    frames = decode(H(case["body"])).frames
    for taken, expected in enumerate(heads):
        assert chained(chain_start(H(case["nonce"])), frames[:taken]).hex() == expected


@pytest.mark.parametrize("case", V["invalid"], ids=lambda case: case["name"])
def test_what_is_none_is_refused(case: dict[str, str]) -> None:
    body = H(case["body"]) if "body" in case else H(case["begins"]) + bytes(int(case["zeros"]))
    with pytest.raises(FormatError) as refused:
        decode(body)
    assert refused.value.hint


def test_no_more_than_the_bound_is_looked_at() -> None:
    with pytest.raises(FormatError, match="12 MiB"):
        decode(bytes(BODY_BYTES_MAX + 1))


def test_statements() -> None:
    for case in V["statements"]:
        assert Statement(case["amount"], case["currency"], case["payee"]).digest == case["digest"]
        text = json.dumps({name: case[name] for name in ("amount", "currency", "payee")}, ensure_ascii=False)
        assert sha256(text.replace('": "', '":"').replace('", "', '","').encode()).hexdigest() == case["digest"]
    for case in V["bad_statements"]:
        with pytest.raises(FormatError):
            Statement(case["amount"], case["currency"], case["payee"])
    assert len({case["digest"] for case in V["statements"]}) == len(V["statements"])


_SIDES = st.integers(1, 65535)
_SIGNED = st.integers(-32768, 32767)
_FIGURES = st.floats(0, 1000)
_PICTURES = st.binary(min_size=1, max_size=60)


@st.composite
def _sent(draw: st.DrawFn) -> SentTry:
    count = draw(st.integers(1, 6))
    times = [0, *sorted(draw(st.sets(st.integers(1, 2**32 - 1), min_size=count - 1, max_size=count - 1)))]
    steps = sorted(draw(st.lists(st.integers(0, 255), min_size=count, max_size=count)))
    frames = [
        SentFrame(
            at,
            step,
            (draw(_SIGNED), draw(_SIGNED), draw(_SIDES), draw(_SIDES)),
            draw(_SIDES),
            draw(_SIDES),
            draw(_PICTURES),
            draw(st.one_of(st.just(b""), _PICTURES)),
        )
        for at, step in zip(times, steps, strict=True)
    ]
    label = draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=LABEL_MAX))
    camera = Camera(label, draw(_SIDES), draw(_SIDES), draw(_FIGURES), tuple(draw(st.lists(_FIGURES, max_size=5))))
    second_faces = sorted(draw(st.sets(st.integers(0, 2**32 - 1), max_size=5)))
    return SentTry(draw(st.integers(1, 255)), camera, tuple(frames), tuple(second_faces))


@given(_sent())
def test_what_is_written_is_read(sent: SentTry) -> None:
    assert decode(encode(sent)) == sent


@given(_sent(), st.data())
def test_no_part_of_a_container_is_one(sent: SentTry, data: st.DataObject) -> None:
    body = encode(sent)
    with pytest.raises(FormatError):
        decode(body[: data.draw(st.integers(0, len(body) - 1))])


@given(st.binary(max_size=400))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(FormatError):
        decode(noise)
    with pytest.raises(FormatError):
        decode(b"fkcapt1\n" + noise)


def test_every_bit_counts() -> None:
    """Each bit that is turned makes no container, or another one: there is nothing that nobody reads."""
    for case in V["valid"]:
        body, told = H(case["body"]), decode(H(case["body"]))
        for place in range(8 * len(body)):
            damaged = bytearray(body)
            damaged[place // 8] ^= 1 << (place % 8)
            try:
                assert decode(damaged) != told
            except FormatError:
                continue
