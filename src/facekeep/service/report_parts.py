"""Parts that several papers share: purposes, roles, keys, thresholds, measures, as values and as tables."""

from __future__ import annotations

from collections.abc import Iterator

from facekeep.domain.consent import Purpose
from facekeep.service.about import About
from facekeep.service.facts import KeepFacts, PurposeFacts
from facekeep.service.measured import DrillSummary, EvaluationSummary
from facekeep.service.paper import Cell, Missing, Table, Text
from facekeep.service.report_reviews import reviewing_document

__all__ = [
    "WHAT_PURPOSES_DO",
    "about_table",
    "drill_document",
    "drill_parts",
    "evaluation_document",
    "evaluation_parts",
    "facts_document",
    "filing_table",
    "keep_table",
    "made_by",
    "measures_table",
    "purposes_table",
    "retention_of",
    "thresholds_table",
]

WHAT_PURPOSES_DO = {
    Purpose.VERIFY: "compares a face with the references of one person who is claimed (1:1)",
    Purpose.IDENTIFY: "searches a gallery under a case (1:N)",
    Purpose.ATTENDANCE: "searches a gallery of people who are expected (1:N)",
    Purpose.OWN_PHOTOS: "searches for the face of the person who asks (1:N)",
    Purpose.MISSING_PERSON: "searches for a missing person under a case (1:N)",
    Purpose.PAYMENT: "compares a live face with the references of one person who pays (1:1)",
}


def made_by(facts: KeepFacts) -> str:
    """When and by what a paper was made."""
    return f"Made on {facts.made:%Y-%m-%d %H:%M} UTC by Facekeep {facts.version}, from the keep as it was then."


def facts_document(facts: KeepFacts) -> dict[str, object]:
    """The facts of a keep that its papers show, in values that JSON can hold."""
    return {
        "people": facts.people,
        "canaries": facts.canaries,
        "references": facts.references,
        "never_returned": facts.never_returned,
        "purposes": [
            {
                "purpose": one.purpose.value,
                "on": one.on,
                "people": one.people,
                "notices": sorted(one.notices),
                "retention": [{"law": rule.law, "basis": rule.basis, "days": rule.days} for rule in one.retention],
            }
            for one in facts.purposes
        ],
        "consents": {
            "holding": facts.consents.holding,
            "withdrawn": facts.consents.withdrawn,
            "evidenced": facts.consents.evidenced,
        },
        "notices": [
            {
                "hash": one.digest,
                "language": one.language,
                "purposes": sorted(one.purposes),
                "items": dict(one.items),
            }
            for one in facts.notices
        ],
        "open_cases": facts.open_cases,
        "accounts": {role.value: count for role, count in sorted(facts.accounts.items())},
        "clients": facts.clients,
        "recipients": [{"host": one.host, "events": list(one.events)} for one in facts.recipients],
        "model": facts.model,
        "thresholds": [
            {"fmr": one.fmr, "cosine": one.threshold, "extrapolated": one.extrapolated} for one in facts.levels
        ],
        "measured_on": facts.measured_on,
        "refreshed": facts.refreshed.isoformat(),
        "apart": facts.apart,
        "keys": None
        if facts.keys is None
        else {
            "beside": facts.keys.beside,
            "keyring": list(facts.keys.keyring),
            "passphrase": list(facts.keys.passphrase),
        },
        "ledger": facts.ledger,
        "reviewing": reviewing_document(facts.reviewing),
        "guardian_under": facts.guardian_under,
        "age_required": facts.age_required,
        "filing": {
            "people": facts.filing.people,
            "limit": facts.filing.threshold.limit,
            "state": facts.filing.state.value,
            "until": None if facts.filing.until is None else facts.filing.until.isoformat(),
        },
    }


def about_table(caption: str, about: About, fields: dict[str, str]) -> Table:
    """What was said, by the heads of rows."""
    return Table(caption, ("what", "said"), tuple((head, about.cell(name)) for head, name in fields.items()))


def purposes_table(facts: KeepFacts, about: About) -> Table:
    """Each purpose that is on, or that somebody consents to."""
    rows = tuple(
        (
            one.purpose.value,
            f"{WHAT_PURPOSES_DO[one.purpose]}; switched {'on' if one.on else 'off'}",
            about.cell(f"purpose.{one.purpose}.why"),
            about.cell(f"purpose.{one.purpose}.ground"),
            f"{one.people:,}",
            retention_of(one, about),
        )
        for one in facts.purposes
        if one.on or one.people
    )
    heads = ("purpose", "what it does", "what for", "legal ground", "people who consent", "kept for")
    return Table("Purposes that are on, or that somebody consents to", heads, rows)


