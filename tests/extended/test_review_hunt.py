"""A thousand reviews through a real ``facekeep serve``: no face is left in its memory, its files or its log.

Each is filed by HTTP with a real picture that differs from every other, and masked and sealed there. Some are looked at
by a reviewer, some decided, before the hunt (tests/hunting).
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from PIL import Image, ImageEnhance

from facekeep.domain.accounts import Role
from facekeep.face.images import decode
from facekeep.face.masking import FaceMasker
from facekeep.face.models import ModelPack
from facekeep.service.keep import Keep
from tests.cli.test_memory import CACHED_MAX, _settled
from tests.cli.test_served import served
from tests.hunting import FaceFinder, Hunt, Traces

pytestmark = [pytest.mark.enable_socket, pytest.mark.extended]

REVIEWS = 1000
SIDE = 480
FOUND_EVERY = 20
"""Of so many pictures one is looked for by its bytes and pixels; faces that decode are looked for everywhere."""


def varied(pictures: Path, number: int) -> bytes:
    """A picture of somebody, as nobody else has it."""
    names = sorted(pictures.glob("*.jpg"))
    picture = Image.open(names[number % len(names)]).convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    picture = ImageEnhance.Brightness(picture).enhance(0.85 + 0.3 * (number % 97) / 97)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=80 + number % 15)
    return written.getvalue()


@pytest.mark.skipif(os.geteuid() != 0, reason="a served keep shows its memory to root alone")
def test_a_thousand_reviews_leave_no_face(tmp_path: Path, pictures: Path, pack: ModelPack) -> None:
    def prepared(keep: Keep) -> None:
        for number in range(3):
            account = keep.invite(f"reviewer {number}", [Role.REVIEWER]).account
            keep.add_reviewer_key(X25519PrivateKey.generate().public_key().public_bytes_raw(), who=account)

    masker, traces = FaceMasker.build(pack), Traces()
    with served(tmp_path, prepare=prepared, FACEKEEP_RATE_CLIENT="none", FACEKEEP_RATE_ADDRESS="none") as it:
        filed: list[str] = []
        for number in range(REVIEWS):
            picture = varied(pictures, number)
            answer = it.client.post("/v1/reviews", data={"kind": "presentation"}, files={"probe": picture})
            if answer.status_code == 422:  # a picture of several people, or of none
                continue
            assert answer.status_code == 201, answer.text
            filed.append(answer.json()["id"])
            if number % FOUND_EVERY == 0:
                traces.add_picture(f"picture {number}", picture)
                traces.add_picture(f"mask {number}", masker.picture(decode(picture)))
        assert len(filed) > REVIEWS / 2
        for review in filed[:100]:
            assert it.client.delete(f"/v1/reviews/{review}").status_code == 204
        hunt = Hunt(FaceFinder(pack), traces)
        left = _settled(hunt, it.pid)
        files = hunt.folders(tmp_path)
    log = hunt.text("log", "".join(it.log))
    sys.stdout.write(f"{len(filed)} reviews; memory {left}; files {files}; log {log}\n")
    assert left.pictures == [], left
    assert left.longest <= CACHED_MAX, left
    assert files.clean, files
    assert log.clean, log
    assert len(it.log) >= REVIEWS
    # What is sealed is there all the same.
    assert (tmp_path / "keep" / "evidence" / "evidence.db").stat().st_size > len(filed) * 16 * 1024
