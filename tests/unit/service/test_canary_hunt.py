"""The hunt for an erased person: through every byte of every file, and through all that any key still opens.

Everything that a keep may hold of somebody is made to be there first, and is found there: a hunt that finds nothing
proves nothing unless it would have.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pyrage
import pytest

from facekeep.domain.accounts import Role
from facekeep.domain.appeals import AppealKind
from facekeep.domain.backups import FILES
from facekeep.domain.consent import Purpose
from facekeep.domain.requests import KeptAnswer
from facekeep.domain.review import Decision
from facekeep.domain.review_words import (
    Concern,
)
from facekeep.domain.row import Pseudonym
from facekeep.domain.subject import SubjectId
from facekeep.domain.webhooks import EventKind
from facekeep.errors import DamagedStoreError, KeyMissingError
from facekeep.face.model_spec import ModelRole
from facekeep.face.models import ModelPack
from facekeep.service import keep_life
from facekeep.service.drill_bytes import Needles, _windows, _written
from facekeep.service.drill_review_thieves import SeenReviews, open_reviews
from facekeep.service.drill_reviews import TakenEvidence, canary_picture
from facekeep.service.keep import Keep, Person
from facekeep.service.opening import evidence_path, half_path, log_path, registry_path
from facekeep.split.codes import coarse_code, fine_code
from facekeep.split.masks import MaskRow, RightShare, fine_mask
from facekeep.split.rules import Rules
from facekeep.store import tables
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.keys import KeyProvider, MemoryKeyProvider
from facekeep.store.registry import Registry
from facekeep.store.vault import Vault
from facekeep.store.view import View
from tests.crash.faces import InventedFaces

from .backups import RECIPIENTS, STORES, private
from .conftest import BOTH, NOTICE, MovedClock
from .reviewing import Person as Reviewer
from .reviewing import a_person, decide, filed

LABEL, NAME, MOTTO = "canary-7f3a91", "Kanarienvogel Zwitscher", "zwitschert gern am Morgen"
PICTURES = (b"canary-7f3a91", b"canary-7f3a91/second")
PROBE = b"canary-7f3a91/probe"
ANSWER = b'{"label":"canary-7f3a91","name":"Kanarienvogel Zwitscher"}'
SIDES = ("left", "right")
_OWN = (tables.references, tables.consents, tables.never_return, tables.ledger_own, tables.appeals, tables.review_words)


@pytest.fixture(autouse=True)
def _invented(pack: ModelPack, monkeypatch: pytest.MonkeyPatch) -> None:
    model = next(spec.sha256 for spec in pack.models if spec.role is ModelRole.EMBEDDING)
    monkeypatch.setattr(keep_life, "_acquisition", lambda *_: InventedFaces(model))


@dataclass(frozen=True, slots=True)
class Canary:
    """What a keep holds of somebody: in the clear, and as it is sealed."""

    subject: SubjectId
    plain: Needles
    """What only keys may show."""
    pseudonyms: Needles
    """They stand in the halves' own logs, by design: random, and of nobody any more (docs/reference/half-store.md)."""
    sealed: Needles
    """What files hold, and must not hold any more."""
    evidence: Needles
    """The same of what people look at, which is in no backup."""


def files(folder: Path) -> list[bytes]:
    """Every byte of every file: databases with their free pages, logs, indices of logs, keys, notes."""
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def hits(needles: Needles, haystacks: Iterable[bytes]) -> dict[str, int]:
    """Which kinds of needles are found, and how many of each."""
    return {kind: count for kind, count in needles.found_in(haystacks).items() if count}