def retention_of(purpose: PurposeFacts, about: About) -> Cell:
    """How long references for a purpose are kept: the rule that runs, else what was said."""
    if purpose.retention:
        rules = "; ".join(rule.said for rule in purpose.retention)
        return f"{rules}: whichever comes first, by itself"
    said = about.get(f"purpose.{purpose.purpose}.retention")
    if said is None:
        return Missing(
            f"how long references for the purpose are kept ({purpose.purpose})",
            f"No rule runs by itself. Say it in the file of --about, as purpose.{purpose.purpose}.retention.",
        )
    return f"{said} (said by the controller; no rule runs by itself)"


def keep_table(facts: KeepFacts) -> Table:
    """What is held, and where."""
    accounts = ", ".join(f"{count:,} {role}" for role, count in sorted(facts.accounts.items()))
    rows: list[tuple[Cell, ...]] = [
        ("data subjects", f"{facts.people:,}"),
        ("biometric references", f"{facts.references:,}, canaries among them ({facts.canaries})"),
        ("on “never return me”", f"{facts.never_returned:,}"),
        ("consents that hold", f"{facts.consents.holding:,}, with evidence {facts.consents.evidenced:,}"),
        ("consents withdrawn", f"{facts.consents.withdrawn:,}"),
        (
            "minors",
            f"a guardian consents under {facts.guardian_under} years, where an age is said"
            + ("; one has to be said" if facts.age_required else ""),
        ),
        ("notices", f"{len(facts.notices)}"),
        ("cases that are open", f"{facts.open_cases:,}"),
        ("accounts of people", accounts or "none"),
        ("machine clients", f"{facts.clients:,}"),
        (
            "hosts",
            "gate, registrar, left and right on hosts of their own" if facts.apart else "all roles in one process",
        ),
        (
            "keys",
            _keys(facts),
        ),
        ("embedding model", f"SHA-256 begins with {facts.model[:16]}"),
        ("last refresh", f"{facts.refreshed:%Y-%m-%d %H:%M} UTC"),
        ("entries of the ledger", f"{facts.ledger:,}"),
    ]
    return Table("What is held, and where", ("what", "now"), tuple(rows))


def _keys(facts: KeepFacts) -> Cell:
    if facts.apart:
        return "Each role's keys are on its own host."
    if facts.keys is None:
        return Missing("where the keys are", "Make the paper by facekeep report, which knows.")
    return facts.keys.said


def thresholds_table(facts: KeepFacts) -> Table:
    """Thresholds with their error rates."""
    rows = tuple(
        (
            f"one in {level.one_in:,}",
            f"{level.threshold:.4f}",
            "extrapolated beyond what was measured" if level.extrapolated else "measured",
        )
        for level in facts.levels
    )
    caption = f"Thresholds, measured on: {facts.measured_on}"
    return Table(caption, ("strangers who would pass", "cosine", "rate"), rows)


def filing_table(facts: KeepFacts) -> Table:
    """How near the keep is to the number of people that has to be filed."""
    return Table(
        "Number of people (China's measures of 2025: filing within 30 working days of 100,000)",
        ("what", "now"),
        (("state", facts.filing.state.value), ("said", facts.filing.said)),
    )


_MEASURES = (
    ("two halves", "Each template is kept as two random halves in two stores; neither tells anything of a face."),
    ("sealing", "All cells are sealed (AES-256); names and consents under a data key of each person."),
    ("refresh", "New halves and epoch keys are drawn at each refresh; copies of before are unreadable then."),
    ("consent", "Each purpose has its own consent and switch, which both halves enforce by themselves."),
    ("cases and budgets", "Searches need a purpose, a signature and mostly a case; both halves count and bound them."),
    ("bands", "No score leaves the halves; an answer says how many strangers would pass as far."),
    ("erasure", "Rows, seeds and the person's data key are destroyed; a receipt proves the entry of it."),
    ("ledger", "What is done is written to a log that cannot be rewritten unseen."),
    (
        "pictures",
        "Captures upload two crops of the face alone. Nothing is written to disk but masked faces that people have to "
        "look at, sealed to these people and not to the service, until they decided or the hour is over.",
    ),
    (
        "four eyes",
        "Two different people decide a review, a third where they differ; a capture is refused in no other way, and "
        "the person can appeal to others.",
    ),
    ("access", "Roles and policies decide each operation; what is not permitted is denied."),
)


