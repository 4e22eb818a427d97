"""What a keep does for people, with every role on a host of its own: consents, switches, lists, refresh, erasure."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.domain.retention import Basis, RetentionRule
from facekeep.errors import AuthenticationError, NotFoundError, PurposeOffError, RefusedError, UnsignedError, UsageError
from facekeep.service.word_requests import read_request
from tests.apart.conftest import PLAN, Apart
from tests.unit.service.backups import RECIPIENTS

pytestmark = pytest.mark.enable_socket

PURPOSES = [Purpose.VERIFY, Purpose.IDENTIFY]


def test_a_life_in_a_keep_whose_roles_are_apart(apart: Apart, pictures: Path) -> None:
    keep, at_desk = apart.keep, {"operator": "desk"}
    obama, probe = ((pictures / name).read_bytes() for name in ("obama.jpg", "obama2.jpg"))
    size = keep.size()
    keep.enrol("barack", [obama], purposes=PURPOSES, notice="We keep.", name="Barack Ø", **at_desk)
    keep.open_case("door", **at_desk)
    assert keep.plant_canaries(1) == 1
    assert keep.ask_canaries().fault is None

    def found() -> list[str]:
        return [candidate.label for candidate in keep.identify(probe, case="door", **at_desk).candidates]

    assert found() == ["barack"]
    keep.withdraw_consent("barack", Purpose.IDENTIFY)
    assert found() == []
    keep.give_consent("barack", Purpose.IDENTIFY, "We keep.")
    assert found() == ["barack"]
    keep.switch(Purpose.IDENTIFY, on=False)
    with pytest.raises(PurposeOffError):
        found()
    keep.switch(Purpose.IDENTIFY, on=True)
    epoch = keep.status().epoch
    assert keep.refresh().epoch == epoch + 1
    assert found() == ["barack"]
    keep.never_return("barack", probe, **at_desk)
    assert found() == []
    assert keep.verify("barack", probe, **at_desk).verified  # one's own door still opens
    with pytest.raises(UnsignedError) as unsigned:
        keep.unlock("barack", ["anna", "berta"])
    keys = PLAN.provider(apart.folder / "registrar", keep._file.keep_id)
    registrar = Ed25519PrivateKey.from_private_bytes(keys.get("registrar.sign"))
    signed = read_request(unsigned.value.payload).signed(registrar, now=datetime.now(UTC), serial=1)
    keep.apply_word(signed)
    with pytest.raises(RefusedError, match="used before"):
        keep.apply_word(signed)

    issued = keep.issue_token("till", [Scope.VERIFY], days=1)
    assert keep.authenticate(issued.token).name == "till"
    keep.revoke_token("till")
    with pytest.raises(AuthenticationError):
        keep.authenticate(issued.token)

    assert keep.subject("barack").name == "Barack Ø"
    facts, now = keep.facts(), datetime.now(UTC)
    assert (facts.apart, facts.people, facts.canaries) == (True, 1, 1)
    assert sum(keep.told().values()) == facts.ledger - 3  # the canary's are left out
    assert [one.label for one in keep.presence(now, now).people] == ["barack"]
    keep.erase("barack")
    with pytest.raises(NotFoundError):
        keep.subject("barack")
    assert keep.size() == size + 1  # the canary
    keep.check()
    with pytest.raises(UsageError, match="other hosts"):
        keep.rotate()
    with pytest.raises(UsageError, match="other hosts"):
        keep.backup(apart.folder / "backups", RECIPIENTS)
    with keep._roles.registry.read() as view:
        assert view.last_erasure() is not None


def test_retention_lets_go_of_rows_and_records_on_other_hosts(
    apart: Apart, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, size = apart.keep, apart.keep.size()
    picture = (pictures / "obama.jpg").read_bytes()
    keep.enrol("gone soon", [picture], purposes=[Purpose.MISSING_PERSON], notice="We keep.", operator="desk")
    rules = [RetentionRule("own rule", Basis.CONSENT_GIVEN, Purpose.MISSING_PERSON, 10)]
    assert keep.set_retention([*rules, RetentionRule("own rule", Basis.LAST_CONTACT, Purpose.MISSING_PERSON, 20)])
    ((going, due),) = ((going.label, going.endings[0].due) for going in keep.retention_plan(10))
    assert going == "gone soon"
    monkeypatch.setattr(keep, "_clock", lambda: due)
    assert keep.keep_retention().people == 1
    assert list(keep.retention_plan(0)) == []
    assert keep.size() == size
    keep.check()
    assert len(keep.remove_retention("own rule")) == 2