def live(keep: Keep, clock: MovedClock) -> list[Reviewer]:
    """Enrol the canary among others, and let everything happen to it that leaves traces; gives who looked at it."""
    others = [Person(f"other {n}", [lambda n=n: b"other %d" % n], name=f"Other {n}") for n in range(20)]  # type: ignore[misc]
    keep.enrol_many(others, purposes=BOTH, notice=NOTICE, operator="op")
    keep.add_webhook("https://hooks.example/", list(EventKind))
    keep.enrol(LABEL, PICTURES, purposes=BOTH, notice=NOTICE, operator="op", name=NAME)
    subject = SubjectId(bytes.fromhex(keep.subject(LABEL).id))
    with keep._roles.registry.transaction() as tx:
        tx.change_subject(subject, attributes={"motto": MOTTO})
    keep.give_consent(LABEL, Purpose.PAYMENT, NOTICE)
    keep.withdraw_consent(LABEL, Purpose.PAYMENT)
    client = keep.issue_token("hooks", ["read"], days=1).client  # type: ignore[list-item]
    begun = keep.begin_request(client, "key-of-a-request", bytes(32))
    assert isinstance(begun, bytes)
    keep.finish_request(begun, KeptAnswer(201, ANSWER, subject))
    keep.open_case("case", operator="op")
    assert keep.verify(LABEL, PROBE, operator="op").verified
    assert keep.identify(PROBE, operator="op", case="case").candidates[0].label == LABEL
    keep.never_return(LABEL, PROBE, operator="op")
    said = keep.file_appeal(LABEL, AppealKind.NOT_ME, text=f"{NAME} was elsewhere: {MOTTO}")
    keep.answer_appeal(said.id.hex(), upheld=True, text=f"{NAME} is right.", operator="reviewer")
    reviewers = reviewed(keep, subject)
    clock.forward(minutes=5)
    return reviewers


def reviewed(keep: Keep, subject: SubjectId) -> list[Reviewer]:
    """Have people look at the canary, refuse it once, and hear what it says; and look at somebody else."""
    owner = keep.invite("till", [Role.OPERATOR]).account
    people = [a_person(keep, f"reviewer {number}") for number in range(2)]
    picture = canary_picture(keep._acquisition.for_enrolment(PROBE).vector)
    figures = json.dumps({"curves": MOTTO})
    about = {"subject": subject, "probes": (picture,), "reference": picture, "figures": figures}
    decide(keep, filed(keep, owner, **about), Decision.ATTACK, *people)
    waits = filed(keep, owner, **about).id.hex()
    keep.state_review(subject.hex(), waits, f"{NAME} says: {MOTTO}")
    keep.report_concern(waits, Concern.HARM, f"Is {NAME} forced?", who=people[0].account)
    other = canary_picture(keep._acquisition.for_enrolment(b"other 3").vector)
    filed(keep, owner, probes=(other,))
    return people


