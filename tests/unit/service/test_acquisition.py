"""Pictures of several requests at once: embedded together, each with its own template, each stage timed."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from facekeep.domain.template import Template
from facekeep.errors import MarkedPictureError
from facekeep.face.extraction import EmbeddingExtractor
from facekeep.face.models import ModelPack
from facekeep.face.pipeline import FacePipeline
from facekeep.face.provenance import REPLACED_XMP
from facekeep.face.quality import QualityAssessor
from facekeep.service.acquisition import Acquisition
from facekeep.service.stages import Stage

NAMES = ("obama.jpg", "biden.jpg", "obama2.jpg", "astronaut.png")


def test_faces_of_several_threads_share_a_run(
    pipeline: FacePipeline, pack: ModelPack, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = EmbeddingExtractor.embed
    runs: list[int] = []

    def counted(extractor: EmbeddingExtractor, aligned: Sequence[NDArray[np.uint8]]) -> tuple[Template, ...]:
        runs.append(len(aligned))
        while runs == [1] and acquisition._embed.waiting < len(NAMES) - 1:
            os.sched_yield()
        return embed(extractor, aligned)

    monkeypatch.setattr(EmbeddingExtractor, "embed", counted)
    acquisition = Acquisition(pipeline, QualityAssessor.build(pack))
    stages: list[Stage] = []
    acquisition.stages.watch(lambda stage, seconds: stages.append(stage) if seconds > 0 else None)
    data = [(pictures / name).read_bytes() for name in NAMES]
    with ThreadPoolExecutor(len(NAMES)) as threads:
        together = list(threads.map(acquisition.for_probe, data))
    assert runs == [1, len(NAMES) - 1]
    for stage in (Stage.DECODE, Stage.DETECT, Stage.ASSESS, Stage.EMBED):
        assert stages.count(stage) == len(NAMES)
    alone = [acquisition.for_probe(picture) for picture in data]
    for one, other in zip(together, alone, strict=True):
        assert one.template is not None
        assert other.template is not None
        assert one.template.vector @ other.template.vector > 0.9999


def test_a_picture_without_a_face_is_not_embedded(pipeline: FacePipeline, pack: ModelPack) -> None:
    acquisition = Acquisition(pipeline, QualityAssessor.build(pack))
    stages: list[Stage] = []
    acquisition.stages.watch(lambda stage, _: stages.append(stage))
    noise = np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8)
    faceless = io.BytesIO()
    Image.fromarray(noise).save(faceless, "PNG")
    assert acquisition.for_probe(faceless.getvalue()).template is None
    assert stages == [Stage.WAIT, Stage.DECODE, Stage.DETECT, Stage.ASSESS]


def test_a_marked_picture_is_not_decoded_and_does_not_stop_the_rest(
    pipeline: FacePipeline, pack: ModelPack, pictures: Path
) -> None:
    acquisition = Acquisition(pipeline, QualityAssessor.build(pack))
    stages: list[Stage] = []
    acquisition.stages.watch(lambda stage, _: stages.append(stage))
    good = (pictures / "obama.jpg").read_bytes()
    body = b"http://ns.adobe.com/xap/1.0/\0" + REPLACED_XMP
    bad = good[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + good[2:]
    first, second = acquisition.for_probes([bad, good])
    assert isinstance(first, MarkedPictureError)
    assert first.reasons == ("marked-replaced",)
    assert not isinstance(second, Exception)
    assert second.template is not None
    assert stages.count(Stage.DECODE) == 1
    for refused in (acquisition.for_enrolment, acquisition.for_right, acquisition.for_probe):
        with pytest.raises(MarkedPictureError):
            refused(bad)
