"""What a look at a try gives, whatever it comes to: the decision, curves, and the best frames of one face alone."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image

from facekeep.domain.accounts import Account
from facekeep.domain.capture import Recording, SentFrame, Step, StepKind
from facekeep.domain.capture_container import SentTry
from facekeep.domain.pad import Examined, Finding, PadDecision, PadReason
from facekeep.errors import FrameTooWideError
from facekeep.face.models import ModelPack
from facekeep.face.pad import duress
from facekeep.face.pad.crops import encode
from facekeep.face.pad.gate import ALONE_MIN
from facekeep.service.capture_judging import Agreement, Judge, Judged
from facekeep.service.capture_orders import Resolved
from facekeep.service.keep import Keep
from tests.capturing import ATTACK, CAMERA, CURVES, GENUINE, UNDECIDED, ChosenDetector, Studio

STEPS = (Step(StepKind.LOOK, 12),)


class Watching(ChosenDetector):
    """Has the voice of duress speak beside what is chosen."""

    def examine(self, recording: Recording) -> Examined:
        chosen = super().examine(recording)
        return replace(chosen, findings=(*chosen.findings, duress.examine(recording, ())))


@pytest.fixture(scope="module")
def studio(pack: ModelPack) -> Studio:
    return Studio(pack)


@pytest.fixture(scope="module")
def frames(studio: Studio, pictures: Path) -> list[SentFrame]:
    """Frames of one face alone, no two of them the same, the first with a thumbnail."""
    crops = studio.crops(pictures / "obama.jpg")
    face = np.asarray(Image.open(io.BytesIO(crops.face)).convert("RGB"))
    darker = [encode((face * (1 - place / 100)).astype(np.uint8)) for place in range(ALONE_MIN + 2)]
    small = [crops.thumbnail, *[b""] * (len(darker) - 1)]
    return [
        SentFrame(100 * place, 0, crops.box, crops.width, crops.height, data, thumbnail)
        for place, (data, thumbnail) in enumerate(zip(darker, small, strict=True))
    ]


@pytest.fixture(scope="module")
def crowded(studio: Studio, pictures: Path, frames: list[SentFrame]) -> list[SentFrame]:
    """The same, but in the second and the third somebody else is seen."""
    other = Image.open(io.BytesIO(studio.crops(pictures / "biden.jpg").face)).resize((46, 46))
    thumbnail = Image.open(io.BytesIO(studio.crops(pictures / "obama.jpg").thumbnail)).convert("RGB")
    thumbnail.paste(other, (0, 0))
    both = encode(np.asarray(thumbnail))
    return [replace(frame, thumbnail=both) if place in {1, 2} else frame for place, frame in enumerate(frames)]


def looked(studio: Studio, detector: ChosenDetector, frames: list[SentFrame]) -> Judged:
    # A keep is asked for nothing while frames are looked at.
    judge = Judge(cast("Keep", None), lambda: studio.gate, lambda: detector, lambda: studio.masker)
    return judge.look(SentTry(1, CAMERA, tuple(frames)), STEPS)


@pytest.mark.parametrize(
    ("finds", "decision"),
    [(GENUINE, PadDecision.BONA_FIDE), (ATTACK, PadDecision.ATTACK), (UNDECIDED, PadDecision.INCONCLUSIVE)],
)
def test_every_outcome_has_its_curves_and_best_frames(
    studio: Studio, frames: list[SentFrame], finds: tuple[Finding, ...], decision: PadDecision
) -> None:
    judged = looked(studio, Watching(finds=finds), frames)
    assert judged.pad.decision is decision
    assert judged.curves == CURVES
    assert judged.crops == tuple(frame.face for frame in frames[:3])
    assert [frame.at for frame in judged.frames] == [0.0, 0.1, 0.2]
    assert all(frame.thumbnail is None for frame in judged.frames)
    assert "frames" not in repr(judged)
    assert "crops" not in repr(judged)


def test_a_second_face_is_for_a_person_to_look_at_and_seen_by_nobody(
    studio: Studio, frames: list[SentFrame], crowded: list[SentFrame]
) -> None:
    detector = Watching()
    judged = looked(studio, detector, crowded)
    assert (judged.pad.decision, judged.pad.reasons) == (PadDecision.INCONCLUSIVE, (PadReason.SECOND_FACE,))
    assert judged.pad.urgent
    # The places of what was admitted are not those of what was sent.
    assert judged.crops == (frames[0].face, frames[3].face, frames[4].face)
    assert [frame.at for frame in judged.frames] == [0.0, 0.3, 0.4]
    (seen,) = detector.seen
    assert seen.second_faces == (0.1, 0.2)
    assert {frame.at for frame in seen.frames}.isdisjoint(seen.second_faces)
    assert not looked(studio, Watching(), frames).pad.urgent


def test_a_second_face_that_the_page_kept_back_counts_as_much(studio: Studio, frames: list[SentFrame]) -> None:
    detector = Watching()
    judge = Judge(cast("Keep", None), lambda: studio.gate, lambda: detector, lambda: studio.masker)
    judged = judge.look(SentTry(1, CAMERA, tuple(frames), (150, 250)), STEPS)
    assert judged.pad.reasons == (PadReason.SECOND_FACE,)
    assert [seen.second_faces for seen in detector.seen] == [(0.15, 0.25)]


def test_a_body_of_second_faces_is_refused(studio: Studio, crowded: list[SentFrame]) -> None:
    detector = Watching()
    with pytest.raises(FrameTooWideError):
        looked(studio, detector, crowded[:-1])
    assert detector.seen == []


@pytest.mark.parametrize("finds", [ATTACK, UNDECIDED])
def test_nothing_is_compared_of_what_is_not_bona_fide(
    studio: Studio, frames: list[SentFrame], finds: tuple[Finding, ...]
) -> None:
    judge = Judge(cast("Keep", None), lambda: studio.gate, lambda: Watching(finds=finds), lambda: studio.masker)
    judged = judge.look(SentTry(1, CAMERA, tuple(frames)), STEPS)
    assert judged.crops
    with pytest.raises(ValueError, match="bona fide"):
        judge.act(judged, cast("Resolved", None), cast("Account", None), Agreement("", ""))