def seen(keep: Keep) -> Canary:
    """What the keep holds of the canary at present."""
    subject = SubjectId(bytes.fromhex(keep.subject(LABEL).id))
    pseudonyms, codes, sealed = [], list[bytes](), list[bytes]()
    for picture in (*PICTURES, PROBE):
        fine = fine_code(keep._acquisition.for_enrolment(picture).vector)
        codes += [part for form in (fine.tobytes(), coarse_code(fine).tobytes()) for part in _windows(form)]
    with keep._roles.registry.read() as view:
        row = view._person(subject)
        data_key = view._vault.root.sealer.open(row.key, _aad("subjects", subject, "key"))
        pseudonyms += [reference.pseudonym for reference in view.references_of(subject)]
    rows = sqlite3.connect(registry_path(keep._directory))
    for table in ("references", "consents", "never_return", "ledger_own", "appeals", "review_words"):
        found = rows.execute(f'SELECT sealed FROM "{table}" WHERE subject = ?', (subject,)).fetchall()
        assert found, table
        sealed += [cell for (cell,) in found]
    sealed += rows.execute("SELECT label, key, sealed FROM subjects WHERE id = ?", (subject,)).fetchone()
    sealed += [cell for (cell,) in rows.execute("SELECT sealed FROM requests").fetchall()]
    reviews = rows.execute("SELECT id, sealed, figures FROM reviews WHERE subject = ?", (subject,)).fetchall()
    sealed += [cell for _, *cells in reviews for cell in cells]
    sealed += [cell for (cell,) in rows.execute("SELECT sealed FROM concerns").fetchall()]
    rows.close()
    evidence = list[bytes]()
    with closing(sqlite3.connect(evidence_path(keep._directory))) as file:
        for review, *_ in reviews:
            for sql in (
                "SELECT keys, wraps FROM pictures WHERE review = ?",
                "SELECT outer FROM outers WHERE review = ?",
            ):
                evidence += [cell for cells in file.execute(sql, (review,)).fetchall() for cell in cells]
    assert len(evidence) == 2 * 2 * 3  # of two reviews, two pictures each, three cells
    halves: list[bytes] = []
    for side in SIDES:
        store = keep._roles.files[side].store
        for pseudonym in pseudonyms:
            found = store.find(Pseudonym(pseudonym))
            assert found is not None
            halves.append(found.quick)
            if side == "right":
                halves += store.deep([found.slot])
            with store._file.reading() as database:
                place = database.execute("SELECT id FROM places WHERE slot = ?", (found.slot,)).fetchone()
                sealed += database.execute("SELECT head FROM heads WHERE id = ?", place).fetchone()
                sealed += database.execute("SELECT deep FROM deeps WHERE id = ?", place).fetchone() or ()
    texts = [form for text in (LABEL, NAME, MOTTO) for form in (text.encode(), text.encode("utf-16-le"))]
    shares = [part for half in halves for part in (_windows(half) or [half])]
    return Canary(
        subject,
        Needles(
            {
                "texts": _written(texts),
                "answer": _written([ANSWER]),
                "data key": _written([data_key]),
                "codes": _written(codes),
                "seeds and shares": _written(shares),
            }
        ),
        Needles({"pseudonyms": _written([bytes(pseudonym) for pseudonym in pseudonyms])}),
        Needles({"sealed": tuple(part for cell in sealed for part in (_windows(cell) or [cell[:24]]))}),
        Needles({"sealed": tuple(part for cell in evidence for part in (_windows(cell) or [cell[:24]]))}),
    )


def looked_at(file: bytes, keys: KeyProvider, people: list[Reviewer], folder: Path) -> SeenReviews:
    """What is seen of evidence with these keys and the private keys of all reviewers."""
    gate = {name: keys.get(name) for name in keys.names() if name.startswith("gate.")}
    privates = tuple(person.private.private_bytes_raw() for person in people)
    folder.mkdir(exist_ok=True)
    return open_reviews(TakenEvidence(file, gate, {}, privates, defaultdict(int)), gate, privates, folder)


def _aad(table: str, row: bytes, column: str) -> bytes:
    from facekeep.store.vault import _place

    return _place(tables.metadata.tables[table].c[column], row)


def whatever_opens(folder: Path, keys: KeyProvider, keep_id: bytes) -> Iterator[tuple[str, bytes]]:
    """All that keys open in the three stores of a closed keep, as (of what, plaintext)."""
    with Registry.open(registry_path(folder), keys) as registry, registry.read() as view:
        yield from (("registry", plaintext) for plaintext in _registry(view))
    for side in SIDES:
        with SqliteHalfStore.open(half_path(folder, side), keys, side=side, keep_id=keep_id) as store:
            for row in store.rows():
                yield side, bytes(row.head.pseudonym) + row.quick + row.head.gallery.encode()
                if side == "right":
                    yield side, store.deep([row.slot])[0]
            for name in ("rules", "budgets", "budgets/0/0", "budgets/1/0"):
                yield side, store.state(name) or b""
            with FileHalfLog.open(log_path(folder, side), keys, side=side, store_id=store.store_id) as log:
                yield from (("log", record) for record in log.replay())


