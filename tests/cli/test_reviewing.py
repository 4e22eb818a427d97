"""Commands about reviews, on a keep here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from facekeep.domain.accounts import Role
from facekeep.domain.review import Decision, ReasonCode, ReviewKind, ViewReason
from facekeep.interfaces.cli.reviewing import _Answer, _Kind
from facekeep.service.keep import Keep
from tests.cli.conftest import Ran, new_keep

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory, notice: Path, pictures: Path) -> Path:
    """A keep with two reviewers, who have keys, and an operator."""
    keep = new_keep(tmp_path_factory.mktemp("reviewed"), notice, pictures, "obama")
    with Keep.open(keep) as opened:
        opened.invite("desk", [Role.OPERATOR])
        for name in ("ann", "bob"):
            key = X25519PrivateKey.generate().public_key().public_bytes_raw()
            opened.add_reviewer_key(key, who=opened.invite(name, [Role.REVIEWER]).account)
    return keep


def test_the_words_are_those_of_reviews() -> None:
    assert [kind.value for kind in _Kind] == [kind.value for kind in ReviewKind]
    assert {answer.value for answer in _Answer} == set(Decision) - {Decision.UNUSABLE}
    assert all(Decision(answer.value).fits(ReviewKind(answer.kind.value)) for answer in _Answer)


def test_a_review_is_filed_seen_and_taken_back(run: Run, reviewed: Path, pictures: Path) -> None:
    at, probe = ("--keep", reviewed), pictures / "obama2.jpg"
    asked = ("review", "file", probe, "--kind", "comparison", "--reference", pictures / "obama3.jpg", *at)
    assert run(*asked).code == 2
    filed = run(*asked, "--account", "desk", "--subject", "obama", "--json").document["review"]
    (listed,) = run("review", "list", *at, "--json").document["reviews"]
    assert (listed["review"], listed["reasons"], listed["votes"]) == (filed, ["asked"], 0)
    nowhere = run("review", "list", *at, "--organisation", "other")
    assert (nowhere.code, "facekeep account list" in nowhere.error) == (1, True)
    with Keep.open(reviewed) as opened:
        opened.invite("zoe", [Role.REVIEWER], organisation="The Bank")
    assert run("review", "list", *at, "--organisation", "The Bank").out.strip() == "no review is open."
    assert "because" in run("review", "list", *at).out
    shown = run("review", "show", filed, *at, "--account", "desk", "--json").document
    assert (shown["pictures"], shown["votes_missing"], shown["votes"]) == (["probe", "reference"], 2, [])
    assert run("review", "show", filed, *at, "--account", "ann").code == 1
    assert "obama" not in run("review", "show", filed, *at, "--account", "desk").out
    assert run("review", "withdraw", filed, *at, "--account", "desk").code == 0
    assert run("review", "list", *at, "--json").document == {"reviews": []}
    many = run("review", "file", *[probe] * 4, "--kind", "presentation", "--account", "desk", *at)
    assert many.code == 2


def test_a_known_answer_is_in_the_statistics(run: Run, reviewed: Path, pictures: Path) -> None:
    at = ("--keep", reviewed, "--json")
    probe = pictures / "obama2.jpg"
    assert run("review", "known", probe, "--answer", "same-person", "--account", "desk", *at).code == 2
    asked = ("review", "known", probe, "--answer", "bona-fide", "--account", "desk", *at)
    assert run(*asked, "--reason", "appeal").code == 2
    known = run(*asked, "--reason", "refusal", "--reason", "doubt-band").document["review"]
    (listed,) = run("review", "list", *at).document["reviews"]
    assert listed["reasons"] == ["refusal", "doubt-band"]
    with Keep.open(reviewed) as opened:
        for name, code in (("ann", ReasonCode.LOOKS_LIVE), ("bob", ReasonCode.OTHER)):
            who = opened.account_named(name)
            opened.claim_review(known, who=who)
            key = opened.reviewer(who).reviewer.keys[0].id.hex()
            opened.show_review(known, ViewReason.CHECK_QUALITY, key=key, who=who)
            opened.vote(known, Decision.BONA_FIDE, code, who=who)
    told = run("review", "statistics", "--days", 7, *at).document
    assert {each["name"]: each["known_right"] for each in told["reviewers"]} == {"ann": 1, "bob": 1}
    assert told["decided"] == 1, "totals tell nobody which question is known"
    text = run("review", "statistics", "--keep", reviewed).out
    assert "1 of 1" in text
    assert run("review", "statistics", "--organisation", "other", *at).code == 1


def test_a_key_is_revoked(run: Run, reviewed: Path) -> None:
    at = ("--keep", reviewed, "--json")
    (key,) = run("review", "keys", "bob", *at).document["keys"]
    assert run("review", "revoke-key", "ann", key["key"], *at).code == 1
    assert run("review", "revoke-key", "bob", key["key"], *at).code == 0
    assert run("review", "keys", "bob", *at).document == {"keys": [], "on_duty": False}
    assert "bob has no key yet" in run("review", "keys", "bob", "--keep", reviewed).out
    assert "desk is no reviewer" in run("review", "keys", "desk", "--keep", reviewed).out
    again = run("review", "revoke-key", "bob", "zzz", "--keep", reviewed)
    assert (again.code, "facekeep review keys" in again.error) == (1, True)
    elsewhere = run("review", "keys", "bob", "--server", "https://x")
    assert (elsewhere.code, "while it is not served" in " ".join(elsewhere.error.split())) == (2, True)


def test_who_files_nothing_to_compare_with_is_told(run: Run, tmp_path: Path, notice: Path, pictures: Path) -> None:
    folder = new_keep(tmp_path, notice, pictures)
    with Keep.open(folder) as opened:
        opened.invite("desk", [Role.OPERATOR])
        for name in ("ann", "bob"):
            key = X25519PrivateKey.generate().public_key().public_bytes_raw()
            opened.add_reviewer_key(key, who=opened.invite(name, [Role.REVIEWER]).account)
    at = ("--keep", folder, "--account", "desk")
    filed = run("review", "file", pictures / "obama2.jpg", "--kind", "comparison", *at)
    review = filed.out.split()[3].rstrip(".")
    for told in (filed.out, run("review", "show", review, *at).out):
        assert f"/v1/reviews/{review}/reference" in told
    whole = run("review", "file", pictures / "obama2.jpg", "--kind", "presentation", *at)
    assert "reference" not in whole.out
