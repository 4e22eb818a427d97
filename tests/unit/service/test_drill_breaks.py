"""The drill must fail when the product is broken: each test breaks it in one way, and the drill must say where."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from facekeep.service import drill_controls, drill_review_thieves, review_sealing
from facekeep.service.drill import TYPICAL, run_drill
from facekeep.service.drill_curious import CuriousGate
from facekeep.service.drill_gates import curious_gate
from facekeep.service.drill_people import gather_people
from facekeep.split import left, masks, onetime
from facekeep.store.evidence_keys import BucketKeys
from facekeep.store.half_keys import EpochKeys
from facekeep.store.half_rows import RowCodec
from facekeep.store.sealing import Sealer
from facekeep.store.vault import Vault
from tests.unit.service.drill_runs import SMALL, leaks, sound_drill

pytestmark = pytest.mark.extended


@pytest.fixture
def no_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gates take the longest, and what is broken in a store does not concern them."""
    sound = sound_drill()
    monkeypatch.setattr("facekeep.service.drill.curious_gate", lambda *_, **__: sound.curious)
    monkeypatch.setattr("facekeep.service.drill.active_gate", lambda *_, **__: sound.active)


def stream(seed: bytes, info: bytes, length: int, counter: int = 0) -> bytes:
    key = hmac.digest(seed, info, "sha256")
    return Cipher(algorithms.AES256(key), modes.CTR(counter.to_bytes(16, "big"))).encryptor().update(bytes(length))


