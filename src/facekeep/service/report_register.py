"""The register of processing activities (GDPR 30), from the keep as it is and from what the controller said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from facekeep.domain.consent import Purpose
from facekeep.service.about import FIELDS, PURPOSE_FIELDS, About
from facekeep.service.facts import KeepFacts
from facekeep.service.paper import Missing, Paper, Section, Table, Text
from facekeep.service.report_parts import (
    about_table,
    facts_document,
    filing_table,
    keep_table,
    made_by,
    measures_table,
    purposes_table,
    retention_of,
)
from facekeep.service.report_reviews import ACTIVITY, FIXED_PERIODS, activity_table, periods_table, reviewing_table

__all__ = ["FORMAT", "Register", "missing_document", "said_document"]

FORMAT: Final = "facekeep-register/1"

DATA = (
    ("biometric template", "of the face, as two halves in two stores; special category (GDPR 9)"),
    ("label and name", "as the operators enter them"),
    ("consents and notices", "which purpose, when given and withdrawn, which notice was shown"),
    ("entries of the ledger", "enrolments, consents, verifications, searches and whom they returned, who looked"),
    ("appeals", "what a person objects to, in the person's words, and the answer"),
    ("reviews", "pictures of a face, masked and sealed; what was measured; the person's words; who looked, and votes"),
    ("accounts", "names, roles, passkeys and sessions of people who sign in; keys and duty of reviewers"),
)


@dataclass(frozen=True, slots=True)
class Register:
    """The register of one keep.

    Attributes:
        facts: of the keep.
        about: what the controller said.
    """

    facts: KeepFacts
    about: About

    def as_json(self) -> dict[str, object]:
        """The register in values that JSON can hold; what is missing is None, and listed."""
        return {
            "format": FORMAT,
            "made": self.facts.made.isoformat(),
            "version": self.facts.version,
            "said": said_document(self.facts, self.about),
            "data": [{"what": what, "detail": detail} for what, detail in DATA],
            "human_review": [{"what": what, "detail": detail} for what, detail in ACTIVITY],
            "fixed_periods": [{"what": what, "kept_for": length} for what, length in FIXED_PERIODS],
            "keep": facts_document(self.facts),
            "missing": missing_document(self.paper()),
        }

    def paper(self) -> Paper:
        """The register for people."""
        facts, about = self.facts, self.about
        recipients = tuple(
            (one.host, "events by random identifiers: " + ", ".join(one.events)) for one in facts.recipients
        )
        purposes = [one for one in facts.purposes if one.on or one.people]
        return Paper(
            "Register of processing activities",
            "The record of processing activities that article 30 of the GDPR asks of a controller, for one keep of "
            "Facekeep.",
            made_by(facts),
            (
                Section(
                    "Who is responsible (30(1)(a))",
                    (
                        about_table(
                            "Controller",
                            about,
                            {
                                "name": "controller.name",
                                "address": "controller.address",
                                "contact": "controller.contact",
                                "representative": "controller.representative",
                                "data protection officer": "officer.name",
                                "contact of the officer": "officer.contact",
                            },
                        ),
                    ),
                ),
                Section("Purposes (30(1)(b))", (purposes_table(facts, about),)),
                Section("Human review (30(1)(b) to (f))", (activity_table(), reviewing_table(facts))),
                Section(
                    "People and data (30(1)(c))",
                    (
                        about_table("People", about, {"categories of people": "processing.people"}),
                        Table("Data", ("what", "detail"), DATA),
                        keep_table(facts),
                        filing_table(facts),
                    ),
                ),
                Section(
                    "Recipients and transfers (30(1)(d), (e))",
                    (
                        Table("Endpoints that the keep tells of events", ("host", "what"), recipients)
                        if recipients
                        else Text("The keep tells no endpoint of events."),
                        about_table(
                            "Others",
                            about,
                            {"other recipients": "processing.recipients", "transfers": "processing.transfers"},
                        ),
                    ),
                ),
                Section(
                    "Time limits for erasure (30(1)(f))",
                    (
                        Table(
                            "Time limits",
                            ("purpose", "kept for"),
                            tuple((one.purpose.value, retention_of(one, about)) for one in purposes),
                        ),
                        periods_table(),
                        Text(
                            "Entries of the ledger about a person become unreadable with the person's erasure; what "
                            "is about nobody stays."
                            if facts.log_days is None
                            else f"Entries of the ledger are removed after {facts.log_days} days."
                        ),
                    ),
                ),
                Section(
                    "Security (30(1)(g))",
                    (
                        measures_table(),
                        about_table("Organisation", about, {"organisational measures": "processing.organisation"}),
                    ),
                ),
            ),
        )


def said_document(facts: KeepFacts, about: About) -> dict[str, str | None]:
    """All that the controller said or should have said, by field; of purposes those that are on or consented to."""
    used = [one.purpose for one in facts.purposes if one.on or one.people]
    names = [*FIELDS, *(f"purpose.{purpose}.{key}" for purpose in Purpose if purpose in used for key in PURPOSE_FIELDS)]
    return {name: about.get(name) for name in names}


def missing_document(paper: Paper) -> list[dict[str, str]]:
    """What a paper lacks, in values that JSON can hold."""
    return [{"what": one.what, "hint": one.hint} for one in paper.missing if isinstance(one, Missing)]
