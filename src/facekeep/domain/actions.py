"""What can be asked of a served keep, one name for each operation. Policies decide who may: facekeep/policies.

A search that its operator signs takes two operations more, which are the same action: a policy forbids all or none.

Invariant: the names are those of the Cedar schema, which a test holds against these.
"""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What an operation does, as policies name it."""

    VERIFY = "verify"
    COMPARE = "compare"
    IDENTIFY = "identify"
    CREATE_CAPTURE = "create-capture"
    READ_CAPTURE = "read-capture"
    CANCEL_CAPTURE = "cancel-capture"
    ENROL = "enrol"
    LIST_SUBJECTS = "list-subjects"
    FIND_SUBJECT = "find-subject"
    READ_SUBJECT = "read-subject"
    ERASE_SUBJECT = "erase-subject"
    GIVE_CONSENT = "give-consent"
    WITHDRAW_CONSENT = "withdraw-consent"
    LIST_REFERENCES = "list-references"
    ADD_REFERENCES = "add-references"
    REMOVE_REFERENCE = "remove-reference"
    LIST_CONSENTS = "list-consents"
    LIST_GALLERIES = "list-galleries"
    LIST_NOTICES = "list-notices"
    READ_NOTICE = "read-notice"
    ADD_NOTICE = "add-notice"
    LIST_CASES = "list-cases"
    READ_CASE = "read-case"
    OPEN_CASE = "open-case"
    CLOSE_CASE = "close-case"
    LIST_WEBHOOKS = "list-webhooks"
    READ_WEBHOOK = "read-webhook"
    ADD_WEBHOOK = "add-webhook"
    REMOVE_WEBHOOK = "remove-webhook"
    READ_METRICS = "read-metrics"
    READ_LEDGER_HEAD = "read-ledger-head"
    PROVE_LEDGER_INCLUSION = "prove-ledger-inclusion"
    PROVE_LEDGER_CONSISTENCY = "prove-ledger-consistency"
    COSIGN_LEDGER = "cosign-ledger"
    EXPORT_LEDGER = "export-ledger"
    READ_SUBJECT_LEDGER = "read-subject-ledger"
    READ_SUBJECT_ACCESSES = "read-subject-accesses"
    EXPORT_SUBJECT = "export-subject"
    JOIN_NEVER_RETURN = "join-never-return"
    FILE_APPEAL = "file-appeal"
    LIST_SUBJECT_APPEALS = "list-subject-appeals"
    LIST_APPEALS = "list-appeals"
    ANSWER_APPEAL = "answer-appeal"
    LIST_REVIEWS = "list-reviews"
    READ_REVIEW = "read-review"
    CLAIM_REVIEW = "claim-review"
    RELEASE_REVIEW = "release-review"
    RECUSE_REVIEW = "recuse-review"
    VIEW_REVIEW = "view-review"
    VOTE_REVIEW = "vote-review"
    REPORT_CONCERN = "report-concern"
    LIST_CONCERNS = "list-concerns"
    ANSWER_CONCERN = "answer-concern"
    CREATE_REVIEW = "create-review"
    ADD_REVIEW_REFERENCE = "add-review-reference"
    WITHDRAW_REVIEW = "withdraw-review"
    CREATE_KNOWN_REVIEW = "create-known-review"
    READ_REVIEWER = "read-reviewer"
    ADD_REVIEWER_KEY = "add-reviewer-key"
    REMOVE_REVIEWER_KEY = "remove-reviewer-key"
    SET_REVIEWER_DUTY = "set-reviewer-duty"
    READ_REVIEW_STATISTICS = "read-review-statistics"
    LIST_SUBJECT_REVIEWS = "list-subject-reviews"
    VIEW_SUBJECT_REVIEW = "view-subject-review"
    STATE_SUBJECT_REVIEW = "state-subject-review"
    APPEAL_SUBJECT_REVIEW = "appeal-subject-review"
    READ_RETENTION = "read-retention"
    PLAN_RETENTION = "plan-retention"
    SET_RETENTION = "set-retention"
    REMOVE_RETENTION = "remove-retention"
    LIST_TOKENS = "list-tokens"
    CREATE_TOKEN = "create-token"  # noqa: S105 - the name of an action
    REVOKE_TOKEN = "revoke-token"  # noqa: S105 - the name of an action
    LIST_ACCOUNTS = "list-accounts"
    CREATE_ACCOUNT = "create-account"
    INVITE_ACCOUNT = "invite-account"
    CHANGE_ACCOUNT = "change-account"
    REVOKE_ACCOUNT = "revoke-account"
    SIGN_OUT_ACCOUNT = "sign-out-account"
    READ_SESSION = "read-session"
    END_SESSION = "end-session"


ABOUT_A_SUBJECT = frozenset(
    {
        Action.READ_SUBJECT,
        Action.READ_SUBJECT_LEDGER,
        Action.READ_SUBJECT_ACCESSES,
        Action.EXPORT_SUBJECT,
        Action.JOIN_NEVER_RETURN,
        Action.FILE_APPEAL,
        Action.LIST_SUBJECT_APPEALS,
        Action.LIST_SUBJECT_REVIEWS,
        Action.VIEW_SUBJECT_REVIEW,
        Action.STATE_SUBJECT_REVIEW,
        Action.APPEAL_SUBJECT_REVIEW,
        Action.ERASE_SUBJECT,
        Action.LIST_REFERENCES,
        Action.ADD_REFERENCES,
        Action.REMOVE_REFERENCE,
        Action.LIST_CONSENTS,
        Action.GIVE_CONSENT,
        Action.WITHDRAW_CONSENT,
    }
)
"""What is asked about one data subject, named in the path; all else is asked about the keep."""
