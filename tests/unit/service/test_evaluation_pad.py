"""Attack detection measured on presentations in folders, with the real voices; and the arithmetic of the rates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facekeep.domain.capture import Camera, SentFrame
from facekeep.domain.capture_container import SentTry, encode
from facekeep.domain.performance import wilson_interval
from facekeep.domain.sample import BiometricSample
from facekeep.errors import FormatError, UsageError
from facekeep.face.models import ModelPack
from facekeep.face.pad import crops
from facekeep.face.pad.crops import Cropper
from facekeep.face.pad.detector import PresentationAttackDetector
from facekeep.face.pad.gate import FrameGate
from facekeep.service.evaluation_pad import Answer, FormResult, KindResult, evaluate_pad
from facekeep.service.evaluation_pad_data import PresentationReader, read_presentations

STEPS = [{"kind": "look", "seconds": 12}, {"kind": "nod", "seconds": 8}]


@pytest.fixture(scope="module")
def reader(pack: ModelPack) -> PresentationReader:
    return PresentationReader(Cropper.build(pack), FrameGate.build(pack))


@pytest.fixture(scope="module")
def detector(pack: ModelPack) -> PresentationAttackDetector:
    return PresentationAttackDetector.build(pack)


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def put_try(folder: Path, picture: bytes, frames: int = 6) -> None:
    document = {"steps": STEPS, "frames": [{"at": 200 * at, "step": int(at >= frames - 1)} for at in range(frames)]}
    put(folder / "steps.json", json.dumps(document).encode())
    for at in range(frames):
        put(folder / f"{at:03}.jpg", picture)


def test_pictures_and_tries_are_counted_apart(
    reader: PresentationReader, detector: PresentationAttackDetector, pictures: Path, tmp_path: Path
) -> None:
    for name in ("obama.jpg", "biden.jpg"):
        put(tmp_path / "bona-fide" / "people" / name, (pictures / name).read_bytes())
    Image.fromarray(np.full((300, 300, 3), 90, np.uint8)).save(tmp_path / "bona-fide" / "nobody.png")
    put(tmp_path / "bona-fide" / "torn.jpg", b"\xff\xd8")
    put_try(tmp_path / "attack" / "still" / "1", (pictures / "obama.jpg").read_bytes())
    put(tmp_path / "attack" / "still" / "readme.txt", b"no picture")
    presentations = read_presentations(tmp_path)
    assert [(one.kind, one.is_try) for one in presentations] == [("", False)] * 4 + [("still", True)]
    done = []
    result = evaluate_pad(presentations, reader, detector, lambda *told: done.append(told))
    assert done[-1] == ("presentations", 5, 5)
    assert result.pictures is not None
    assert result.pictures.bona_fide is not None
    assert result.pictures.bona_fide.answers == {Answer.BONA_FIDE: 2, Answer.NONE: 2}
    assert result.pictures.attacks == {}
    assert result.pictures.acer is None
    assert result.tries is not None
    # A still picture passes for nobody: the nod was not done.
    assert result.tries.attacks["still"].share(Answer.BONA_FIDE).errors == 0
    assert result.tries.attacks["still"].reasons["step-not-done"] == 1
    assert result.tries.apcer == 0
    assert {"measure", "challenge", "passive"} <= set(result.milliseconds)
    document = json.loads(json.dumps(result.as_json()))
    assert document["tries"]["attacks"]["still"]["apcer"]["trials"] == 1
    assert str(tmp_path) not in json.dumps(document)
    assert "obama" not in json.dumps(document)


def test_a_try_in_a_container_is_the_same_as_its_pictures(
    reader: PresentationReader,
    pictures: Path,
    tmp_path: Path,
    sample_of: Callable[[str], BiometricSample],
    pack: ModelPack,
) -> None:
    put_try(tmp_path / "pictures", (pictures / "biden.jpg").read_bytes())
    made = Cropper.build(pack).make(sample_of("biden.jpg"))
    assert made is not None
    box = (int(made.box.left), int(made.box.top), int(made.box.width), int(made.box.height))
    size = sample_of("biden.jpg").width, sample_of("biden.jpg").height
    face, thumbnail = crops.encode(made.face), crops.encode(made.thumbnail)
    frames = tuple(
        SentFrame(200 * at, int(at >= 5), box, *size, face, thumbnail if at % 4 == 0 else b"") for at in range(6)
    )
    put(tmp_path / "container" / "steps.json", json.dumps({"steps": STEPS}).encode())
    put(tmp_path / "container" / "one.fkcapture", encode(SentTry(1, Camera("a camera", 640, 480, 30.0), frames)))
    of_pictures, of_container = reader.recording(tmp_path / "pictures"), reader.recording(tmp_path / "container")
    assert of_pictures is not None
    assert of_container is not None
    assert of_container.camera is not None
    assert of_pictures.steps == of_container.steps
    for one, other in zip(of_pictures.frames, of_container.frames, strict=True):
        assert (one.at, one.step, one.box) == (other.at, other.step, other.box)
        assert np.array_equal(one.face, other.face)
        assert (one.thumbnail is None) == (other.thumbnail is None)


@pytest.mark.parametrize(
    "document",
    [
        "", "[]", "{}", '{"steps": []}', '{"steps": [{"kind": "dance", "seconds": 8}]}',
        '{"steps": [{"kind": "nod", "seconds": 800}]}', '{"steps": [{"kind": "nod", "seconds": "soon"}]}',
        '{"steps": [{"kind": "nod", "seconds": 8}], "frames": [{"at": 0, "step": 1}]}',
        '{"steps": [{"kind": "nod", "seconds": 8}], "frames": [{"at": -1, "step": 0}]}',
        '{"steps": [{"kind": "nod", "seconds": 8}], "frames": []}',
        '{"steps": [{"kind": "light", "seconds": 8}], "frames": [{"at": 0, "step": 0}]}',
        '{"steps": [{"kind": "nod", "seconds": 8}], "frames": [{"at": 0, "step": 0}, {"at": 0, "step": 0}]}',
    ],
)  # fmt: skip
def test_what_does_not_parse_is_refused(
    reader: PresentationReader, pictures: Path, tmp_path: Path, document: str
) -> None:
    put(tmp_path / "try" / "steps.json", document.encode())
    for at in range(2 if "-1" not in document and document.count("at") == 2 else 1):
        put(tmp_path / "try" / f"{at}.jpg", (pictures / "biden.jpg").read_bytes())
    with pytest.raises(FormatError):
        reader.recording(tmp_path / "try")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "attack" / "print").mkdir(parents=True)
    with pytest.raises(UsageError):
        read_presentations(tmp_path)
    with pytest.raises(UsageError):
        read_presentations(tmp_path / "nowhere")


def test_rates_are_those_of_the_standard() -> None:
    form = FormResult(
        KindResult({Answer.BONA_FIDE: 90, Answer.ATTACK: 4, Answer.INCONCLUSIVE: 6, Answer.NONE: 10}),
        {
            "print": KindResult({Answer.ATTACK: 40, Answer.INCONCLUSIVE: 9, Answer.BONA_FIDE: 1}),
            "screen": KindResult({Answer.ATTACK: 2, Answer.BONA_FIDE: 2, Answer.NONE: 1}),
            "mask": KindResult({Answer.NONE: 3}),
        },
    )
    assert form.bpcer is not None
    assert (form.bpcer.errors, form.bpcer.trials) == (4, 100)
    assert form.attacks["print"].share(Answer.BONA_FIDE).value == 0.02
    assert form.attacks["print"].share(Answer.INCONCLUSIVE).value == 0.18
    assert form.attacks["screen"].share(Answer.NONE).value == 0.2
    assert form.apcer == 0.5
    assert form.acer == pytest.approx((0.5 + 0.04) / 2)
    assert form.attacks["screen"].share(Answer.BONA_FIDE).interval == wilson_interval(2, 4)
    assert FormResult(None, form.attacks).acer is None
    assert FormResult(form.bona_fide, {}).apcer is None
