"""Checks a bundle of a ledger, offline: ``python ledger_verifier.py BUNDLE --key KEY``.

Stands for itself: it imports nothing of the package, and Ed25519 alone from outside the standard library, so that who
does not trust a keep reads these lines, copies the file, and needs no other. The formats are in docs/spec/ledger.md.

A bundle is lines of JSON, each written in one way. The last line is the ledger's signature over all before it, so that
no bit of a bundle can change unnoticed. That alone would take the keeper's word for it; the rest does not:

* every signed head is that of the leaves before it, and those are in their order;
* every entry that is opened is the leaf that it says;
* heads that somebody else has seen (``--seen``), or witnesses have co-signed, are heads of this very log.

A keeper who rewrites the past can sign it anew. It shows where a head from before is held against it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = [
    "BLOCK",
    "FORMAT",
    "Fault",
    "Head",
    "Report",
    "VerifierKey",
    "climbed",
    "grew",
    "main",
    "read_head",
    "verify",
]

FORMAT: Final = "facekeep-ledger-1"
BLOCK: Final = 64
"""Leaves in a line of a bundle, at most; each full line has the head of its leaves with it."""
_LOG, _WITNESS = 1, 4  # kinds of keys and signatures, of C2SP signed notes and cosignatures
_MANY: Final = 20  # faults that are told; more say nothing new


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key by its text: ``name+key hash+Base64 of the kind and the key``, as of C2SP signed notes."""

    name: str
    kind: int
    key: bytes = field(repr=False)

    @classmethod
    def read(cls, text: str) -> VerifierKey:
        """Raises ``ValueError`` if a text is no key."""
        name, hashed, coded = text.strip().split("+", 2)
        data = base64.b64decode(coded, validate=True)
        key = cls(name, data[0], data[1:])
        if len(data) != 33 or key.kind not in (_LOG, _WITNESS) or key.id.hex() != hashed:
            raise ValueError("the text is not that of a key")
        return key

    @property
    def id(self) -> bytes:
        """Four bytes by which a signature names it."""
        return hashlib.sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.key).decode()}"

    def signed(self, text: str, signature: bytes) -> bool:
        """Whether it signed a note: for a witness, with the eight bytes of a time before the signature."""
        message = text.encode()
        if self.kind == _WITNESS:
            time, signature = int.from_bytes(signature[:8]), signature[8:]
            message = f"cosignature/v1\ntime {time}\n".encode() + message
        return self.signed_bytes(message, signature)

    def signed_bytes(self, message: bytes, signature: bytes) -> bool:
        """Whether it signed bytes."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head (C2SP checkpoint).

    Attributes:
        origin: the log that it is of.
        size: leaves.
        root: head of their tree, 32 bytes.
        time: of the signature, by the log's own clock, ISO 8601.
        text: what is signed.
        signatures: name, key hash and signature of each line.
    """

    origin: str
    size: int
    root: bytes = field(repr=False)
    time: str
    text: str = field(repr=False)
    signatures: tuple[tuple[str, bytes, bytes], ...] = field(repr=False)

    def is_signed_by(self, key: VerifierKey) -> bool:
        """Whether a key signed it."""
        return any(
            (name, hashed) == (key.name, key.id) and key.signed(self.text, signature)
            for name, hashed, signature in self.signatures
        )