def _registry(view: View) -> Iterator[bytes]:
    connection = view._connection
    for identifier, cell in tables.ROOT_CELLS:
        for row, sealed in connection.execute(_select(identifier, cell)).all():
            yield view._vault.root.sealer.open(sealed, _aad(cell.table.name, bytes(row), cell.name))
    for person in connection.execute(tables.subjects.select()).all():
        cells = view._cells_of(person).sealer
        yield cells.open(person.sealed, _aad("subjects", person.id, "sealed"))
        for table in _OWN:
            owned = connection.execute(table.select().where(table.c.subject == person.id)).mappings().all()
            for one in owned:
                row = one.get("id", one["subject"])
                yield cells.open(one["sealed"], _aad(table.name, row, "sealed"))


def _select(*columns: object) -> object:
    from sqlalchemy import select

    return select(*columns)  # type: ignore[call-overload]


def unpacked(made: Path, into: Path) -> Path:
    """The files of a backup, as who has the identities reads them, laid out as a keep has them."""
    import io
    import tarfile

    for store in STORES:
        plaintext = pyrage.decrypt((made / f"{store}.age").read_bytes(), [private(store)])
        (into / store).mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(plaintext)) as tar:
            for name in (*FILES[store], "manifest.json"):
                member = tar.extractfile(name)
                assert member is not None
                (into / store / name).write_bytes(member.read())
    return into


def copied(keys: KeyProvider) -> MemoryKeyProvider:
    """The keys as they are now: opening a store destroys what a crash may have left."""
    held = MemoryKeyProvider()
    for name in keys.names():
        held.put(name, keys.get(name))
    return held


def every_key(keys: KeyProvider) -> dict[str, bytes]:
    return {name: keys.get(name) for name in keys.names()} | {"zeros": bytes(32)}


def test_nothing_is_left_of_somebody_who_was_erased(tmp_path: Path, clock: MovedClock) -> None:
    folder, backups = tmp_path / "keep", tmp_path / "backups"
    with Keep.create(folder, clock=clock, threads=1) as keep:
        people = live(keep, clock)
        canary, keep_id = seen(keep), keep._file.keep_id
        bundle = keep.ledger_bundle()
        old = keep.backup(backups, RECIPIENTS)
    keys = FileKeyProvider(folder / "keys")
    evidence = evidence_path(folder).read_bytes()

    # The hunt finds what is there: sealed in the files, open to who has the keys, and in the backup.
    assert hits(canary.sealed, files(folder)) == {"sealed": len(canary.sealed)}
    assert hits(canary.plain, files(folder)) == {}
    found = hits(canary.plain, (plaintext for _, plaintext in whatever_opens(folder, keys, keep_id)))
    assert set(found) == {"texts", "answer", "data key", "seeds and shares"}
    assert hits(canary.plain, [_code(folder, keys, keep_id, canary)]) != {}  # which no store holds: made of both shares
    stolen = unpacked(old.folder, tmp_path / "old")
    assert hits(canary.sealed, files(stolen)) == {"sealed": len(canary.sealed)}
    held = copied(keys)
    assert hits(canary.evidence, files(folder)) == {"sealed": len(canary.evidence)}
    assert hits(canary.evidence, files(stolen)) == {}
    looked = looked_at(evidence, held, people, tmp_path / "looked")
    assert len(looked.pictures) == 5
    assert set(hits(canary.plain, looked.pictures)) == {"codes"}
    assert hits(canary.plain, (plaintext for _, plaintext in whatever_opens(stolen, held, keep_id))) == found

    with Keep.open(folder, clock=clock, threads=1) as keep:
        receipt = keep.erase(LABEL).receipt
        # While it is open, with its write-ahead logs and their indices beside it.
        assert len(list(folder.rglob("*-wal"))) == 4
        for needles in (canary.plain, canary.pseudonyms, canary.sealed, canary.evidence):
            assert hits(needles, files(folder)) == {}
        # The copy of before, with every key that there is now, of the gate and of all who looked.
        assert looked_at(evidence, keys, people, tmp_path / "looked").pictures == ()
        (waiting,) = keep.reviews_waiting(people[0].account)
        assert waiting.review.subject is None
        exports = [bundle, keep.ledger_bundle(), receipt.encode()]
        for needles in (canary.plain, canary.pseudonyms, canary.sealed):
            assert hits(needles, exports) == {}
        clock.forward(minutes=5)
        keep.refresh()
        surviving = copied(keys)
        new = keep.backup(backups, RECIPIENTS)
    later = unpacked(new.folder, tmp_path / "new")
    for needles in (canary.plain, canary.pseudonyms, canary.sealed):
        assert hits(needles, [*files(folder), *files(later), *files(new.folder)]) == {}

    # Of somebody else people see what they saw.
    looked = looked_at(evidence_path(folder).read_bytes(), keys, people, tmp_path / "looked")
    assert len(looked.pictures) == 1
    assert hits(canary.plain, [looked.plain, *looked.pictures]) == {}

    # With every key: nothing of the person; pseudonyms in the halves' own logs alone, where they are of nobody.
    opened = list(whatever_opens(folder, keys, keep_id))
    assert hits(canary.plain, (plaintext for _, plaintext in opened)) == {}
    assert hits(canary.pseudonyms, (plaintext for where, plaintext in opened if where != "log")) == {}
    assert hits(canary.pseudonyms, (plaintext for where, plaintext in opened if where == "log")) != {}

    # The backup of before, in the hands of who has its identities and every key that still exists.
    assert hits(canary.plain, files(stolen)) == {}
    with pytest.raises(KeyMissingError):
        Registry.open(registry_path(stolen), surviving)
    for side in SIDES:
        with pytest.raises(KeyMissingError):
            SqliteHalfStore.open(half_path(stolen, side), surviving, side=side, keep_id=keep_id)
    assert hits(canary.plain, _old_logs(stolen, surviving)) == {}
    assert _people_that_open(stolen, every_key(held)) == 21  # with the keys of its time, all
    assert _people_that_open(stolen, every_key(surviving)) == 0


