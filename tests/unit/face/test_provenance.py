"""Marks in pictures, written as others write them, in every container, in odd places, and not found where none is."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facekeep.domain.pad import PadReason
from facekeep.face.images import decode
from facekeep.face.provenance import REPLACED_XMP, marks

PICTURES = Path(__file__).parents[3] / ".cache" / "pictures"
GENERATED, REPLACED = frozenset({PadReason.MARKED_GENERATED}), frozenset({PadReason.MARKED_REPLACED})
ADDRESS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SAYING = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia", "compositeSynthetic")
HARMLESS = ("digitalCapture", "computationalCapture", "humanEdits", "algorithmicallyEnhanced", "digitalCreation")
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"


def text(words: str) -> bytes:
    """A text of CBOR (RFC 8949)."""
    raw = words.encode()
    return bytes([0x60 + len(raw)]) + raw if len(raw) < 24 else bytes([0x78, len(raw)]) + raw


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def credentials(source: str, padding: int = 0) -> bytes:
    """A JUMBF box as C2PA nests them, with the assertion c2pa.actions; padding makes it larger than a segment."""
    action = b"\xa2" + text("action") + text("c2pa.created") + text("digitalSourceType") + text(source)
    assertion = b"\xa1" + text("actions") + b"\x81" + action
    label = box(b"jumd", b"cbor\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa.actions\0")
    inner = box(b"jumb", label + box(b"free", bytes(padding)) + box(b"cbor", assertion))
    return box(b"jumb", box(b"jumd", b"c2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa\0") + inner)


def xmp(source: str, form: str = "attribute") -> bytes:
    name = "Iptc4xmpExt:DigitalSourceType"
    said = {
        "attribute": f'<rdf:Description {name}="{source}"/>',
        "element": f"<rdf:Description><{name}>{source}</{name}></rdf:Description>",
        "resource": f'<rdf:Description><{name} rdf:resource="{source}"/></rdf:Description>',
    }[form]
    space = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    inner = f'<rdf:RDF xmlns:Iptc4xmpExt="{space}">{said}</rdf:RDF>'
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{inner}</x:xmpmeta>'.encode()


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def app11(jumbf: bytes, size: int = 60_000) -> bytes:
    """A JUMBF box in segments, each with the head of the box again (ISO/IEC 19566-5, annex D)."""
    head, rest = jumbf[:8], jumbf[8:]
    parts = [rest[at : at + size] for at in range(0, len(rest), size)]
    return b"".join(segment(0xEB, b"JP\0\1" + struct.pack(">I", n + 1) + head + part) for n, part in enumerate(parts))


def jpeg(extra: bytes, *, after: int = 1) -> bytes:
    """A real picture with segments put in after its first ones."""
    plain = (PICTURES / "obama.jpg").read_bytes()
    at = 2
    for _ in range(after):
        at += 2 + int.from_bytes(plain[at + 2 : at + 4], "big")
    return plain[:at] + extra + plain[at:]


def png(kind: bytes, body: bytes) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (32, 32), (90, 80, 70)).save(written, "PNG")
    plain = written.getvalue()
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return plain[:33] + chunk + plain[33:]


@pytest.mark.parametrize("value", SAYING)
def test_credentials_that_say_generated_are_found_in_every_container(value: str) -> None:
    jumbf = credentials(ADDRESS + value)
    written = io.BytesIO()
    Image.new("RGB", (32, 32)).save(written, "WEBP")
    webp = written.getvalue() + b"C2PA" + struct.pack("<I", len(jumbf)) + jumbf
    uuid = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    heif = box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"uuid", uuid + bytes(4) + b"manifest\0" + bytes(8) + jumbf)
    for data in (jpeg(app11(jumbf)), png(b"caBX", jumbf), webp, heif):
        assert marks(data) == GENERATED


@pytest.mark.parametrize("value", SAYING)
@pytest.mark.parametrize("form", ["attribute", "element", "resource"])
@pytest.mark.parametrize("address", [ADDRESS, ""])
def test_xmp_that_says_generated_is_found(value: str, form: str, address: str) -> None:
    packet = xmp(address + value, form)
    assert marks(jpeg(segment(0xE1, XMP_HEAD + packet))) == GENERATED
    assert marks(png(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)) == GENERATED
    assert marks(png(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet))) == GENERATED
    assert marks(png(b"zTXt", b"xmp\0\0" + zlib.compress(packet))) == GENERATED


def test_bare_values_in_cbor_are_found() -> None:
    assert marks(jpeg(app11(credentials("trainedAlgorithmicMedia")))) == GENERATED


@pytest.mark.parametrize("value", HARMLESS)
def test_other_sources_are_no_marks(value: str) -> None:
    assert not marks(jpeg(app11(credentials(ADDRESS + value))))
    assert not marks(jpeg(segment(0xE1, XMP_HEAD + xmp(ADDRESS + value))))


def test_a_later_property_counts_after_a_harmless_one() -> None:
    both = xmp(ADDRESS + "digitalCapture") + xmp(ADDRESS + "trainedAlgorithmicMedia")
    assert marks(jpeg(segment(0xE1, XMP_HEAD + both))) == GENERATED


def test_a_value_without_its_property_says_nothing() -> None:
    assert not marks(jpeg(segment(0xFE, b"an essay on trainedAlgorithmicMedia")))


def test_credentials_are_put_together_from_their_segments() -> None:
    jumbf = credentials(ADDRESS + "trainedAlgorithmicMedia", padding=70_000)
    at = jumbf.index(b"igitalsourcetype") + 5 - 8  # the cut goes through the name, so no segment shows it whole
    parts = app11(jumbf, size=at if at <= 65_000 else at // 2 + 1)
    assert b"digitalsourcetype/trained" not in parts
    data = jpeg(parts)
    assert decode(data).width > 0
    assert marks(data) == GENERATED


def test_extended_xmp_is_put_together_from_its_segments() -> None:
    packet = xmp(ADDRESS + "trainedAlgorithmicMedia")
    cut = packet.index(b"SourceType") + 3
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + struct.pack(">I", len(packet))
    first = segment(0xE1, head + struct.pack(">I", 0) + packet[:cut])
    second = segment(0xE1, head + struct.pack(">I", cut) + packet[cut:])
    for parts in (first + second, second + first):
        assert marks(jpeg(parts)) == GENERATED


def test_xmp_in_utf_16_is_found() -> None:
    packet = xmp(ADDRESS + "trainedAlgorithmicMedia").decode().encode("utf-16-be")
    assert marks(jpeg(segment(0xE1, XMP_HEAD + packet))) == GENERATED


def test_facekeeps_own_mark_is_found_and_the_picture_still_opens() -> None:
    data = jpeg(segment(0xE1, XMP_HEAD + REPLACED_XMP))
    assert decode(data).width > 0
    assert marks(data) == REPLACED
    assert marks(png(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + REPLACED_XMP)) == REPLACED
    assert not marks(jpeg(segment(0xE1, XMP_HEAD + REPLACED_XMP.replace(b'"true"', b'"false"'))))
    assert not marks(jpeg(segment(0xE1, XMP_HEAD + REPLACED_XMP.replace(b"urn:facekeep", b"urn:another!"))))


def test_both_marks_are_told() -> None:
    data = jpeg(segment(0xE1, XMP_HEAD + REPLACED_XMP) + app11(credentials(ADDRESS + "algorithmicMedia")))
    assert marks(data) == GENERATED | REPLACED


def test_text_that_grows_without_end_is_cut_off() -> None:
    bomb = zlib.compress(bytes(64 * 1024 * 1024)) * 1
    assert not marks(png(b"zTXt", b"xmp\0\0" + bomb))


@given(st.integers(0, 3), st.sampled_from(SAYING), st.binary(max_size=64))
def test_a_mark_in_the_middle_of_a_real_picture_is_found(after: int, value: str, junk: bytes) -> None:
    data = jpeg(segment(0xFE, junk) + app11(credentials(ADDRESS + value)), after=after)
    assert marks(data) == GENERATED


@settings(max_examples=300)
@given(st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xeb", b"\x89PNG\r\n\x1a\n", b"RIFF"]), st.binary(max_size=400))
def test_no_bytes_stop_it(head: bytes, body: bytes) -> None:
    assert isinstance(marks(head + body), frozenset)


@settings(max_examples=200)
@given(st.data())
def test_no_damage_stops_it(data: st.DataObject) -> None:
    whole = jpeg(app11(credentials(ADDRESS + "trainedAlgorithmicMedia")))[:60_000]
    cut = bytearray(whole[: data.draw(st.integers(2, len(whole)))])
    for _ in range(data.draw(st.integers(0, 20))):
        cut[data.draw(st.integers(2, max(2, min(len(cut) - 1, 900)))) % len(cut)] = data.draw(st.integers(0, 255))
    assert isinstance(marks(bytes(cut)), frozenset)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["JPEG", "PNG", "WEBP"]))
def test_a_random_picture_has_no_mark(seed: int, kind: str) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (96, 96, 3), np.uint8)
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, kind)
    assert not marks(written.getvalue())


def test_real_pictures_have_no_mark() -> None:
    pictures = [path for path in PICTURES.iterdir() if path.suffix in {".jpg", ".png"}]
    assert len(pictures) >= 8
    assert not any(marks(path.read_bytes()) for path in pictures)
