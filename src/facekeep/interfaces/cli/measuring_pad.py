"""``facekeep evaluate pad``: how often attacks pass and people are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.options import JsonOption
from facekeep.interfaces.cli.reply import Heading, Line, Rows, reply, shown
from facekeep.interfaces.cli.writing import steps

if TYPE_CHECKING:
    from facekeep.domain.performance import Rate
    from facekeep.service.evaluation_pad import FormResult, KindResult, PadEvaluation

__all__ = ["evaluate_pad"]


def evaluate_pad(
    context: typer.Context,
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with bona-fide/ and attack/KIND/.")],
    as_json: JsonOption = False,
) -> None:
    """Measure presentation attack detection: APCER of each kind of attack, BPCER, ACER, and what is inconclusive."""
    from facekeep.face.pad.crops import Cropper
    from facekeep.face.pad.detector import PresentationAttackDetector
    from facekeep.face.pad.gate import FrameGate
    from facekeep.service.evaluation_pad import evaluate_pad as measure
    from facekeep.service.evaluation_pad_data import PresentationReader, read_presentations

    presentations = read_presentations(folder)
    pack, _ = composition(context).models()
    reader = PresentationReader(Cropper.build(pack), FrameGate.build(pack))
    with steps() as tell:
        result = measure(presentations, reader, PresentationAttackDetector.build(pack), tell)
    reply(result.as_json(), [*_lines(result)], as_json=as_json)


def _lines(result: PadEvaluation) -> Iterator[Line]:
    if result.pictures is not None:
        yield Heading("Pictures, by the passive voice alone")
        yield from _form_lines(result.pictures)
    if result.tries is not None:
        yield Heading("Tries, by all voices")
        yield from _form_lines(result.tries)
        times = ", ".join(f"{stage} {ms:,.0f}" for stage, ms in result.milliseconds.items())
        yield f"Median milliseconds of a try: {times}."
    yield "APCER: attacks taken for bona fide. BPCER: bona fide presentations taken for attacks. In brackets Wilson's"
    yield "interval at 95 %. What is inconclusive is in neither; no answer: no face, or refused by the gate."


def _form_lines(form: FormResult) -> Iterator[Line]:
    from facekeep.service.evaluation_pad import Answer

    rows = [_row("bona fide", form.bona_fide, Answer.ATTACK)] if form.bona_fide is not None else []
    rows += [_row(shown(kind), one, Answer.BONA_FIDE) for kind, one in form.attacks.items()]
    header = ("kind", "APCER, or BPCER", "inconclusive", "no answer")
    yield Rows(header, rows, frozenset({1, 2, 3}))
    apcer, bpcer, acer = form.apcer, form.bpcer, form.acer
    if apcer is not None and bpcer is not None and acer is not None:
        yield (
            f"highest APCER {100 * apcer:.3g} %, BPCER {100 * bpcer.value:.3g} %; "
            f"ACER, the mean of these two, {100 * acer:.3g} %."
        )


def _row(name: str, one: KindResult, error: object) -> tuple[str, ...]:
    from facekeep.service.evaluation_pad import Answer

    return (
        name,
        _rate(one.share(Answer(str(error)))),
        _rate(one.share(Answer.INCONCLUSIVE)),
        _rate(one.share(Answer.NONE)),
    )


def _rate(rate: Rate) -> str:
    if not rate.trials:
        return "– (no trial)"
    low, high = rate.interval
    return f"{100 * rate.value:.3g} % ({rate.errors:,} of {rate.trials:,}; {100 * low:.2g} to {100 * high:.2g} %)"