def one_seed_for_life(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = os.urandom(32)
    monkeypatch.setattr(left, "_seed", lambda _secret, head: hmac.digest(fixed, head.pseudonym, "sha256"))


@pytest.mark.usefixtures("no_gates")
class TestBrokenMasks:
    def test_masks_of_zeros(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(masks, "_stream", lambda _seed, _use, _row, length: bytes(length))
        report = run_drill(None, SMALL)
        assert not report.passed
        everything = {"uniformity", "d_sys", "linked_rank_1", "reconstruction", "identified_rank_1"}
        assert leaks(report, "right-with-keys") >= everything
        assert "uniformity" in leaks(report, "left-with-keys")
        assert any("right half and its keys" in reason for reason in report.reasons)

    def test_one_stream_for_both_codes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(masks, "_stream", lambda seed, _use, row, length: stream(seed, row, length))
        report = run_drill(None, SMALL)
        assert not report.passed
        assert leaks(report, "right-with-keys") >= {"uniformity", "d_sys", "reconstruction"}

    def test_low_bytes_of_one_mask_for_the_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def coarse(seed: bytes, row: masks.MaskRow, dimension: int) -> NDArray[np.uint8]:
            return masks.fine_mask(seed, row, dimension).astype(np.uint8)

        for module in ("facekeep.split.masks", "facekeep.split.left", "facekeep.service.drill_loot"):
            monkeypatch.setattr(f"{module}.coarse_mask", coarse)
        report = run_drill(None, SMALL)
        assert not report.passed
        assert leaks(report, "right-with-keys") >= {"uniformity", "d_sys", "reconstruction"}

    def test_fixed_seed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(left, "_seed", lambda _secret, _head: b"\x5e" * 32)
        report = run_drill(None, SMALL)
        assert not report.passed
        assert "uniformity" in leaks(report, "left-with-keys")
        assert leaks(report, "right-with-keys") >= {"d_sys", "linked_rank_1", "reconstruction", "identified_rank_1"}

    def test_one_mask_for_all_rows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        fixed = os.urandom(32)
        monkeypatch.setattr(masks, "_stream", lambda _seed, use, _row, length: stream(fixed, use, length))
        report = run_drill(None, SMALL)
        assert not report.passed
        assert leaks(report, "right-with-keys") >= {"uniformity", "d_sys", "reconstruction"}

    def test_version_in_the_counter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # As in the first design: one key for the life of a row, and epoch and version only move the counter.
        one_seed_for_life(monkeypatch)

        def moved(seed: bytes, use: bytes, row: bytes, length: int) -> bytes:
            version = int.from_bytes(row[20:24], "big")
            return stream(seed, use + row[:16], length, version)

        monkeypatch.setattr(masks, "_stream", moved)
        report = run_drill(None, SMALL)
        assert not report.passed
        assert leaks(report, "right-with-keys") == set(), "a single copy of the right half tells nothing even so"
        assert leaks(report, "right-hoard") >= {"reconstruction", "identified_rank_1"}

    def test_refresh_that_keeps_the_masks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one_seed_for_life(monkeypatch)
        monkeypatch.setattr(masks, "_stream", lambda seed, use, row, length: stream(seed, use + row[:16], length))
        report = run_drill(None, SMALL)
        assert not report.passed
        assert leaks(report, "two-epochs-hoard") >= {"d_sys", "reconstruction"}
        assert leaks(report, "right-hoard") >= {"uniformity", "d_sys"}


@pytest.mark.usefixtures("no_gates")
class TestBrokenStores:
    def test_unsealed_cells(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Sealer, "seal", lambda _self, plaintext, _aad: bytes(12) + plaintext + bytes(16))
        monkeypatch.setattr(Sealer, "open", lambda _self, sealed, _aad: sealed[12:-16])
        report = run_drill(None, SMALL)
        assert not report.passed
        assert leaks(report, "registry-without-keys") >= {"uniformity", "byte_search"}
        assert leaks(report, "left-without-keys") >= {"uniformity", "byte_search"}
        assert leaks(report, "both-without-keys") >= {"uniformity", "byte_search"}
        # Inside, pictures are sealed to reviewers still.
        assert leaks(report, "evidence-without-keys") == {"uniformity"}
        assert leaks(report, "evidence-with-reviewer-key") >= {"pictures_seen", "byte_search", "reconstruction"}

    def test_pictures_that_the_service_can_open_and_keys_that_outlive_their_hour(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = review_sealing._content_key
        monkeypatch.setattr(review_sealing, "_content_key", lambda _, ours, place: key(bytes(32), ours, place))
        monkeypatch.setattr(BucketKeys, "destroy_until", lambda _self, _hour: None)
        monkeypatch.setattr(BucketKeys, "keep", lambda _self, _used: None)
        report = run_drill(None, SMALL)
        assert not report.passed
        for thief in ("evidence-with-gate-keys", "evidence-later"):
            assert leaks(report, thief) >= {"pictures_seen", "d_sys", "reconstruction", "byte_search"}
        assert not leaks(report, "evidence-without-keys") | leaks(report, "evidence-with-reviewer-key")

    def test_a_drill_that_sees_no_picture_with_every_key_proves_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(drill_review_thieves, "_seen", lambda *_: [])
        report = run_drill(None, SMALL)
        assert [reason for reason in report.reasons if "Evidence of reviews" in reason and "TOO WEAK" in reason]

    def test_names_beside_the_sealed_cells(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def index(_self: Vault, _column: object, value: bytes | str) -> bytes:
            return (value.encode() if isinstance(value, str) else value).hex().encode()

        monkeypatch.setattr(Vault, "index", index)
        report = run_drill(None, SMALL)
        assert not report.passed
        assert "byte_search" in leaks(report, "registry-without-keys")

    def test_index_without_a_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def index(_self: Vault, _column: object, value: bytes | str) -> bytes:
            return sha256(value.encode() if isinstance(value, str) else value).digest()[:16]

        monkeypatch.setattr(Vault, "index", index)
        report = run_drill(None, SMALL)
        assert not report.passed
        assert leaks(report, "registry-without-keys") >= {"d_sys", "linked_rank_1"}

    def test_tags_that_outlive_epochs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(RowCodec, "tag", lambda _self, pseudonym: sha256(pseudonym).digest()[:16])
        report = run_drill(None, SMALL)
        assert not report.passed
        assert leaks(report, "left-backups") >= {"d_sys", "linked_rank_1"}
        assert leaks(report, "right-backups") >= {"d_sys", "linked_rank_1"}

    def test_epoch_keys_that_are_never_destroyed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(EpochKeys, "turn", lambda _self, _ended: None)
        report = run_drill(None, SMALL)
        assert not report.passed
        assert leaks(report, "left-backups") == {"old_backups"}
        assert leaks(report, "two-epochs") == {"old_backups"}


@pytest.mark.usefixtures("no_gates")
class TestBlindAttacks:
    def test_a_blind_control_fails_the_drill(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = drill_controls.link

        def blind(*arguments: object) -> object:
            linkage, rank_1 = real(*arguments)  # type: ignore[arg-type]
            return [type(linkage)(0.5, linkage.floor, linkage.limit, linkage.reading, linkage.leaks), rank_1]

        monkeypatch.setattr(drill_controls, "link", blind)
        report = run_drill(None, SMALL)
        assert not report.passed
        assert all("TOO WEAK" in reason for reason in report.reasons)
        assert len(report.reasons) == 4


class TestBrokenGate:
    @pytest.fixture
    def run(self, tmp_path: Path) -> Callable[[], CuriousGate]:
        def run() -> CuriousGate:
            random = np.random.default_rng(3)
            people = gather_people(None, 64, random, dimension=64)
            folder, counts = tmp_path / "keep", (110, 10)
            return curious_gate(folder, people, TYPICAL, counts=counts, random=random, tell=lambda *_: None)

        return run

    def test_sound(self, run: Callable[[], CuriousGate]) -> None:
        found = run()
        assert not found.leaks
        assert found.solved.by_bands == pytest.approx(found.level)
        assert found.control.by_elimination > 0.999

    def test_no_pads_and_no_shifts(self, run: Callable[[], CuriousGate], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(onetime, "stream", lambda _key, length: np.zeros(length, np.uint8))
        monkeypatch.setattr(onetime, "bytes_at", lambda _key, offsets: np.zeros(len(offsets), np.uint8))
        monkeypatch.setattr(onetime, "blocks_at", lambda _key, numbers: np.zeros((len(numbers), 16), np.uint8))
        found = run()
        assert found.leaks
        assert found.solved.by_elimination > 0.999

    def test_no_shifts(self, run: Callable[[], CuriousGate], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(onetime, "_shifts", lambda _key, count: np.zeros(count, np.uint16))
        found = run()
        assert found.leaks, "the right half's share was solved for"
        assert found.solved.consistent == 1.0

    def test_no_pads(self, run: Callable[[], CuriousGate], monkeypatch: pytest.MonkeyPatch) -> None:
        real = onetime.stream

        def short_only(key: bytes, length: int) -> NDArray[np.uint8]:
            return real(key, length) if length < 60_000 else np.zeros(length, np.uint8)

        monkeypatch.setattr(onetime, "stream", short_only)
        monkeypatch.setattr(onetime, "bytes_at", lambda _key, offsets: np.zeros(len(offsets), np.uint8))
        monkeypatch.setattr(onetime, "blocks_at", lambda _key, numbers: np.zeros((len(numbers), 16), np.uint8))
        found = run()
        assert found.leaks
        assert found.solved.by_elimination > 0.999, "table and index together give the score whatever the shift"
