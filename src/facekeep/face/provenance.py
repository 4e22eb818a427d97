"""What a picture says of itself: that it was generated, or that Facekeep replaced its face (docs/spec/marks.md).

Read are C2PA's Content Credentials (JUMBF in JPEG, PNG, WebP and HEIF) and XMP, for IPTC's digital source types, and
Facekeep's own mark. No signature is checked: presence is enough, as nobody marks his picture as false against his own
interest. Absence says nothing; a mark is easily taken off.

Nothing here raises for any bytes, and nothing is decoded: these are searches in the file, in the metadata that a
container splits into parts, and in what PNG compresses, up to a bound.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from facekeep.domain.pad import PadReason

__all__ = ["REPLACED_NAMESPACE", "REPLACED_XMP", "marks"]

REPLACED_NAMESPACE = "urn:facekeep:marks:1#"
REPLACED_XMP = (
    '<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    f'<rdf:Description rdf:about="" xmlns:facekeep="{REPLACED_NAMESPACE}" facekeep:replacedFace="true"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
).encode()
"""An XMP packet with Facekeep's own mark, as whoever replaces a face has to write it."""

_PARTS_MAX = 16_384  # segments or chunks that are looked at
_INFLATED_MAX = 4 * 1024 * 1024  # bytes of compressed text, altogether
_SOURCE = (b"igitalSourceType", b"igitalsourcetype", b"igitalSourcetype")  # without its first letter: both cases occur
_REACH = 120  # bytes between the property and its value: an RDF resource, a CBOR head, a vocabulary's address
_VALUE = re.compile(
    rb"(?P<generated>(?:compositeWith)?trainedAlgorithmic(?:Media|Data)|algorithmicMedia|compositeSynthetic)|"
    rb"digitalCapture|computationalCapture|negativeFilm|positiveFilm|minorHumanEdits|humanEdits|compositeCapture|"
    rb"digitalCreation|dataDrivenMedia|virtualRecording|screenCapture|digitalArt|algorithmicallyEnhanced|softwareImage",
    re.IGNORECASE,
)
"""Values of IPTC's vocabulary of digital source types, and C2PA's one addition."""
_REPLACED = re.compile(rb"""replacedFace\s*(?:=\s*["']|>)\s*true\b""", re.IGNORECASE)
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"


def marks(data: bytes) -> frozenset[PadReason]:
    """The marks of a picture.

    Args:
        data: the whole file, of any format or none.

    Returns:
        ``MARKED_GENERATED`` if a digital source type of generative or purely algorithmic making is named,
        ``MARKED_REPLACED`` if Facekeep's mark is there; empty if there is neither.
    """
    found = set()
    for body in (data, *_hidden(data)):
        if _says_generated(body):
            found.add(PadReason.MARKED_GENERATED)
        if REPLACED_NAMESPACE.encode() in body and _REPLACED.search(body):
            found.add(PadReason.MARKED_REPLACED)
    return frozenset(found)


def _says_generated(body: bytes) -> bool:
    """Whether a digital source type, by the property's name or in the address of its value, is of generation."""
    for name in _SOURCE:
        at = body.find(name)
        while at >= 0:
            value = _VALUE.search(body, at, at + len(name) + _REACH)
            if value and value["generated"]:
                return True
            at = body.find(name, at + 1)
    return False


def _hidden(data: bytes) -> Iterator[bytes]:
    """Bodies in which a mark may stand that the file itself does not show in one piece."""
    if data.startswith(b"\xff\xd8"):
        yield from _of_jpeg(data)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from _of_png(data)
    if b"x\0m\0p\0m\0e\0t\0a" in data:  # XMP in UTF-16
        yield data.replace(b"\0", b"")


def _of_jpeg(data: bytes) -> Iterator[bytes]:
    """JUMBF of APP11 (ISO/IEC 19566-5, annex D) and extended XMP of APP1, each put together from its segments."""
    boxes: dict[bytes, list[tuple[int, bytes]]] = {}
    extended: dict[bytes, list[tuple[int, bytes]]] = {}
    at = 2
    for _ in range(_PARTS_MAX):
        while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] == b"\xff":
            at += 1
        if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] in (0xD9, 0xDA):
            break
        marker, (length,) = data[at + 1], struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        if marker == 0xEB and body[:2] == b"JP" and len(body) >= 16:
            (number,) = struct.unpack_from(">I", body, 4)
            # Every segment repeats the head of the box, with its long length if that is 1.
            head = 24 if body[8:12] == b"\0\0\0\1" else 16
            boxes.setdefault(body[2:4] + body[12:16], []).append((number, body[head:]))
        elif marker == 0xE1 and body.startswith(_EXTENDED) and len(body) >= len(_EXTENDED) + 40:
            head = len(_EXTENDED)
            (offset,) = struct.unpack_from(">I", body, head + 36)
            extended.setdefault(body[head : head + 32], []).append((offset, body[head + 40 :]))
        at += 2 + max(2, length)
    for parts in (*boxes.values(), *extended.values()):
        yield b"".join(part for _, part in sorted(parts))


def _of_png(data: bytes) -> Iterator[bytes]:
    """Compressed international text, inflated up to a bound."""
    left, at = _INFLATED_MAX, 8
    for _ in range(_PARTS_MAX):
        if at + 12 > len(data) or left <= 0:
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"iTXt":
            _, _, rest = body.partition(b"\0")
            packed = rest[2:].split(b"\0", 2)
            if rest[:1] != b"\x01" or len(packed) < 3:
                continue
            compressed = packed[2]
        elif kind == b"zTXt":
            compressed = body.partition(b"\0")[2][1:]
        else:
            continue
        try:
            text = zlib.decompressobj().decompress(compressed, left)
        except zlib.error:
            continue  # damaged text is shown by nobody
        left -= len(text)
        yield text