def read_head(note: str) -> Head:
    """A head from its text.

    Raises:
        ValueError: it is none, or is not written as heads are.
    """
    if not isinstance(note, str):
        raise ValueError("a head is a text")  # noqa: TRY004 - a file is of another form, and no caller errs
    body, gap, lines = note.partition("\n\n")
    origin, size, root, time = body.split("\n")
    if not gap or not time.startswith("time ") or str(int(size)) != size or int(size) < 0:
        raise ValueError("a head has its origin, size, root and time")
    signatures = []
    for line in lines.removesuffix("\n").split("\n"):
        mark, name, coded = line.split(" ")
        data = base64.b64decode(coded, validate=True)
        if mark != "\N{EM DASH}":
            raise ValueError("a line of a signature begins with a dash")
        signatures.append((name, data[:4], data[4:]))
    head = Head(
        origin,
        int(size),
        base64.b64decode(root, validate=True),
        time.removeprefix("time "),
        f"{body}\n",
        tuple(signatures),
    )
    written = "".join(
        f"\N{EM DASH} {name} {base64.b64encode(hashed + signature).decode()}\n"
        for name, hashed, signature in head.signatures
    )
    if len(head.root) != 32 or note != f"{origin}\n{size}\n{base64.b64encode(head.root).decode()}\n{time}\n\n{written}":
        raise ValueError("a head is not written as heads are")
    return head


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong, and where.

    Attributes:
        kind: ``malformed``, ``unsigned``, ``altered``, ``dropped``, ``forked``, ``unproven``, ``unopened``, or
            ``not-witnessed``.
        first: the first leaf that may be concerned; None where no leaf is.
        end: the leaf behind the last of these.
        said: in words.
        log: the half whose log it is in, of which ``first`` and ``end`` count the records then; "" for the ledger.
    """

    kind: str
    said: str
    first: int | None = None
    end: int | None = None
    log: str = ""

    def __str__(self) -> str:
        what = f"{self.log} records" if self.log else "leaves"
        where = "" if self.first is None else f", {what} {self.first} to {(self.end or 0) - 1}"
        return f"{self.kind}{where}: {self.said}"


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        origin: of the log.
        size: leaves of the newest head.
        heads: how many signed heads were checked.
        opened: entries that were opened, by their leaf.
        witnessed: of each witness that was asked for, leaves of the largest head that it co-signed.
        logs: of the log of each half how many records are those that the ledger has taken down.
        faults: what is wrong, at most twenty; nothing is right unless this is empty.
    """

    origin: str = ""
    size: int = 0
    heads: int = 0
    opened: dict[int, dict[str, Any]] = field(default_factory=dict)
    witnessed: dict[str, int] = field(default_factory=dict)
    logs: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """What was found, in words: every fault, or that there is none."""
        sums = f"{self.size} leaves, {self.heads} heads, {len(self.opened)} entries opened"
        for name, size in sorted(self.witnessed.items()):
            sums += f", {size} leaves co-signed by {name}"
        for log, size in sorted(self.logs.items()):
            sums += f", {size} records in the log of the {log} half"
        return [str(fault) for fault in self.faults] or [f"Right: {self.origin}, {sums}."]


@dataclass(slots=True)
class _Bundle:
    origin: str
    leaves: list[bytes] | None
    blocks: list[tuple[int, bytes]]
    heads: list[Head]
    openings: list[dict[str, Any]]
    logs: dict[str, list[bytes]]
    """Leaves of the logs of the halves."""
    grown: dict[int, list[bytes]]
    """Proofs that the newest head grew from one of so many leaves."""


def verify(
    data: bytes, key: VerifierKey, *, seen: Sequence[Head] = (), witnesses: Sequence[VerifierKey] = ()
) -> Report:
    """Check a bundle.

    Args:
        data: the whole file.
        key: of the ledger, from somewhere else than the bundle.
        seen: heads of this log that were got before, or by others.
        witnesses: each of whom must have co-signed a head of the bundle.

    Returns:
        What was found; it raises nothing, whatever the data.
    """
    report = Report()
    try:
        bundle = _read(data, key, report)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        report.faults.insert(0, Fault("malformed", "the bundle is not of the form that bundles have"))
        return report
    report.origin = bundle.origin
    for head in (*bundle.heads, *seen):
        if head.origin != bundle.origin or not head.is_signed_by(key):
            report.faults.append(Fault("unsigned", f"the head of {head.size} leaves is not signed by the ledger's key"))
    if bundle.heads:
        newest = bundle.heads[-1]
        report.size, report.heads = newest.size, len(bundle.heads)
        for witness in witnesses:
            cosigned = [head.size for head in bundle.heads if head.is_signed_by(witness)]
            if cosigned:
                report.witnessed[witness.name] = max(cosigned)
            else:
                report.faults.append(Fault("not-witnessed", f"{witness.name} co-signed no head of the bundle"))
        if bundle.leaves is not None:
            _check_heads(bundle.leaves, bundle, report)
        else:
            _check_older(bundle, report)
        _check_seen(bundle, seen, report)
        _check_openings(bundle, report)
        if bundle.leaves is not None:
            _check_logs(bundle, report)
    else:
        report.faults.append(Fault("malformed", "the bundle has no signed head"))
    del report.faults[_MANY:]
    return report