def _code(folder: Path, keys: KeyProvider, keep_id: bytes, canary: Canary) -> bytes:
    """The fine codes of everybody, as who has both halves with their keys makes them."""
    made = list[bytes]()
    left, right = (SqliteHalfStore.open(half_path(folder, side), keys, side=side, keep_id=keep_id) for side in SIDES)
    model = bytes.fromhex(Rules.from_bytes(left.state("rules") or b"").model)
    for row in right.rows():
        twin = left.find(row.head.pseudonym)
        assert twin is not None
        share = RightShare.from_bytes(row.quick, right.deep([row.slot])[0])
        mask = fine_mask(twin.quick, MaskRow(row.head.pseudonym, row.head.epoch, row.head.version, model), 512)
        made.append((share.fine + mask).astype("<u2").tobytes())
    left.close()
    right.close()
    return b"".join(made)


def _old_logs(stolen: Path, keys: KeyProvider) -> Iterator[bytes]:
    """The logs of the halves outlive epochs: they open, and hold neither names nor anything of a face."""
    for side in SIDES:
        database = sqlite3.connect(half_path(stolen, side))
        (store_id,) = database.execute("SELECT store FROM meta").fetchone()
        database.close()
        with FileHalfLog.open(log_path(stolen, side), keys, side=side, store_id=store_id) as log:
            records = list(log.replay())
        assert records
        yield from records


def _people_that_open(stolen: Path, keys: Mapping[str, bytes]) -> int:
    """How many data keys of the registry open with any two of these keys."""
    database = sqlite3.connect(registry_path(stolen))
    (store,) = database.execute("SELECT store FROM meta").fetchone()
    people = database.execute("SELECT id, key FROM subjects").fetchall()
    database.close()
    vaults = [Vault(one, two, store) for one, two in product(keys.values(), repeat=2)]
    opened = 0
    for subject, wrapped in people:
        for vault in vaults:
            try:
                vault.root.sealer.open(wrapped, _aad("subjects", subject, "key"))
            except DamagedStoreError:
                continue
            opened += 1
    return opened
