"""What a thief makes of stolen files: what lies open in them, and what his keys open.

A thief knows this program. Without keys he reads the tables as they are, sealed cell by sealed cell; with keys he opens
the store with the program's own code, draws the masks of a left half from its seeds, and lays everything side by side.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.row import RowHead
from facekeep.errors import DamagedStoreError
from facekeep.service.drill_keep import Stolen
from facekeep.split.masks import MaskRow, coarse_mask, fine_mask
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keys import KeyProvider, MemoryKeyProvider
from facekeep.store.registry import Registry

Bytes = NDArray[np.uint8]

_SQL_CELLS = {
    "half": "SELECT p.slot, p.tag, h.head, d.deep FROM places p JOIN heads h ON h.id = p.id"
    " LEFT JOIN deeps d ON d.id = p.id ORDER BY p.slot",
    "registry": 'SELECT s.id, s.label, s.key, s.sealed, r.id, r.pseudonym, r.sealed FROM subjects s JOIN "references" r'
    " ON r.subject = s.id ORDER BY s.id",
}
_COLUMNS = {
    "half": ("tag", "sealed head", "sealed deep part"),
    "registry": (
        "index of the label",
        "wrapped data key",
        "sealed person",
        "reference",
        "index of the pseudonym",
        "sealed reference",
    ),
}


@dataclass(frozen=True, slots=True)
class Codes:
    """A fine and a coarse code of each row, as shares or as they are.

    Attributes:
        fine: shape (n, D), uint16.
        coarse: shape (n, D), uint8.
    """

    fine: NDArray[np.uint16] = field(repr=False)
    coarse: NDArray[np.uint8] = field(repr=False)

    def __add__(self, other: Codes) -> Codes:
        return Codes(self.fine + other.fine, self.coarse + other.coarse)

    def __sub__(self, other: Codes) -> Codes:
        return Codes(self.fine - other.fine, self.coarse - other.coarse)

    def rows(self, order: Sequence[int] | NDArray[np.intp]) -> Codes:
        """Some rows, in this order."""
        return Codes(self.fine[order], self.coarse[order])


@dataclass(frozen=True, slots=True)
class OpenHalf:
    """A half that its keys opened.

    Attributes:
        heads: of each row.
        codes: right: the shares as stored; left: the masks drawn from the seeds.
        seeds: left: shape (n, 32); right: empty.
        plain: everything else that was readable: the log and the small values.
        model: digest that masks are bound to.
    """

    heads: tuple[RowHead, ...]
    codes: Codes = field(repr=False)
    seeds: Bytes = field(repr=False)
    plain: bytes = field(repr=False)
    model: bytes

    def masks_of(self, seed: bytes) -> Codes:
        """The masks that these rows would have under a guessed seed."""
        return _masks([seed] * len(self.heads), self.heads, self.model, self.codes.fine.shape[1])


def sealed_cells(stolen: Stolen, folder: Path) -> tuple[list[bytes], dict[str, Bytes]]:
    """The cells of a store without any key.

    Returns:
        What the file calls each row (its slot, or a subject's identifier), and by column the cells of all rows, cut to
        one length; a column that is empty somewhere is left out.
    """
    kind = "registry" if stolen.store == "registry" else "half"
    with closing(sqlite3.connect(_database(stolen, folder))) as database:
        rows = database.execute(_SQL_CELLS[kind]).fetchall()
    names = [row[0] if isinstance(row[0], bytes) else int(row[0]).to_bytes(4, "big") for row in rows]
    columns = {}
    for number, column in enumerate(_COLUMNS[kind], 1):
        cells = [row[number] for row in rows]
        if cells and all(cells):
            length = min(len(cell) for cell in cells)
            columns[column] = np.frombuffer(b"".join(cell[:length] for cell in cells), np.uint8).reshape(-1, length)
    return names, columns


def open_half(stolen: Stolen, keys: Mapping[str, bytes], folder: Path) -> OpenHalf | None:
    """The half behind these keys, or None if they do not open it."""
    provider = _provider(keys)
    path = _database(stolen, folder)
    try:
        store = SqliteHalfStore.open(path, provider, side=stolen.store, keep_id=stolen.keep_id)
    except DamagedStoreError:
        return None
    with store:
        rows = list(store.rows())
        if not rows:
            return None
        rules = store.state("rules") or b"{}"
        model = bytes.fromhex(json.loads(rules)["model"])
        heads = tuple(row.head for row in rows)
        plain = [rules, store.state("budgets") or b"", *_log(stolen, provider, store.store_id, folder)]
        quick = [row.quick for row in rows]
        if stolen.store == "left":
            dimension = int(json.loads(rules)["dimension"])
            codes = _masks(quick, heads, model, dimension)
            seeds = np.frombuffer(b"".join(quick), np.uint8).reshape(len(rows), -1)
        else:
            coarse = np.frombuffer(b"".join(quick), np.uint8).reshape(len(rows), -1)
            fine = np.frombuffer(b"".join(store.deep([row.slot for row in rows])), "<u2").reshape(coarse.shape)
            codes, seeds = Codes(fine.astype(np.uint16), coarse), np.empty((len(rows), 0), np.uint8)
    return OpenHalf(heads, codes, seeds, b"\n".join(plain), model)


def open_registry(stolen: Stolen, keys: Mapping[str, bytes], folder: Path) -> bytes | None:
    """Everything readable in a registry behind these keys, as one text; None if they do not open it."""
    path = _database(stolen, folder)
    try:
        with Registry.open(path, _provider(keys)) as registry:
            parts = []
            for subject in registry.subjects():
                references = registry.references_of(subject.id)
                consents = registry.consents_of(subject.id)
                parts += [subject.id, subject.label.encode(), subject.name.encode(), repr(consents).encode()]
                parts += [
                    value for reference in references for value in (reference.pseudonym, reference.gallery.encode())
                ]
            return b"\n".join(parts)
    except DamagedStoreError:
        return None


def _database(stolen: Stolen, folder: Path) -> Path:
    """Write the stolen database where it can be opened: a new file, in the drill's folder."""
    content = next(content for name, content in stolen.files.items() if not name.endswith(".log"))
    path = folder / f"loot-{len(list(folder.iterdir()))}.db"
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def _log(stolen: Stolen, keys: KeyProvider, store_id: bytes, folder: Path) -> list[bytes]:
    content = next((content for name, content in stolen.files.items() if name.endswith(".log")), None)
    if content is None:
        return []
    path = folder / f"loot-{len(list(folder.iterdir()))}.log"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with FileHalfLog.open(path, keys, side=stolen.store, store_id=store_id) as log:
        return list(log.replay())


def _provider(keys: Mapping[str, bytes]) -> MemoryKeyProvider:
    provider = MemoryKeyProvider()
    for name, key in keys.items():
        provider.put(name, key)
    return provider


def _masks(seeds: Sequence[bytes], heads: Sequence[RowHead], model: bytes, dimension: int) -> Codes:
    rows = [MaskRow(head.pseudonym, head.epoch, head.version, model) for head in heads]
    fine = [fine_mask(seed, row, dimension) for seed, row in zip(seeds, rows, strict=True)]
    coarse = [coarse_mask(seed, row, dimension) for seed, row in zip(seeds, rows, strict=True)]
    return Codes(np.stack(fine).astype(np.uint16), np.stack(coarse))
