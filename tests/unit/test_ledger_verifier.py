"""Bundles of a ledger before the verifier: right ones, each bit of them flipped, and every way to rewrite a log."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tools.vectors import ledger as generator

from facekeep import ledger_verifier
from facekeep.domain.ledger import EntryKind, LedgerEntry, Opening, SignedHead
from facekeep.domain.merkle import grown
from facekeep.ledger_verifier import Head, Report, VerifierKey, read_head, verify
from facekeep.service.ledger_signing import LedgerSigner, cosigned, opened_bundle, whole_bundle

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = LedgerSigner("facekeep/00112233/registry", PRIVATE)
KEY = VerifierKey.read(SIGNER.key)
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def opening(number: int, kind: EntryKind = EntryKind.SWITCHED) -> Opening:
    entry = LedgerEntry(kind, NOW + timedelta(seconds=number), {"case": f"{number:032x}", "returned": str(number % 3)})
    return Opening(number.to_bytes(32), entry)


class Log:
    """A log whose keeper does as a test wants."""

    def __init__(self, openings: Sequence[Opening]) -> None:
        self.openings = list(openings)
        self.nodes = [node for _, node in self.grown()]

    def grown(self) -> list[tuple[int, bytes]]:
        return list(grown(0, (one.commitment for one in self.openings), [].__getitem__))

    def head(self, size: int | None = None) -> SignedHead:
        return SIGNER.head(len(self.openings) if size is None else size, self.nodes.__getitem__, NOW)

    def whole(self, heads: Sequence[SignedHead], shown: Sequence[int] = ()) -> bytes:
        openings = [(leaf, self.openings[leaf]) for leaf in shown]
        return b"".join(whole_bundle(SIGNER, heads, self.nodes.__getitem__, openings))

    def some(self, shown: Sequence[int], seen: Sequence[int] = (), witnessed: SignedHead | None = None) -> bytes:
        openings = [(leaf, self.openings[leaf]) for leaf in shown]
        lines = opened_bundle(SIGNER, self.head(), self.nodes.__getitem__, openings, seen, witnessed=witnessed)
        return b"".join(lines)


@pytest.fixture(scope="module")
def log() -> Log:
    return Log([opening(number) for number in range(200)])


def read(head: SignedHead) -> Head:
    return read_head(head.note)


def kinds(report: Report) -> list[str]:
    return [fault.kind for fault in report.faults]


def places(report: Report) -> list[tuple[int | None, int | None]]:
    return [(fault.first, fault.end) for fault in report.faults]


def resigned(data: bytes, *, lines: Sequence[bytes] | None = None) -> bytes:
    """A bundle whose keeper signs whatever it holds now."""
    kept = [line for line in (data.split(b"\n") if lines is None else lines) if line and b'"signature"' not in line]
    return b"".join(SIGNER.sign_bundle([json.loads(line) for line in kept]))


def test_a_whole_bundle_is_right(log: Log) -> None:
    report = verify(log.whole([log.head(64), log.head(130), log.head()], shown=[0, 7, 199]), KEY)
    assert report.faults == []
    assert (report.origin, report.size, report.heads) == (SIGNER.origin, 200, 3)
    assert report.opened[7] == {
        "kind": "switched",
        "time": "2026-11-26T12:00:07.000Z",
        "case": f"{7:032x}",
        "returned": "1",
    }


def test_an_empty_log_is_right() -> None:
    empty = Log([])
    assert verify(empty.whole([empty.head()]), KEY).faults == []


@given(st.integers(1, 200), st.data())
def test_some_entries_are_right_by_their_proofs(size: int, data: st.DataObject) -> None:
    log = Log([opening(number) for number in range(size)])
    shown = data.draw(st.lists(st.integers(0, size - 1), unique=True, max_size=5))
    old = data.draw(st.integers(1, size))
    report = verify(log.some(shown, seen=[old]), KEY, seen=[read(log.head(old)), read(log.head(0)), read(log.head())])
    assert report.faults == []
    assert sorted(report.opened) == sorted(shown)


@pytest.mark.parametrize("which", ["whole", "some"])
def test_every_bit_of_a_bundle_counts(which: str) -> None:
    log = Log([opening(number) for number in range(5)])
    data = log.whole([log.head(3), log.head()], shown=[1]) if which == "whole" else log.some([1, 4], seen=[3])
    assert verify(data, KEY).faults == []
    for place in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        assert verify(bytes(flipped), KEY).faults, place


@pytest.mark.parametrize("which", ["whole", "some"])
def test_every_cut_and_every_lost_line_counts(which: str) -> None:
    log = Log([opening(number) for number in range(70)])
    data = log.whole([log.head(3), log.head()], shown=[1]) if which == "whole" else log.some([1, 4], seen=[3])
    assert all(verify(data[:end], KEY).faults for end in range(len(data)))
    lines = data.splitlines(keepends=True)
    for place in range(len(lines)):
        assert verify(b"".join(lines[:place] + lines[place + 1 :]), KEY).faults
        assert verify(b"".join([*lines[: place + 1], *lines[place:]]), KEY).faults
    assert verify(data + b"\n", KEY).faults


@given(st.binary(max_size=200))
def test_nothing_that_is_no_bundle_raises(data: bytes) -> None:
    assert kinds(verify(data, KEY))[0] == "malformed"


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize(
    "line", [{"note": 5}, {"note": ["a"]}, {"old": 1e400, "proof": []}, {"leaves": [], "log": 5}, {"leaves": 5}]
)
def test_a_line_of_another_type_is_told_and_does_not_raise(log: Log, line: dict[str, Any], sealed: bool) -> None:
    for data in (log.some([1]), log.whole([log.head()], shown=[1])):
        first, *rest = (json.loads(each) for each in data.splitlines()[:-1])
        forged = b"".join(SIGNER.sign_bundle([first, line, *rest])) if sealed else data
        if not sealed:
            written = json.dumps(line, separators=(",", ":")).encode()
            forged = data.replace(b"\n", b"\n" + written + b"\n", 1)
        assert kinds(verify(forged, KEY))[0] == "malformed"


@pytest.mark.parametrize("entry", [[], ["logs"], {"kind": "logs", "left": 5}, {"kind": ["logs"]}, "logs", 5, None])
def test_an_entry_that_is_none_is_not_opened_even_if_it_is_the_leaf(entry: object) -> None:
    salt, written = bytes(32), json.dumps(entry, separators=(",", ":")).encode()
    commitment = hashlib.sha256(b"facekeep-ledger-1\n" + salt + written).digest()
    nodes = [node for _, node in grown(0, [commitment], [].__getitem__)]
    bundle = b"".join(whole_bundle(SIGNER, [SIGNER.head(1, nodes.__getitem__, NOW)], nodes.__getitem__, []))
    line = json.dumps({"entry": entry, "leaf": 0, "salt": salt.hex()}, separators=(",", ":")).encode()
    report = verify(resigned(b"", lines=[*bundle.splitlines(), line]), KEY)
    assert (kinds(report), report.opened) == (["unopened"], {})


# The keeper signs the bundle anew, but has not the heads that it signed before.


@pytest.mark.parametrize("leaf", [0, 63, 64, 100, 129])
def test_an_altered_leaf_is_located(log: Log, leaf: int) -> None:
    honest = log.whole([log.head(64), log.head(130), log.head()])
    lines = honest.split(b"\n")
    at = 1 + leaf // 64
    block = json.loads(lines[at])
    block["leaves"][leaf % 64] = "00" * 32
    lines[at] = json.dumps(block, sort_keys=True, separators=(",", ":")).encode()
    report = verify(resigned(b"", lines=lines), KEY)
    assert kinds(report) == ["altered"]
    # To its line of 64, between two heads; by the heads alone where the line has none of its own.
    assert places(report) == [(leaf // 64 * 64, min(leaf // 64 * 64 + 64, 130))] if leaf < 128 else [(128, 130)]


def rewritten(log: Log, openings: Sequence[Opening]) -> Log:
    assert list(openings) != log.openings
    return Log(openings)


REWRITES = {
    "altered": lambda log: [*log.openings[:70], opening(999), *log.openings[71:]],
    "dropped": lambda log: [*log.openings[:70], *log.openings[71:]],
    "reordered": lambda log: [*log.openings[:70], log.openings[71], log.openings[70], *log.openings[72:]],
    "added": lambda log: [*log.openings[:70], opening(999), *log.openings[70:]],
}


@pytest.mark.parametrize("how", REWRITES)
def test_a_rewritten_log_is_none_of_the_heads_that_were_signed(log: Log, how: str) -> None:
    other = rewritten(log, REWRITES[how](log))
    # The keeper rewrites leaves and nodes, and leaves old heads in place.
    report = verify(other.whole([log.head(64), log.head(130), other.head()]), KEY)
    assert (kinds(report), places(report)) == (["altered"], [(64, 130)])
    # Or signs all of it anew: a fork, which shows before a head that somebody kept.
    forged = other.whole([other.head(64), other.head(130), other.head()])
    assert verify(forged, KEY).faults == []
    report = verify(forged, KEY, seen=[read(log.head(130)), read(log.head(64))])
    assert (kinds(report), places(report)) == (["forked"], [(64, 130)])
    report = verify(other.some([3], seen=[130, 64]), KEY, seen=[read(log.head(130)), read(log.head(64))])
    assert (kinds(report), places(report)) == (["forked"], [(64, 130)])


def test_a_log_that_was_cut_lacks_what_was_signed(log: Log) -> None:
    short = Log(log.openings[:150])
    for data in (short.whole([short.head()]), short.some([3])):
        report = verify(data, KEY, seen=[read(log.head(160))])
        assert (kinds(report), places(report)) == (["dropped"], [(150, 160)])
    lines = log.whole([log.head()]).split(b"\n")
    report = verify(resigned(b"", lines=[*lines[:3], *lines[5:]]), KEY)  # the last 72 leaves
    assert (kinds(report), places(report)) == (["dropped"], [(128, 200)])


def test_leaves_without_a_head_are_told(log: Log) -> None:
    lines = log.whole([log.head(130), log.head()]).split(b"\n")
    report = verify(resigned(b"", lines=[line for line in lines if b"200\\n" not in line]), KEY)
    assert (kinds(report), places(report)) == (["unsigned"], [(130, 200)])


def test_what_a_bundle_does_not_show_is_not_taken_for_shown(log: Log) -> None:
    report = verify(log.some([3]), KEY, seen=[read(log.head(130))])
    assert kinds(report) == ["unproven"]


def test_an_entry_that_is_opened_is_the_one_that_was_written(log: Log) -> None:
    for data in (log.whole([log.head()], shown=[3, 5]), log.some([3, 5])):
        lines = data.split(b"\n")
        (at,) = [place for place, line in enumerate(lines) if b'"leaf":5' in line]
        told = json.loads(lines[at])
        told["entry"]["returned"] = "0"
        lines[at] = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
        report = verify(resigned(b"", lines=lines), KEY)
        assert (kinds(report), places(report), list(report.opened)) == (["unopened"], [(5, 6)], [3])
        told = json.loads(data.split(b"\n")[at])
        lines[at] = json.dumps(told | {"leaf": 6}, sort_keys=True, separators=(",", ":")).encode()
        assert kinds(verify(resigned(b"", lines=lines), KEY)) == ["unopened"]


def test_heads_of_another_key_or_another_log_count_nothing(log: Log) -> None:
    stranger = LedgerSigner(SIGNER.origin, Ed25519PrivateKey.generate())
    forged = stranger.head(200, log.nodes.__getitem__, NOW)
    assert kinds(verify(log.whole([forged]), KEY)) == ["unsigned"]
    elsewhere = LedgerSigner("facekeep/ff/registry", PRIVATE).head(200, log.nodes.__getitem__, NOW)
    assert kinds(verify(log.whole([elsewhere]), KEY)) == ["unsigned"]
    assert kinds(verify(log.whole([log.head()]), KEY, seen=[read(forged)])) == ["unsigned"]
    assert kinds(verify(log.whole([log.head()]), VerifierKey.read(stranger.key))) == ["malformed", "altered"]


def test_witnesses_are_asked_for_by_their_keys(log: Log) -> None:
    head = cosigned(log.head(), "auditor", WITNESS, NOW)
    public = WITNESS.public_key().public_bytes_raw()
    key = VerifierKey("auditor", 4, public)
    assert VerifierKey.read(str(key)) == key
    report = verify(log.whole([head]), KEY, witnesses=[key])
    assert (report.faults, report.witnessed) == ([], {"auditor": 200})
    report = verify(log.whole([log.head()]), KEY, witnesses=[key])
    assert kinds(report) == ["not-witnessed"]
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    report = verify(log.whole([head]), KEY, witnesses=[replace(key, key=other)])
    assert kinds(report) == ["not-witnessed"]
    # The log's own signature is none of a witness, nor the other way round.
    assert not read(head).is_signed_by(replace(key, kind=1))


def test_a_head_that_was_co_signed_before_goes_with_the_newest(log: Log) -> None:
    key = VerifierKey("auditor", 4, WITNESS.public_key().public_bytes_raw())
    older = cosigned(log.head(130), "auditor", WITNESS, NOW)
    for data in (log.some([7], seen=[64, 130], witnessed=older), log.whole([log.head(64), older, log.head()])):
        report = verify(data, KEY, witnesses=[key], seen=[read(log.head(64))])
        assert (report.faults, report.witnessed) == ([], {"auditor": 130})
        assert "130 leaves co-signed by auditor" in report.lines[0]
    data = log.some([7], witnessed=older)
    # Of another log, with a proof that is none, without one, or in another order: the older head is held against it.
    branch = Log([*log.openings[:100], *(opening(1000 + number) for number in range(100))])
    report = verify(branch.some([7], witnessed=older), KEY, witnesses=[key])
    assert (kinds(report), places(report)) == (["altered"], [(0, 130)])
    lines = data.split(b"\n")
    proof = next(line for line in lines if line.startswith(b'{"old"'))
    assert kinds(verify(resigned(b"", lines=[line for line in lines if line != proof]), KEY)) == ["altered"]
    notes = [place for place, line in enumerate(lines) if line.startswith(b'{"note"')]
    lines[notes[0]], lines[notes[1]] = lines[notes[1]], lines[notes[0]]
    assert "malformed" in kinds(verify(resigned(b"", lines=lines), KEY))


@pytest.mark.parametrize("text", ["", "a+b", "name+00000000+AQ==", SIGNER.key.replace("registry", "left")])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        VerifierKey.read(text)


@settings(max_examples=30)
@given(
    st.sampled_from(EntryKind),
    st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - gets its zone below
    st.dictionaries(
        st.text("abcdefg_", min_size=1, max_size=8).filter(lambda name: name not in ("kind", "time")),
        st.text(max_size=20),
        max_size=5,
    ),
)
def test_an_entry_is_read_as_it_was_written(kind: EntryKind, time: datetime, facts: dict[str, str]) -> None:
    try:
        entry = LedgerEntry(kind, time.replace(tzinfo=UTC), facts)
        written = entry.written
    except UnicodeEncodeError:
        return  # half of a surrogate pair
    assert LedgerEntry.read(written) == entry
    with pytest.raises(ValueError, match="way in which"):
        LedgerEntry.read(written.replace(b'"kind":', b'"kind": '))


V = json.loads((Path(__file__).parents[1] / "vectors" / "ledger-v1.json").read_text(encoding="utf-8"))


def test_the_implementation_still_gives_the_committed_vectors() -> None:
    assert generator.vectors() == V


@pytest.mark.parametrize("case", V["bundles"], ids=lambda case: case["what"])
def test_committed_bundles_are_found_as_they_are(case: dict[str, Any]) -> None:
    witness = VerifierKey.read(V["witness"])
    seen = [read_head(note) for note in case["seen"]]
    report = verify(case["bundle"].encode(), VerifierKey.read(V["key"]), seen=seen)
    assert kinds(report) == case["findings"]
    assert read_head(V["heads"]["witnessed"]).is_signed_by(witness)
    assert not read_head(V["heads"]["new"]).is_signed_by(witness)


def test_it_runs_by_itself_and_says_what_is_wrong(log: Log, tmp_path: Path) -> None:
    # A copy elsewhere, without the package: nothing of it may be imported.
    program = tmp_path / "ledger_verifier.py"
    program.write_bytes(Path(ledger_verifier.__file__).read_bytes())
    bundle, seen = tmp_path / "bundle", tmp_path / "head"

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _WITHOUT_PACKAGE, program, bundle, "--key", SIGNER.key, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    bundle.write_bytes(log.whole([log.head()], shown=[3]))
    seen.write_text(log.head(130).note)
    assert run("--seen", str(seen)) == (0, f"Right: {SIGNER.origin}, 200 leaves, 1 heads, 1 entries opened.\n")
    other = Log(REWRITES["dropped"](log))
    bundle.write_bytes(other.whole([other.head()]))
    code, said = run("--seen", str(seen))
    assert (code, said) == (
        1,
        "forked, leaves 0 to 129: a head was seen of which this log is no continuation\n",
    )
    code, said = run("--seen", str(tmp_path / "absent"))
    assert code == 2
    assert "Could not be checked" in said


_WITHOUT_PACKAGE = f"""
import sys, runpy
sys.path += {[path for path in sys.path if path.endswith("site-packages")]!r}
sys.modules["facekeep"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
