from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from facekeep.domain.comparison import SCORE_SCALE, Calibration, Level
from facekeep.errors import BadInputError, FormatError
from facekeep.service.evaluation import Evaluation, evaluate, evaluate_acquired
from facekeep.service.evaluation_acquisition import Acquisition, CentralFaceEmbedder
from facekeep.service.evaluation_data import PairList, PictureSet, read_folders, read_groups
from facekeep.service.evaluation_report import html_report

_MODEL = "d" * 64
_PEOPLE, _PICTURES = 60, 3


def _set(seed: int = 1, noise: float = 0.6) -> tuple[PictureSet, Acquisition]:
    generator = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(_PEOPLE), _PICTURES)
    centres = generator.normal(size=(_PEOPLE, 32))
    vectors = centres[subjects] + noise * generator.normal(size=(subjects.size, 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pictures = PictureSet(
        tuple(Path(f"{n}.jpg") for n in range(subjects.size)),
        subjects,
        tuple(f"secret-name-{n}" for n in range(_PEOPLE)),
    )
    everything = np.ones(subjects.size, np.bool_)
    return pictures, Acquisition(vectors.astype(np.float32), everything, 0, 0, 2.0, _MODEL, 2)


@pytest.fixture(scope="module")
def result() -> Evaluation:
    pictures, acquisition = _set()
    groups = {"side": tuple("left" if n < 40 else "right" for n in range(_PEOPLE))}
    return evaluate_acquired(pictures, acquisition, groups=groups, plaintext=True)


def test_figures_agree_with_brute_force(result: Evaluation) -> None:
    pictures, acquisition = _set()
    matrix = acquisition.embeddings @ acquisition.embeddings.T
    first, second = np.triu_indices(len(matrix), 1)
    same = pictures.subjects[first] == pictures.subjects[second]
    mated, other = matrix[first, second][same], matrix[first, second][~same]
    assert (result.mated.scores.size, result.non_mated.count) == (mated.size, other.size) == (180, 15930)
    assert [p.point.target_fmr for p in result.points] == [1e-2, 1e-3, 1e-4]  # 1e-5 of 15,930 is less than one pair
    for got in result.points:
        point = got.point
        allowed = int(point.target_fmr * other.size)
        assert point.fmr.errors == allowed
        assert point.threshold == pytest.approx(np.sort(other)[::-1][allowed], abs=1e-6)
        assert point.fnmr.errors == (mated < point.threshold).sum()
        assert got.fnmr_over_subjects[0] <= point.fnmr.value <= got.fnmr_over_subjects[1]
    assert result.search is not None
    gallery = matrix[np.arange(len(matrix)) % 3 > 0][:, ::3]
    hits = gallery.argmax(axis=1) == np.repeat(np.arange(_PEOPLE), 2)
    assert (result.search.references, result.search.probes) == (60, 120)
    assert result.search.rank_1.errors == hits.sum()
    assert result.search.rank_10.errors >= result.search.rank_1.errors
    assert [point.target_fpir for point in result.search.points] == [0.1, 0.01]
    assert result.pictures_per_second == 90
    assert result.accuracy is not None
    assert result.pairs_drawn
    assert result.accuracy.mean > 0.9


def test_by_default_the_codes_of_the_gallery_are_compared(result: Evaluation) -> None:
    pictures, acquisition = _set()
    got = evaluate_acquired(pictures, acquisition)
    codes = np.rint(160 * acquisition.embeddings.astype(np.float64)).astype(np.int64)
    scores = codes @ codes.T
    first, second = np.triu_indices(len(scores), 1)
    same = pictures.subjects[first] == pictures.subjects[second]
    for point in (p.point for p in got.points):
        threshold = int(np.ceil(point.threshold * SCORE_SCALE))
        assert point.fmr.errors == (scores[first, second][~same] >= threshold).sum()
        assert point.fnmr.errors == (scores[first, second][same] < threshold).sum()
        assert point.fmr.errors <= point.target_fmr * point.fmr.trials
    assert not got.plaintext
    assert got.as_json()["comparison"] == "gallery"
    assert result.as_json()["comparison"] == "plaintext"
    assert got.det.equal_error_rate == pytest.approx(result.det.equal_error_rate, abs=0.01)


def test_differentials_use_the_thresholds_of_the_whole_set(result: Evaluation) -> None:
    assert [(d.attribute, d.target_fmr) for d in result.differentials] == [("side", 1e-2), ("side", 1e-3)]
    left, right = result.differentials[0].groups
    assert (left.group, left.subjects, left.small) == ("left", 40, False)
    assert (right.group, right.subjects, right.small) == ("right", 20, True)
    assert left.fmr.trials == 120 * 119 // 2 - 120
    assert result.differentials[0].threshold == result.points[0].point.threshold


def test_json_is_plain_and_holds_no_name(result: Evaluation) -> None:
    text = json.dumps(result.as_json(), allow_nan=False)
    assert "secret-name" not in text
    read = json.loads(text)
    assert read["schema"] == "facekeep-evaluation/1"
    assert read["points"][0]["fmr"]["trials"] == 15930
    assert sum(read["distributions"]["non_mated"]) == 15930
    assert sum(read["distributions"]["mated"]) == 180
    assert len(read["det"]["fmr"]) == len(read["det"]["fnmr"]) <= 200
    assert read["det"]["fmr"] == sorted(read["det"]["fmr"], reverse=True)
    assert read["accuracy"]["pairs"] == "drawn"


def test_report_is_one_file_without_anything_from_elsewhere(result: Evaluation) -> None:
    page = html_report(result, title="<script>alert(1)</script>")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "secret-name" not in page
    assert not re.search(r"""(?:src|href)=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)""", page)
    assert page.count("<svg") == 2
    assert "prefers-color-scheme: dark" in page
    assert "Detection error trade-off" in page
    assert "ISO/IEC 19795-10" in page
    assert "20 (few)" in page
    assert result.accuracy is not None
    assert f"{100 * result.accuracy.mean:.2f} %" in page
    assert "6.28e−5 (1 of 15,930)" in page


def test_pairs_that_came_with_the_set_and_failures_to_acquire() -> None:
    pictures, acquisition = _set(noise=0.05)
    first = np.array([0, 0, 3, 3, 6, 6, 9, 9])
    second = np.array([1, 3, 4, 6, 7, 9, 10, 0])
    mated = np.array([True, False] * 4)
    listed = PictureSet(
        pictures.paths, pictures.subjects, pictures.names, PairList(first, second, mated, np.arange(8) // 4)
    )
    whole = evaluate_acquired(listed, acquisition)
    assert whole.accuracy is not None
    assert whole.accuracy.mean == 1.0
    assert not whole.pairs_drawn
    acquired = acquisition.acquired.copy()
    acquired[[1, 6]] = False  # one mated pair with each is lost; the non-mated pairs with number 6 are decided rightly
    embeddings = np.where(acquired[:, None], acquisition.embeddings, 0).astype(np.float32)
    lost = evaluate_acquired(listed, Acquisition(embeddings, acquired, 1, 1, 1.0, _MODEL, 1))
    assert lost.accuracy is not None
    assert lost.accuracy.mean == 0.75
    assert (lost.failure_to_acquire.errors, lost.failure_to_acquire.trials, lost.unreadable) == (1, 179, 1)
    assert lost.mated.scores.size == 180 - 4


def test_a_calibration_is_judged_and_gives_the_common_thresholds() -> None:
    pictures, acquisition = _set()
    levels = (Level(1e-2, 0.5), Level(1e-3, 0.6), Level(1e-6, 0.9, extrapolated=True))
    groups = {"side": ("left",) * 30 + ("right",) * 30}
    got = evaluate_acquired(pictures, acquisition, groups=groups, calibration=Calibration(_MODEL, levels, "a test"))
    assert [(p.point.target_fmr, p.point.threshold) for p in got.calibrated] == [(1e-2, 0.5), (1e-3, 0.6), (1e-6, 0.9)]
    assert [d.threshold for d in got.differentials] == [0.5, 0.6]
    with pytest.raises(FormatError, match="another model"):
        evaluate_acquired(pictures, acquisition, calibration=Calibration("e" * 64, levels, "a test"))


def test_a_set_without_pairs_is_refused() -> None:
    pictures, acquisition = _set()
    acquired = np.zeros_like(acquisition.acquired)
    acquired[::3] = True
    lone = Acquisition(acquisition.embeddings, acquired, 120, 0, 1.0, _MODEL, 1)
    with pytest.raises(BadInputError, match="no mated"):
        evaluate_acquired(pictures, lone)


def test_a_set_without_errors_has_no_trade_off_to_draw() -> None:
    pictures, acquisition = _set(noise=0.01)
    page = html_report(evaluate_acquired(pictures, acquisition))
    assert page.count("<svg") == 1
    assert "no trade-off to draw" in page


def test_progress_reaches_its_end() -> None:
    pictures, acquisition = _set()
    steps: list[tuple[str, int, int]] = []
    groups = {"side": ("left",) * 30 + ("right",) * 30}
    evaluate_acquired(pictures, acquisition, groups=groups, progress=lambda *step: steps.append(step))
    assert [done for _, done, _ in steps] == list(range(6))
    assert {of for _, _, of in steps} == {5}


def _data() -> Path:
    folder = Path(os.environ.get("FACEKEEP_DATA", Path(__file__).resolve().parents[3].parent / "shared" / "data"))
    assert (folder / "london" / "people").is_dir(), "FACEKEEP_DATA does not name the folder of the data"
    return folder


@pytest.mark.extended
def test_london_neutral_enrolled_smiling_identified() -> None:
    from facekeep.face.models import ModelPack
    from facekeep.face.pipeline import FacePipeline, PipelineSettings
    from facekeep.service.calibration import shipped_calibration

    pipeline = FacePipeline.build(ModelPack.load(), PipelineSettings(threads=1))
    pictures = read_folders(_data() / "london" / "people")
    groups = read_groups(_data() / "london" / "subjects.csv", pictures.names)
    embedder = CentralFaceEmbedder(pipeline.detector, pipeline.extractor)
    got = evaluate(pictures, embedder, groups=groups, calibration=shipped_calibration(embedder.model))
    assert got.failure_to_acquire.errors == 0
    plain = evaluate(pictures, embedder, plaintext=True)
    assert plain.search is not None
    assert plain.search.rank_1.errors == 62
    assert got.search is not None
    assert (got.search.rank_1.errors, got.search.rank_1.trials) == (62, 62)
    assert {d.attribute for d in got.differentials} == {"age", "sex", "ethnicity"}
