"""Write tests/vectors/capture-v1.json: python -m tools.vectors.capture. Inputs are fixed: it writes the same.

The pictures are no pictures: neither container nor chain looks into them.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from facekeep.domain.capture import Camera, SentFrame, Statement, chain_start, chained
from facekeep.domain.capture_container import SentTry, encode

TARGET = Path(__file__).parents[2] / "tests" / "vectors" / "capture-v1.json"

_CAMERA = Camera("Integrated Camera (04f2:b6d9)", 1280, 720, 30.0, (33.0, 33.5, 34.0))
_BARE = Camera("", 640, 480, 0.0)
_DESCRIPTION_AT = 12


def _filled(length: int, of: str) -> bytes:
    return (sha256(of.encode()).digest() * (length // 32 + 1))[:length]


def _frame(at: int, step: int, face: int, thumbnail: int = 0, corner: tuple[int, int] = (400, 120)) -> SentFrame:
    return SentFrame(
        at,
        step,
        (*corner, 300, 360),
        1280,
        720,
        _filled(face, f"face {at}"),
        _filled(thumbnail, f"thumbnail {at}"),
    )


def _tries() -> list[tuple[str, SentTry]]:
    steps = (_frame(0, 0, 40, 30), _frame(83, 0, 41), _frame(5210, 1, 42, 31), _frame(9000, 4, 1))
    return [
        ("one frame, nothing said of the camera", SentTry(1, _BARE, (_frame(0, 0, 1),))),
        ("four frames of three steps, two thumbnails", SentTry(3, _CAMERA, steps)),
        ("a face that stands out of the picture", SentTry(2, _BARE, (_frame(0, 0, 7, 9, corner=(-20, -32768)),))),
        ("a second face, seen twice", SentTry(1, _BARE, steps[:2], (40, 4294967295))),
        ("a camera that is named in another script", SentTry(1, Camera("前置摄像头", 640, 480, 29.97), steps[:2])),
    ]


def _valid(name: str, sent: SentTry) -> dict[str, Any]:
    nonce = sha256(name.encode()).digest()[:16]
    head = chain_start(nonce)
    heads = [head.hex()]
    for frame in sent.frames:
        head = chained(head, [frame])
        heads.append(head.hex())
    return {
        "name": name,
        "nonce": nonce.hex(),
        "try": sent.number,
        "camera": asdict(sent.camera),
        "second_faces": list(sent.second_faces),
        "frames": [
            {
                "at": frame.at,
                "step": frame.step,
                "box": list(frame.box),
                "camera": [frame.camera_width, frame.camera_height],
                "face": frame.face.hex(),
                "thumbnail": frame.thumbnail.hex(),
                "record": frame.record().hex(),
            }
            for frame in sent.frames
        ],
        "heads": heads,
        "body": encode(sent).hex(),
    }


def _described(body: bytes, description: bytes) -> bytes:
    length = int.from_bytes(body[8:12], "big")
    return body[:8] + len(description).to_bytes(4, "big") + description + body[_DESCRIPTION_AT + length :]


def _crowded(body: bytes, times: bytes) -> bytes:
    length = int.from_bytes(body[8:12], "big")
    description = body[_DESCRIPTION_AT : _DESCRIPTION_AT + length]
    return _described(body, description[:-1] + b',"second_faces":' + times + b"}")


def _invalid() -> list[dict[str, str]]:
    tries = dict(_tries())
    body = encode(tries["four frames of three steps, two thumbnails"])
    small = encode(tries["one frame, nothing said of the camera"])
    length = int.from_bytes(small[8:12], "big")
    count_at = _DESCRIPTION_AT + length
    head, frame = small[:count_at], small[count_at + 2 :]
    description = small[_DESCRIPTION_AT:count_at]
    two = b"\x00\x02"
    later = (1).to_bytes(4, "big")

    def described(old: bytes, new: bytes) -> bytes:
        return _described(small, description.replace(old, new))

    cases = [
        ("nothing", b""),
        ("only the first line", small[:8]),
        ("another version", small.replace(b"fkcapt1", b"fkcapt2", 1)),
        ("a byte short", body[:-1]),
        ("a byte left over", body + b"\x00"),
        ("a description that claims 65537 bytes", small[:8] + (65537).to_bytes(4, "big") + small[12:]),
        ("a description longer than what is there", small[:8] + (65536).to_bytes(4, "big") + small[12:]),
        ("a description that is no JSON", _described(small, b"{")),
        ("a description nested a thousand deep", _described(small, b"[" * 1000 + b"]" * 1000)),
        ("no description", _described(small, b"")),
        ("a field more", described(b'{"try"', b'{"more":1,"try"')),
        ("a second face that was seen at no time", _crowded(small, b"[]")),
        ("a second face seen 241 times", _crowded(small, json.dumps(list(range(241))).encode())),
        ("a second face seen twice at one time", _crowded(small, b"[7,7]")),
        ("a second face seen at half a millisecond", _crowded(small, b"[0.5]")),
        ("a second face seen before the first frame", _crowded(small, b"[-1]")),
        ("a second face seen at true", _crowded(small, b"[true]")),
        ("a second face seen at a time that has no room", _crowded(small, b"[4294967296]")),
        ("a field twice", described(b'{"try":1', b'{"try":1,"try":1')),
        ("no try", described(b'"try":1', b'"try":0')),
        ("a try that is true", described(b'"try":1', b'"try":true')),
        ("a frame rate that is no number", described(b'"frame_rate":0.0', b'"frame_rate":NaN')),
        ("a frame rate below 0", described(b'"frame_rate":0.0', b'"frame_rate":-1')),
        ("a camera without width", described(b'"width":640', b'"width":0')),
        ("601 intervals", described(b'"intervals":[]', b'"intervals":[' + b",".join([b"33"] * 601) + b"]")),
        ("a name of 257 characters", described(b'"label":""', b'"label":"' + b"x" * 257 + b'"')),
        ("no frame", head + b"\x00\x00"),
        ("241 frames", head + b"\x00\xf1" + frame * 241),
        ("a frame fewer than it says", head + two + frame),
        ("two frames of one time", head + two + frame + frame),
        ("a step that goes back", head + two + frame[:4] + b"\x01" + frame[5:] + later + frame[4:]),
        ("times that do not begin with 0", head + b"\x00\x01" + later + frame[4:]),
        ("a face without width", head + b"\x00\x01" + frame[:9] + b"\x00\x00" + frame[11:]),
        ("a picture without height", head + b"\x00\x01" + frame[:15] + b"\x00\x00" + frame[17:]),
        ("a frame without a face crop", head + b"\x00\x01" + frame[:17] + bytes(8)),
        (
            "a face crop of 65537 bytes",
            head + b"\x00\x01" + frame[:17] + (65537).to_bytes(4, "big") + bytes(4) + bytes(65537),
        ),
        ("a thumbnail that is not there", head + b"\x00\x01" + frame[:21] + (65536).to_bytes(4, "big") + frame[25:]),
    ]
    # A body of zeros at length would only make the file large.
    return [
        {"name": name, "body": bad.hex()}
        if len(bad) < 60_000
        else {"name": name, "begins": bad[:200].hex(), "zeros": str(len(bad) - 200)}
        for name, bad in cases
    ]


def _statements() -> list[dict[str, str]]:
    cases = [("12.50", "EUR", "Bäckerei Müller"), ("12.51", "EUR", "Bäckerei Müller"), ("0", "JPY", '"\\/ 東京')]
    cases += [("999999999999999.9999", "USD", "x" * 140)]
    return [
        {"amount": amount, "currency": currency, "payee": payee, "digest": Statement(amount, currency, payee).digest}
        for amount, currency, payee in cases
    ]


_BAD_STATEMENTS = [
    ("012.50", "EUR", "x"),
    ("-1", "EUR", "x"),
    ("1,000", "EUR", "x"),
    ("1.", "EUR", "x"),
    ("1.00001", "EUR", "x"),
    ("１", "EUR", "x"),
    ("1", "eur", "x"),
    ("1", "EURO", "x"),
    ("1", "EUR", ""),
    ("1", "EUR", " x"),
    ("1", "EUR", "x" * 141),
    ("1", "EUR", "a\nb"),
    ("1", "EUR", "a\u202eb"),
    ("1", "EUR", "a\u200bb"),
    ("1", "EUR", "Mu\u0308ller"),
]


def vectors() -> dict[str, Any]:
    """Everything in the file."""
    return {
        "format": "facekeep-capture/1",
        "valid": [_valid(name, sent) for name, sent in _tries()],
        "invalid": _invalid(),
        "statements": _statements(),
        "bad_statements": [
            {"amount": amount, "currency": currency, "payee": payee} for amount, currency, payee in _BAD_STATEMENTS
        ],
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")
    print(TARGET.name)
