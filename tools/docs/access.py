"""Write docs/reference/access.md from the policies: python -m tools.docs.access."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from facekeep.domain.access import Client, ClientId, Scope
from facekeep.domain.accounts import Account, AccountId, Principal, Role
from facekeep.domain.actions import ABOUT_A_SUBJECT, Action
from facekeep.domain.subject import SubjectId
from facekeep.interfaces.http.security import action_of
from facekeep.service.policies import Policies
from tools.docs.service import operation, routes

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "access.md"
POLICIES = Path(__file__).parents[2] / "src" / "facekeep" / "policies"

_NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
_OWN, _ANOTHER = SubjectId(bytes(16)), SubjectId(bytes([1] * 16))
YES, OWN, NO = "yes", "own", "–"

_HEAD = """\
# Who may do what

This page is made from the policies by `python -m tools.docs.access`; do not edit it. A test calls every operation as
every role and with every scope, and compares each cell.

Whoever is not allowed is refused with 403; without credentials, with 401. An account can have several roles, and may
then do what one of them permits and none forbids: an auditor who is an operator too still compares nothing. A data
subject has no other role, and *own* means what is held of that person.

## People

"""

_SCOPES = """\

## Machine clients

A client has one scope or several. Only the command line makes a token with the scope `administer`.

"""

_POLICIES = """\

## The policies

They are Cedar text. An operator can [add policies](../how-to/policies.md) that forbid more; a `permit` among them is
refused when the service starts. What is not permitted is denied, and so is what cannot be evaluated.

"""


def matrix() -> dict[str, dict[str, str]]:
    """For every operation that needs somebody, for every role and scope: yes, own or –."""
    policies = Policies.shipped()
    found: dict[str, dict[str, str]] = {}
    for route in routes():
        action = action_of(route)
        if action is not None:
            found[operation(route)] = {name: _cell(policies, who, action) for name, who in _everybody()}
    return found


def _everybody() -> Iterator[tuple[str, Principal]]:
    for role in Role:
        subject = _OWN if role is Role.DATA_SUBJECT else None
        yield role.value, Account(AccountId(bytes(16)), "somebody", frozenset({role}), subject, _NOW)
    for scope in Scope:
        yield (
            f"scope {scope}",
            Client(ClientId(bytes(16)), "something", frozenset({scope}), _NOW, _NOW + timedelta(days=1)),
        )


def _cell(policies: Policies, who: Principal, action: Action) -> str:
    own = policies.decide(who, action, _OWN.hex(), _NOW).allowed
    another = policies.decide(who, action, _ANOTHER.hex(), _NOW).allowed
    if action not in ABOUT_A_SUBJECT or another:
        return YES if own else NO
    return OWN if own else NO


def page() -> str:
    """The page as it should be."""
    cells = matrix()
    lines = [_HEAD + "| operation | " + " | ".join(Role) + " |", "|---|" + "---|" * len(Role)]
    lines += [f"| `{name}` | {' | '.join(row[role] for role in Role)} |" for name, row in cells.items()]
    lines += [_SCOPES + "| scope | operations |", "|---|---|"]
    for scope in Scope:
        allowed = [f"`{name}`" for name, row in cells.items() if row[f"scope {scope}"] == YES]
        lines.append(f"| `{scope}` | {', '.join(allowed) or '–'} |")
    lines.append(_POLICIES + "```")
    texts = [(POLICIES / name).read_text(encoding="utf-8").rstrip() for name in ("forbids.cedar", "permits.cedar")]
    return "\n".join([*lines, *"\n\n".join(texts).splitlines(), "```", ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE.name)
