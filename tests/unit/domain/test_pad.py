"""The decision in three values: no single voice decides, and what is urgent is never passed over."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.pad import URGENT, Finding, PadDecision, PadReason, Verdict, Voice, decide

S, D, R, N = Verdict.SUPPORTS, Verdict.DOUBTS, Verdict.REFUTES, Verdict.SILENT
PLAIN = [reason for reason in PadReason if reason not in URGENT]


def finding(voice: Voice, verdict: Verdict, *reasons: PadReason) -> Finding:
    return Finding(voice, verdict, reasons or ((PadReason.FLAT,) if verdict in (D, R) else ()))


def of(**verdicts: Verdict) -> list[Finding]:
    return [finding(Voice[name.upper()], verdict) for name, verdict in verdicts.items()]


@pytest.mark.parametrize(
    ("verdicts", "decision"),
    [
        ({"challenge": S, "passive": S, "depth": S, "continuity": S}, PadDecision.BONA_FIDE),
        ({"challenge": S, "passive": D, "depth": S, "continuity": S}, PadDecision.BONA_FIDE),
        ({"challenge": S, "passive": N, "depth": S, "continuity": S}, PadDecision.INCONCLUSIVE),
        ({"challenge": S, "passive": S, "depth": N, "continuity": S}, PadDecision.INCONCLUSIVE),
        ({"challenge": S, "passive": S, "depth": S, "continuity": N}, PadDecision.INCONCLUSIVE),
        ({"challenge": S, "passive": S, "depth": S, "vital_signs": S}, PadDecision.INCONCLUSIVE),
        ({"challenge": S, "passive": D, "depth": D, "vital_signs": S, "continuity": S}, PadDecision.INCONCLUSIVE),
        ({"challenge": S, "passive": R, "depth": S, "vital_signs": S, "continuity": S}, PadDecision.INCONCLUSIVE),
        ({"challenge": S, "passive": R, "depth": D, "vital_signs": S, "continuity": S}, PadDecision.ATTACK),
        ({"challenge": S, "light": D, "depth": S, "passive": S, "continuity": S}, PadDecision.INCONCLUSIVE),
        ({"challenge": D, "passive": R}, PadDecision.ATTACK),
        ({"passive": R, "depth": R}, PadDecision.ATTACK),
        ({"challenge": S, "passive": S, "depth": N}, PadDecision.INCONCLUSIVE),
        ({"challenge": N, "passive": S, "depth": S, "vital_signs": S}, PadDecision.INCONCLUSIVE),
        ({}, PadDecision.INCONCLUSIVE),
    ],
)
def test_decisions(verdicts: dict[str, Verdict], decision: PadDecision) -> None:
    found = decide(of(**verdicts))
    assert found.decision is decision
    assert bool(found.reasons) or decision is PadDecision.BONA_FIDE


def test_too_little_evidence_says_so() -> None:
    assert decide(of(passive=S, depth=S, vital_signs=S)).reasons == (PadReason.TOO_LITTLE_EVIDENCE,)


@pytest.mark.parametrize("reason", sorted(URGENT))
@pytest.mark.parametrize("others", list(product((S, R), repeat=2)))
def test_what_is_urgent_is_neither_passed_nor_refused(reason: PadReason, others: tuple[Verdict, Verdict]) -> None:
    found = decide([
        finding(Voice.CHALLENGE, S), finding(Voice.PASSIVE, others[0]), finding(Voice.DEPTH, others[1]),
        finding(Voice.CONTINUITY, S), finding(Voice.VITAL_SIGNS, D, reason),
    ])  # fmt: skip
    assert (found.decision, found.urgent, found.reasons[0]) == (PadDecision.INCONCLUSIVE, True, reason)


_verdicts = st.dictionaries(st.sampled_from(Voice), st.sampled_from(Verdict))


@given(_verdicts, st.sampled_from(Voice))
def test_no_single_voice_makes_an_attack(verdicts: dict[Voice, Verdict], voice: Voice) -> None:
    others = {v: said for v, said in verdicts.items() if v is not voice and said not in (D, R)}
    for verdict in Verdict:
        found = decide(finding(v, said) for v, said in {**others, voice: verdict}.items())
        assert found.decision is not PadDecision.ATTACK


@given(_verdicts, st.sampled_from(Voice))
def test_doubt_never_helps(verdicts: dict[Voice, Verdict], voice: Voice) -> None:
    order = [PadDecision.ATTACK, PadDecision.INCONCLUSIVE, PadDecision.BONA_FIDE]
    ranks = [
        order.index(decide(finding(v, said) for v, said in {**verdicts, voice: verdict}.items()).decision)
        for verdict in (R, D, S)
    ]
    assert ranks == sorted(ranks)


def test_each_voice_speaks_once() -> None:
    with pytest.raises(ValueError, match="once"):
        decide(of(depth=S) * 2)


def test_reasons_belong_to_doubt() -> None:
    with pytest.raises(ValueError, match="reasons"):
        Finding(Voice.DEPTH, S, (PadReason.FLAT,))
    with pytest.raises(ValueError, match="reasons"):
        Finding(Voice.DEPTH, R)
    with pytest.raises(ValueError, match="finite"):
        Finding(Voice.DEPTH, S, figures={"residual": float("nan")})