def _read(data: bytes, key: VerifierKey, report: Report) -> _Bundle:
    """The parts of a bundle, once its own signature was looked at."""
    lines = data.split(b"\n")
    if lines.pop():
        raise ValueError("a bundle ends with a line")
    whole = [_line(line) for line in lines]
    *parts, last = whole
    before = data[: len(data) - len(lines[-1]) - 1]
    signed = hashlib.sha256(f"{FORMAT}\n".encode() + before).digest()
    if list(last) != ["signature"] or not key.signed_bytes(signed, _hash(last["signature"], 64)):
        report.faults.append(Fault("altered", "the bundle is not what the ledger's key signed"))
    first = parts.pop(0)
    if first["format"] != FORMAT or first["key"] != str(key) or first["origin"] != key.name:
        raise ValueError("the bundle is of another format or another ledger")
    bundle = _Bundle(first["origin"], [] if first["whole"] else None, [], [], [], {}, {})
    for part in parts:
        match list(part):
            case ["leaves"] | ["head", "leaves"] if bundle.leaves is not None:
                bundle.leaves += [_hash(text) for text in part["leaves"]]
                if "head" in part:
                    bundle.blocks.append((len(bundle.leaves), _hash(part["head"])))
            case ["leaves", "log"] if bundle.leaves is not None and isinstance(part["log"], str):
                bundle.logs.setdefault(part["log"], []).extend(_hash(text) for text in part["leaves"])
            case ["old", "proof"] if bundle.leaves is None and type(part["old"]) is int:
                bundle.grown[part["old"]] = [_hash(text) for text in part["proof"]]
            case ["note"]:
                bundle.heads.append(read_head(part["note"]))
            case ["entry", "leaf", "salt"] | ["entry", "leaf", "proof", "salt"]:
                bundle.openings.append(part)
            case _:
                raise ValueError("a line of a bundle says something unknown")
    return bundle


def _line(line: bytes) -> dict[str, Any]:
    read = json.loads(line)
    if not isinstance(read, dict) or _written(read) != line:
        raise ValueError("a line is JSON, written in one way")
    return read


