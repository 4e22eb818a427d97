"""Who may do what, decided by Cedar over the policies of the package and those that an operator adds.

Deny by default: what no policy permits is denied, a policy that cannot be evaluated denies, and so does a question that
the schema does not know. An operator's policies can only forbid. Cedar lets a forbid go before every permit, so that
the forbids of the package cannot be loosened by anything that is added.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Self

from cedarpy import Decision, PolicySet, Schema, is_authorized, policies_to_json_str, validate_policies

from facekeep.domain.access import Client
from facekeep.domain.accounts import Principal
from facekeep.domain.actions import ABOUT_A_SUBJECT, Action
from facekeep.domain.capture import Assurance
from facekeep.domain.consent import Purpose
from facekeep.errors import UsageError

__all__ = ["Policies", "Ruling"]

_KEEP = {"type": "Keep", "id": "keep"}
_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided.

    Attributes:
        allowed: whether it may be done.
        reason: the ``@id`` of the policy that forbids it, ``forbidden`` if it has none, ``not-permitted`` where none
            permits it, ``policy-error`` where one cannot be evaluated; "" if it is allowed.
    """

    allowed: bool
    reason: str = ""


class Policies:
    """Policies that are checked against the schema, and decide."""

    def __init__(self, text: str) -> None:
        """Use :meth:`shipped` or :meth:`tightened`."""
        self._text = text
        self._set = PolicySet.from_str(text)

    @classmethod
    def shipped(cls) -> Self:
        """The policies of the package."""
        return cls("\n".join(_shipped(name) for name in ("permits.cedar", "forbids.cedar")))

    @classmethod
    def tightened(cls, directory: Path) -> Self:
        """The policies of the package, and every file ``*.cedar`` of a folder, which may only forbid.

        Raises:
            UsageError: the folder has no such file, or one of them permits something, does not parse, or does not fit
                the schema.
        """
        try:
            files = sorted(directory.glob("*.cedar"))
            if not files:
                raise UsageError(
                    "there are no policies in the folder", hint="Give --policies a folder with files named *.cedar."
                )
            texts = []
            for file in files:
                if file.stat().st_size > _BYTES_MAX:
                    raise _unfit("is larger than a mebibyte")
                texts.append(_forbids(file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError):
            raise UsageError("the policies cannot be read", hint="They are files of UTF-8 text.") from None
        return cls("\n".join([cls.shipped()._text, *texts]))

    def decide(
        self,
        principal: Principal,
        action: Action,
        subject: str,
        now: datetime,
        *,
        purpose: Purpose | None = None,
        assurance: Assurance | None = None,
    ) -> Ruling:
        """Whether somebody may do something.

        Args:
            principal: who asks.
            action: for what.
            subject: the identifier of the data subject that it is about, "" where it is about nobody in particular.
            now: the time.
            purpose: of a verification or a capture, where it is known already.
            assurance: that it will give, likewise.
        """
        about_somebody = action in ABOUT_A_SUBJECT
        who, entities = _entities(principal)
        request = {
            "principal": who,
            "action": {"type": "Action", "id": action.value},
            "resource": {"type": "Subject", "id": subject} if about_somebody else _KEEP,
            "context": {
                "hour": now.hour,
                "weekday": now.isoweekday(),
                **({} if purpose is None else {"purpose": purpose.value}),
                **({} if assurance is None else {"assurance": assurance.value}),
            },
        }
        result = is_authorized(request, self._set, json.dumps(entities), _schema())
        found = result.diagnostics
        # Cedar passes over a policy that it cannot evaluate: were it a forbid, that would allow too much.
        if found.errors or result.decision is Decision.NoDecision:
            return Ruling(allowed=False, reason="policy-error")
        if result.decision is Decision.Allow:
            return Ruling(allowed=True)
        if not found.reasons:
            return Ruling(allowed=False, reason="not-permitted")
        names = sorted(found.id_annotations_by_reason.get(reason, "") for reason in found.reasons)
        return Ruling(allowed=False, reason=next(filter(None, names), "forbidden"))


def _entities(principal: Principal) -> tuple[dict[str, str], list[dict[str, Any]]]:
    attributes: dict[str, Any] = {"name": principal.name, "organisation": principal.organisation}
    if isinstance(principal, Client):
        who = {"type": "Client", "id": principal.id.hex()}
        attributes["scopes"] = sorted(principal.scopes)
        return who, [{"uid": who, "attrs": attributes, "parents": []}]
    who = {"type": "Person", "id": principal.id.hex()}
    if principal.subject is not None:
        attributes["subject"] = {"__entity": {"type": "Subject", "id": principal.subject.hex()}}
    parents = [{"type": "Role", "id": role.value} for role in sorted(principal.roles)]
    return who, [{"uid": who, "attrs": attributes, "parents": parents}]


def _forbids(text: str) -> str:
    try:
        parsed = json.loads(policies_to_json_str(text))
    except ValueError:
        raise _unfit("does not parse") from None
    if parsed["templates"] or parsed["templateLinks"]:
        raise _unfit("holds a template")
    if any(policy["effect"] != "forbid" for policy in parsed["staticPolicies"].values()):
        raise _unfit("permits something")
    if not parsed["staticPolicies"]:
        raise _unfit("holds no policy")
    if not validate_policies(text, _schema()).validation_passed:
        raise _unfit("does not fit the schema")
    return text


def _unfit(why: str) -> UsageError:
    return UsageError(
        f"a file of the folder of policies {why}",
        hint="Policies that are added may only forbid, in the words of the schema: docs/how-to/policies.md.",
    )


def _shipped(name: str) -> str:
    return (resources.files("facekeep") / "policies" / name).read_text(encoding="utf-8")


@cache
def _schema() -> Schema:
    return Schema.from_str(_shipped("facekeep.cedarschema"))
