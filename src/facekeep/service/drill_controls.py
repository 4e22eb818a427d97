"""Positive controls: the same attacks where they must succeed, in the same run. A drill with blind attacks fails."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from facekeep.service.drill_attacks import (
    Faces,
    Reading,
    identified_at_best,
    link,
    readings_of_codes,
    readings_of_sum,
    reconstruct,
)
from facekeep.service.drill_bytes import FACES, NAMES, Needles
from facekeep.service.drill_keep import Identity
from facekeep.service.drill_loot import Codes
from facekeep.service.drill_report import Control
from facekeep.service.drill_review_thieves import codes_of, open_reviews
from facekeep.service.drill_statistics import ALARM, uniformity
from facekeep.service.drill_thieves import Robbery
from facekeep.split.codes import coarse_code, fine_code


def controls(
    robbery: Robbery, truth: Faces, needles: Needles, names: Sequence[Identity], random: np.random.Generator
) -> tuple[Control, ...]:
    """The attacks on a plaintext gallery, on masks used again, on both halves and on evidence with every key."""
    plain = _plaintext(truth)
    masked = _under_one_mask(plain)
    first, second = robbery.both_halves()
    found = _achieved(readings_of_codes(plain), readings_of_codes(plain), truth, random)
    bytes_seen = uniformity({"fine codes": plain.fine.astype("<u2").view(np.uint8)})[0]
    return (
        Control(
            "plaintext",
            "A gallery kept in the clear",
            {**found, "not_noise": float(bytes_seen < ALARM), "byte_search": _searched(plain, needles, names)},
        ),
        Control(
            "masks-used-again",
            "One mask for all rows, in two keeps",
            _achieved(readings_of_codes(masked), readings_of_codes(masked), truth, random),
        ),
        Control(
            "both-halves-with-keys",
            "Both halves of one moment with their keys",
            _achieved(
                readings_of_sum(Codes(first.fine * 0, first.coarse * 0), first),
                readings_of_sum(Codes(second.fine * 0, second.coarse * 0), second),
                truth,
                random,
            ),
        ),
        Control(
            "evidence-with-every-key",
            "Evidence of reviews with every key",
            _looked(robbery, truth, needles, random),
        ),
    )


def _looked(robbery: Robbery, truth: Faces, needles: Needles, random: np.random.Generator) -> dict[str, float]:
    """With the gate's keys of the moment and a reviewer's private key every picture can be seen."""
    first, second = (
        open_reviews(one.evidence, one.evidence.keys, one.evidence.reviewers[:1], robbery.folder)
        for one in (robbery.keep, robbery.other)
    )
    people = len(truth.references)
    seen = len(first.pictures) / people
    if min(len(first.pictures), len(second.pictures)) < people:
        return {"pictures_seen": seen, "d_sys": 0.0}
    mine, theirs = (readings_of_codes(codes_of(one.pictures)) for one in (first, second))
    achieved = _achieved(mine, theirs, truth, random)
    found = needles.found_in([first.plain])[FACES]
    return {**achieved, "pictures_seen": seen, "byte_search": min(1.0, found / people)}


def _plaintext(truth: Faces) -> Codes:
    codes = fine_code(truth.references.astype(np.float32))
    return Codes(codes.view(np.uint16), coarse_code(codes).view(np.uint8))


def _under_one_mask(plain: Codes) -> Codes:
    dimension = plain.fine.shape[1]
    fine = np.frombuffer(os.urandom(2 * dimension), np.uint16)
    return Codes(plain.fine - fine, plain.coarse - np.frombuffer(os.urandom(dimension), np.uint8))


def _achieved(
    first: Mapping[str, Reading], second: Mapping[str, Reading], truth: Faces, random: np.random.Generator
) -> dict[str, float]:
    linkage, rank_1 = link(first, second, random)
    cosine, identified = reconstruct(first, truth, random)
    return {
        "d_sys": linkage.value,
        "linked_rank_1": rank_1.value,
        "reconstruction": cosine.value,
        "identified_rank_1": min(1.0, identified.value / identified_at_best(truth)),
    }


def _searched(plain: Codes, needles: Needles, names: Sequence[Identity]) -> float:
    """Write the gallery as a careless program would, and see which share of the people is found in it."""
    written = "\n".join(f"{person.label};{person.name}" for person in names).encode()
    found = needles.found_in([written, plain.fine.astype("<i2").tobytes()])
    return min(1.0, found[NAMES] / (2 * len(names)), found[FACES] / len(names))
