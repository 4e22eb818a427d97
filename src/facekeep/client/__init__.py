"""The Python client of a served keep: the same questions and answers as :class:`facekeep.Keep`, over HTTP.

Example:
    >>> from facekeep.client import Client
    >>> with Client("http://127.0.0.1:8744", token) as client:  # doctest: +SKIP
    ...     client.verify(subject, Path("probe.jpg").read_bytes()).verified
    True
"""

from __future__ import annotations

from facekeep.client.administration import AccountSummary, TokenDetails
from facekeep.client.asynchronous import AsyncClient
from facekeep.client.calls import (
    AddedReferences,
    CaseDetails,
    EnrolledSubject,
    NewWebhook,
    NoticeSummary,
    SubjectPage,
    WebhookDetails,
)
from facekeep.client.captures import CaptureDetails, CaptureResult, NewCapture, read_result
from facekeep.client.reviews import CaptureShare, ReasonCounts, ReviewDetails, ReviewerCounts, ReviewFigures, ReviewVote
from facekeep.client.signing import Stated
from facekeep.client.synchronous import Client
from facekeep.client.webhooks import WebhookMessage, verify_webhook
from facekeep.domain.capture_order import CaptureOrder, Newcomer
from facekeep.domain.evidence import Circumstances, Evidence, EvidenceKind, Guardian
from facekeep.service.operator_keys import make_operator_key, read_operator_key

__all__ = [
    "AccountSummary",
    "AddedReferences",
    "AsyncClient",
    "CaptureDetails",
    "CaptureOrder",
    "CaptureResult",
    "CaptureShare",
    "CaseDetails",
    "Circumstances",
    "Client",
    "EnrolledSubject",
    "Evidence",
    "EvidenceKind",
    "Guardian",
    "NewCapture",
    "NewWebhook",
    "Newcomer",
    "NoticeSummary",
    "ReasonCounts",
    "ReviewDetails",
    "ReviewFigures",
    "ReviewVote",
    "ReviewerCounts",
    "Stated",
    "SubjectPage",
    "TokenDetails",
    "WebhookDetails",
    "WebhookMessage",
    "make_operator_key",
    "read_operator_key",
    "read_result",
    "verify_webhook",
]