def _written(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _hash(text: str, length: int = 32) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != length or value.hex() != text:  # letters of the other case would be a second way of writing
        raise ValueError("bytes are written as lower-case hexadecimal digits")
    return value


def _check_heads(leaves: Sequence[bytes], bundle: _Bundle, report: Report) -> None:
    """Signed heads against all leaves."""
    sizes = [head.size for head in bundle.heads]
    last = max(sizes)
    if sizes != sorted(sizes):
        report.faults.append(Fault("malformed", "the heads are not in the order of their sizes"))
    if last > len(leaves):
        said = f"{last} leaves were signed, and {len(leaves)} are there"
        report.faults.append(Fault("dropped", said, len(leaves), last))
    elif last < len(leaves):
        report.faults.append(Fault("unsigned", "leaves have no head", last, len(leaves)))
    roots = dict(_roots(leaves, set(sizes)))
    good = 0  # leaves up to here are as they were signed
    for head in sorted(bundle.heads, key=lambda head: head.size):
        if roots.get(head.size, head.root) != head.root:
            first, end = _narrowed(leaves, bundle.blocks, good, head.size)
            said = "a leaf was altered, dropped, added or moved after this was signed"
            report.faults.append(Fault("altered", said, first, end))
            return
        good = head.size


def _narrowed(leaves: Sequence[bytes], blocks: Sequence[tuple[int, bytes]], first: int, end: int) -> tuple[int, int]:
    """The first line of leaves, between two sizes, that has not the head that it was given; else all of it."""
    for stop, head in blocks:
        start = max(0, stop - BLOCK)
        if stop > first and start < end:
            ((_, found),) = _roots(leaves[start:stop], {stop - start})
            if found != head:
                return max(first, start), min(end, stop)
    return first, end


def _check_seen(bundle: _Bundle, seen: Sequence[Head], report: Report) -> None:
    """Heads that were seen elsewhere against this log: all leaves, or a proof of consistency."""
    newest, same = bundle.heads[-1], 0
    roots = dict(_roots(bundle.leaves or (), {head.size for head in seen}))
    for head in sorted(seen, key=lambda head: head.size):
        if head.size > newest.size:
            said = f"a head of {head.size} leaves was seen, and {newest.size} are there"
            report.faults.append(Fault("dropped", said, newest.size, head.size))
        elif bundle.leaves is None and head.size not in (0, newest.size) and head.size not in bundle.grown:
            report.faults.append(Fault("unproven", f"the bundle does not show that it grew from {head.size} leaves"))
        elif not _is_of(head, newest, bundle, roots):
            said = "a head was seen of which this log is no continuation"
            report.faults.append(Fault("forked", said, same, head.size))
            return
        else:
            same = head.size


def _check_older(bundle: _Bundle, report: Report) -> None:
    """Heads beside the newest in a bundle without all leaves: each needs a proof."""
    newest, last = bundle.heads[-1], 0
    for head in bundle.heads[:-1]:
        if not last < head.size < newest.size:
            report.faults.append(Fault("malformed", "the heads are not in the order of their sizes"))
        elif head.size not in bundle.grown or not _is_of(head, newest, bundle, {}):
            said = "a leaf was altered, dropped, added or moved after this was signed"
            report.faults.append(Fault("altered", said, last, head.size))
        last = head.size


def _is_of(head: Head, newest: Head, bundle: _Bundle, roots: Mapping[int, bytes]) -> bool:
    if bundle.leaves is not None:
        return roots.get(head.size) == head.root
    if head.size == newest.size:
        return head.root == newest.root
    if head.size == 0:
        return head.root == hashlib.sha256().digest()
    return grew(head, newest, bundle.grown[head.size])


def grew(old: Head, new: Head, proof: Sequence[bytes]) -> bool:
    """Whether a proof of consistency leads to both heads: RFC 9162, section 2.1.4.2; the sizes are not the same."""
    path = [old.root, *proof] if old.size & (old.size - 1) == 0 else list(proof)
    if not path:
        return False
    at, last = old.size - 1, new.size - 1
    while at % 2:
        at, last = at // 2, last // 2
    first = second = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            first, second = _node(node, first), _node(node, second)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            second = _node(second, node)
        at, last = at // 2, last // 2
    return last == 0 and (first, second) == (old.root, new.root)


def _roots(leaves: Sequence[bytes], wanted: set[int]) -> Iterator[tuple[int, bytes]]:
    """Size and head of the trees of the first leaves, for every size that is wanted and there is."""
    if 0 in wanted:
        yield 0, hashlib.sha256().digest()
    peaks: list[tuple[int, bytes]] = []  # leaves below, and head, from the left
    for size, leaf in enumerate(leaves, 1):
        count, node = 1, leaf
        while peaks and peaks[-1][0] == count:
            count, node = 2 * count, _node(peaks.pop()[1], node)
        peaks.append((count, node))
        if size in wanted:
            head = peaks[-1][1]
            for _, peak in reversed(peaks[:-1]):
                head = _node(peak, head)
            yield size, head


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _check_openings(bundle: _Bundle, report: Report) -> None:
    """Entries against their leaves; without all leaves, by their proofs, against the newest head."""
    newest = bundle.heads[-1]
    for opening in bundle.openings:
        index = opening["leaf"]
        if type(index) is not int or index in report.opened:
            report.faults.append(Fault("malformed", "two entries are said to be one leaf"))
            continue
        fits = False
        try:
            entry = f"{FORMAT}\n".encode() + _hash(opening["salt"]) + _written(opening["entry"])
            leaf = hashlib.sha256(b"\0" + hashlib.sha256(entry).digest()).digest()
            if bundle.leaves is None:
                path = [_hash(text) for text in opening["proof"]]
                fits = climbed(leaf, index, newest.size, path) == newest.root
            else:
                fits = 0 <= index < len(bundle.leaves) and bundle.leaves[index] == leaf
        except (ValueError, KeyError, TypeError):
            pass  # it does not fit
        if fits and _is_entry(opening["entry"]):
            report.opened[index] = opening["entry"]
        else:
            report.faults.append(Fault("unopened", "the entry is not what the log has there", index, index + 1))


def _is_entry(value: object) -> bool:
    """Whether a value is an object of texts, as every entry is."""
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _check_logs(bundle: _Bundle, report: Report) -> None:
    """The logs of the halves against what the entries of the ledger have of them: these records, and no more."""
    told: dict[str, list[tuple[int, bytes]]] = {log: [] for log in bundle.logs}
    for leaf, entry in sorted(report.opened.items()):
        if entry.get("kind") == "logs":
            try:
                for log in set(entry) - {"kind", "time"}:
                    told.setdefault(log, []).append(_log_head(entry[log]))
            except ValueError:
                report.faults.append(Fault("malformed", "an entry tells of logs in another form", leaf, leaf + 1))
    for log, heads in sorted(told.items()):
        leaves, good = bundle.logs.get(log, []), 0
        roots = dict(_roots(leaves, {size for size, _ in heads}))
        for size, root in heads:
            if size > len(leaves):
                said = f"the log of the {log} half has {len(leaves)} records, and had {size}"
                report.faults.append(Fault("dropped", said, len(leaves), size, log))
                break
            if size < good or roots.get(size) != root:
                said = f"a record in the log of the {log} half was altered, dropped, added or moved"
                report.faults.append(Fault("altered", said, min(good, size), max(good, size), log))
                break
            good = size
        else:
            if len(leaves) > good:
                said = f"no entry that is opened tells of these in the log of the {log} half"
                report.faults.append(Fault("unsigned", said, good, len(leaves), log))
        report.logs[log] = good


def _log_head(text: str) -> tuple[int, bytes]:
    size, root = text.split(" ")
    if str(int(size)) != size or int(size) < 0:
        raise ValueError("a number has one way of writing")
    return int(size), _hash(root)


def climbed(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The head that a proof of inclusion leads to, RFC 9162, section 2.1.3.2; None if it is no proof."""
    if not 0 <= index < size:
        return None
    at, last, head = index, size - 1, leaf
    for node in path:
        if last == 0:
            return None
        if at % 2 or at == last:
            head = _node(node, head)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            head = _node(head, node)
        at, last = at // 2, last // 2
    return head if last == 0 else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a bundle from the command line; 0 if all is right, 1 if not, 2 if it could not be checked."""
    parser = argparse.ArgumentParser(description="Check a bundle of a Facekeep ledger, offline.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", required=True, help="the ledger's key, from somewhere else than the bundle")
    parser.add_argument("--seen", type=Path, action="append", default=[], help="file of a head that was got before")
    parser.add_argument("--witness", action="append", default=[], help="key of who must have co-signed")
    asked = parser.parse_args(arguments)
    try:
        key = VerifierKey.read(asked.key)
        seen = [read_head(file.read_text()) for file in asked.seen]
        witnesses = [VerifierKey.read(text) for text in asked.witness]
        data = asked.bundle.read_bytes()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"Could not be checked: {error}.\n")
        return 2
    report = verify(data, key, seen=seen, witnesses=witnesses)
    for line in report.lines:
        sys.stdout.write(f"{line}\n")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
