"""Measure presentation attack detection as ISO/IEC 30107-3 has it: APCER of each kind of attack, BPCER, and no answer.

Pictures and tries are measured apart, as they are decided apart: of a picture the passive voice alone speaks, a try is
decided by all voices. A presentation that is inconclusive is neither: its share stands beside the error rates, and
whoever takes an inconclusive one for a refusal adds it to BPCER.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from facekeep.domain.capture import RecordedFrame, Recording
from facekeep.domain.pad import Finding, PadDecision, PadOutcome, Verdict, decide
from facekeep.domain.performance import (
    Rate,
    attack_presentation_classification_error_rate,
    bona_fide_presentation_classification_error_rate,
)
from facekeep.face.pad.detector import PresentationAttackDetector
from facekeep.face.pad.passive import PassiveVoice
from facekeep.service.evaluation_pad_data import BONA_FIDE, Presentation, PresentationReader

__all__ = ["SCHEMA", "FormResult", "KindResult", "PadEvaluation", "evaluate_pad"]

SCHEMA = "facekeep-pad-evaluation/1"

Progress = Callable[[str, int, int], None]
"""Told of a stage, the presentations done and all of them."""


class Answer(StrEnum):
    """What became of a presentation."""

    BONA_FIDE = PadDecision.BONA_FIDE.value
    ATTACK = PadDecision.ATTACK.value
    INCONCLUSIVE = PadDecision.INCONCLUSIVE.value
    NONE = "no-answer"
    """No face was found in it, or the gate refused it."""


@dataclass(frozen=True, slots=True)
class KindResult:
    """What became of the presentations of one kind.

    Attributes:
        answers: how often each was given.
        reasons: how often each reason was given; a presentation may have several.
    """

    answers: dict[Answer, int]
    reasons: dict[str, int] = field(default_factory=dict)

    def share(self, answer: Answer) -> Rate:
        """Share of an answer among the presentations that were answered; of no answer, among all."""
        every = sum(self.answers.values())
        trials = every if answer is Answer.NONE else every - self.answers.get(Answer.NONE, 0)
        return Rate(self.answers.get(answer, 0), trials)


@dataclass(frozen=True, slots=True)
class FormResult:
    """The result over pictures, or over tries.

    Attributes:
        bona_fide: of presentations that are no attack; None where there is none.
        attacks: by the kind of attack.
    """

    bona_fide: KindResult | None
    attacks: dict[str, KindResult]

    @property
    def apcer(self) -> float | None:
        """The highest APCER of all kinds; None where no attack was answered."""
        rates = {kind: result.share(Answer.BONA_FIDE) for kind, result in self.attacks.items()}
        answered = {kind: rate for kind, rate in rates.items() if rate.trials}
        return attack_presentation_classification_error_rate(answered) if answered else None

    @property
    def bpcer(self) -> Rate | None:
        """Share of bona fide presentations that were taken for attacks; None where none was answered."""
        if self.bona_fide is None:
            return None
        rate = self.bona_fide.share(Answer.ATTACK)
        return bona_fide_presentation_classification_error_rate(rate.errors, rate.trials) if rate.trials else None

    @property
    def acer(self) -> float | None:
        """The mean of the highest APCER and of BPCER; None where one of them is missing."""
        apcer, bpcer = self.apcer, self.bpcer
        return None if apcer is None or bpcer is None else (apcer + bpcer.value) / 2


@dataclass(frozen=True, slots=True)
class PadEvaluation:
    """A whole evaluation.

    Attributes:
        pictures: by the passive voice alone; None where there is no picture.
        tries: by all voices; None where there is none.
        milliseconds: of each stage of a try, the median.
    """

    pictures: FormResult | None
    tries: FormResult | None
    milliseconds: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """All figures as dictionaries, lists, numbers, strings and None."""
        return {
            "schema": SCHEMA,
            "pictures": None if self.pictures is None else _form_as_json(self.pictures),
            "tries": None if self.tries is None else _form_as_json(self.tries),
            "milliseconds_per_try": self.milliseconds,
        }


def evaluate_pad(
    presentations: Sequence[Presentation],
    reader: PresentationReader,
    detector: PresentationAttackDetector,
    progress: Progress | None = None,
) -> PadEvaluation:
    """Judges presentations and counts.

    Args:
        presentations: at least one.
        reader: reads them.
        detector: judges them.
        progress: told of each that is done.

    Raises:
        FormatError: a presentation breaks its form.
    """
    pictures: defaultdict[str, list[tuple[Answer, tuple[str, ...]]]] = defaultdict(list)
    tries: defaultdict[str, list[tuple[Answer, tuple[str, ...]]]] = defaultdict(list)
    times: defaultdict[str, list[float]] = defaultdict(list)
    for number, one in enumerate(presentations, start=1):
        if one.is_try:
            recording = reader.recording(one.path)
            answer = _of_try(recording, detector, lambda stage, seconds: times[stage].append(1000 * seconds))
            tries[one.kind].append(answer)
        else:
            pictures[one.kind].append(_of_picture(reader.picture(one.path), detector.passive))
        if progress is not None:
            progress("presentations", number, len(presentations))
    milliseconds = {stage: statistics.median(spent) for stage, spent in times.items()}
    return PadEvaluation(_form(pictures), _form(tries), milliseconds)


def _of_picture(frame: RecordedFrame | None, voice: PassiveVoice) -> tuple[Answer, tuple[str, ...]]:
    if frame is None or frame.thumbnail is None:
        return Answer.NONE, ()
    finding = voice.judge([voice.liveness(frame.thumbnail)], frames_min=1)
    of_verdict = {Verdict.SUPPORTS: Answer.BONA_FIDE, Verdict.REFUTES: Answer.ATTACK}
    return of_verdict.get(finding.verdict, Answer.INCONCLUSIVE), _words(finding)


def _of_try(
    recording: Recording | None, detector: PresentationAttackDetector, told: Callable[[str, float], None]
) -> tuple[Answer, tuple[str, ...]]:
    if recording is None:
        return Answer.NONE, ()
    outcome = decide(detector.examine(recording, told).findings)
    return Answer(outcome.decision.value), _words(outcome)


def _words(found: Finding | PadOutcome) -> tuple[str, ...]:
    return tuple(str(reason) for reason in found.reasons)


def _form(judged: dict[str, list[tuple[Answer, tuple[str, ...]]]]) -> FormResult | None:
    if not judged:
        return None
    results = {kind: _kind(answers) for kind, answers in judged.items()}
    return FormResult(results.pop(BONA_FIDE, None), results)


def _kind(answers: list[tuple[Answer, tuple[str, ...]]]) -> KindResult:
    reasons = Counter(word for _, words in answers for word in words)
    return KindResult(dict(Counter(answer for answer, _ in answers)), dict(reasons))


def _form_as_json(result: FormResult) -> dict[str, object]:
    return {
        "bona_fide": None if result.bona_fide is None else _kind_as_json(result.bona_fide, "bpcer", Answer.ATTACK),
        "attacks": {kind: _kind_as_json(one, "apcer", Answer.BONA_FIDE) for kind, one in result.attacks.items()},
        "highest_apcer": result.apcer,
        "bpcer": None if result.bpcer is None else result.bpcer.value,
        "acer": result.acer,
    }


def _kind_as_json(result: KindResult, name: str, error: Answer) -> dict[str, object]:
    return {
        "presentations": sum(result.answers.values()),
        name: _rate_as_json(result.share(error)),
        "inconclusive": _rate_as_json(result.share(Answer.INCONCLUSIVE)),
        "no_answer": _rate_as_json(result.share(Answer.NONE)),
        "reasons": result.reasons,
    }


def _rate_as_json(rate: Rate) -> dict[str, object]:
    """A rate with its counts and Wilson's interval at 95 %."""
    return {
        "rate": rate.value if rate.trials else None,
        "errors": rate.errors,
        "trials": rate.trials,
        "interval": list(rate.interval),
    }