def measures_table() -> Table:
    """Technical measures that the program takes whatever its settings are."""
    return Table("Technical measures of the program", ("measure", "what it does"), _MEASURES)


def drill_document(drill: DrillSummary | None) -> dict[str, object] | None:
    """What a drill found, in values that JSON can hold."""
    if drill is None:
        return None
    return {
        "made": None if drill.made is None else drill.made.isoformat(),
        "passed": drill.passed,
        "people": drill.people,
        "given": drill.given,
        "thieves": [{"name": one.name, "passed": one.passed, "verdict": one.verdict} for one in drill.thieves],
        "warnings": list(drill.warnings),
    }


def drill_parts(drill: DrillSummary | None) -> Iterator[Text | Table]:
    """What a drill found, for a paper."""
    if drill is None:
        hint = "Run facekeep drill --json > drill.json, and give --drill drill.json."
        yield Text(Missing("what a thief gets: no drill was given", hint))
        return
    when = "at a time that its report does not say" if drill.made is None else f"on {drill.made:%Y-%m-%d}"
    yield Text(
        f"The drill {when} {'passed' if drill.passed else 'FAILED'}. It robbed a keep of {drill.people} people "
        f"({drill.given} of them by real pictures), made for it by the same program.",
        "good" if drill.passed else "bad",
    )
    rows = tuple((one.title, "chance" if one.passed else "LEAK", one.verdict) for one in drill.thieves)
    yield Table("Thieves", ("thief", "result", "verdict"), rows)
    for warning in drill.warnings:
        yield Text(f"Warning. {warning}", "warn")


def evaluation_document(evaluation: EvaluationSummary | None) -> dict[str, object] | None:
    """What an evaluation measured, in values that JSON can hold."""
    if evaluation is None:
        return None
    return {
        "made": None if evaluation.made is None else evaluation.made.isoformat(),
        "model": evaluation.model,
        "people": evaluation.people,
        "pictures": evaluation.pictures,
        "points": [{"target_fmr": one.target_fmr, "fmr": one.fmr, "fnmr": one.fnmr} for one in evaluation.points],
        "groups": [
            {
                "attribute": one.attribute,
                "target_fmr": one.target_fmr,
                "fmr_ratio": one.fmr_ratio,
                "fnmr_ratio": one.fnmr_ratio,
            }
            for one in evaluation.groups
        ],
    }


def evaluation_parts(evaluation: EvaluationSummary | None, facts: KeepFacts) -> Iterator[Text | Table]:
    """What an evaluation measured, for a paper."""
    if evaluation is None:
        hint = "Run facekeep evaluate --images DIR --json > evaluation.json, and give --evaluation evaluation.json."
        yield Text(Missing("how often the model errs on your people: no evaluation was given", hint))
        return
    when = "at a time that its report does not say" if evaluation.made is None else f"on {evaluation.made:%Y-%m-%d}"
    yield Text(f"The evaluation was made {when}, on {evaluation.people:,} people and {evaluation.pictures:,} pictures.")
    if evaluation.model != facts.model:
        yield Text("It is of ANOTHER model than the keep's: its figures say nothing of this keep.", "bad")
    rows = tuple((f"{one.target_fmr:.0e}", _rate(one.fmr), _rate(one.fnmr)) for one in evaluation.points)
    heads = ("false match rate aimed at", "false match rate measured", "false non-match rate measured")
    yield Table("Error rates", heads, rows)
    if not evaluation.groups:
        hint = "Give facekeep evaluate --groups FILE."
        yield Text(Missing("how error rates differ between groups of people: the evaluation had no groups", hint))
        return
    ratios = tuple(
        (one.attribute, "–" if one.target_fmr is None else f"{one.target_fmr:.0e}", _ratio(one.fmr_ratio),
         _ratio(one.fnmr_ratio))
        for one in evaluation.groups
    )  # fmt: skip
    columns = ("attribute", "at a false match rate of", "false matches, largest over smallest", "false non-matches")
    yield Table("Differences between groups", columns, ratios)


def _rate(rate: float | None) -> str:
    return "not measured" if rate is None else f"{rate:.3g}"


def _ratio(ratio: float | None) -> str:
    return "could not be measured" if ratio is None else f"{ratio:.3g}"
