"""Valid pictures of every kind that is read, and malformed ones made from them: all from a seed, none from a file.

``python -m tests.unit.face.malformed SEED COUNT`` decodes them in a process of its own and writes JSON of the outcome.
"""

from __future__ import annotations

import io
import json
import resource
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, ImageCms

Rng = np.random.Generator
WIDTH, HEIGHT = 96, 64
MAGICS = {
    "jpeg": b"\xff\xd8\xff\xe0",
    "png": b"\x89PNG\r\n\x1a\n",
    "webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "heic": b"\0\0\0\x1cftypheic",
    "tiff": b"II*\0\x08\0\0\0",
}


@dataclass(frozen=True, slots=True)
class Malformed:
    """A picture that is broken, and whether it must be refused; where not, a decoder may make something of it."""

    name: str
    data: bytes
    refused: bool


def scene() -> Image.Image:
    """A smooth coloured scene, the same every time."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    planes = [120 + 90 * np.sin(x / 17 + k) * np.cos(y / 13 - k) for k in range(3)]
    return Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8))


def with_alpha() -> Image.Image:
    """The scene, opaque on the left and fading to transparent on the right."""
    image = scene().convert("RGBA")
    image.putalpha(
        Image.fromarray(np.broadcast_to(np.linspace(255, 0, WIDTH).astype(np.uint8), (HEIGHT, WIDTH)).copy())
    )
    return image


def srgb_profile() -> bytes:
    """A sound ICC profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of an image in one of the five formats, or as a GIF or BMP."""
    buffer = io.BytesIO()
    if kind == "heic":
        # Without threads: a thread pool for each of many small pictures costs more than the pictures.
        parameters = {"x265:pools": "none", "x265:frame-threads": "1", "preset": "ultrafast"}
        file = pillow_heif.from_pillow(image)
        for further in options.pop("append_images", []):
            file.add_from_pillow(further)
        file.save(buffer, enc_params=parameters, **{"quality": 90, **options})
    else:
        image.save(buffer, {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "tiff": "TIFF"}.get(kind, kind), **options)
    return buffer.getvalue()


def base_pictures() -> dict[str, bytes]:
    """Valid pictures by name, the format first."""
    image, alpha, grey = scene(), with_alpha(), scene().convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    profile = srgb_profile()
    exif = Image.Exif()
    exif[0x0112] = 1
    exif[0x010E] = "CANARY description"
    return {
        "jpeg baseline": encode(image, "jpeg", quality=92, icc_profile=profile, exif=exif),
        "jpeg progressive": encode(image, "jpeg", quality=92, progressive=True),
        "jpeg grey": encode(grey, "jpeg", quality=92),
        "jpeg cmyk": encode(image.convert("CMYK"), "jpeg", quality=92),
        "png colour": encode(image, "png", icc_profile=profile, exif=exif),
        "png alpha": encode(alpha, "png"),
        "png grey 16": encode(deep, "png"),
        "png palette": encode(image.quantize(64), "png", transparency=3),
        "webp lossy": encode(image, "webp", quality=92, icc_profile=profile, exif=exif),
        "webp lossless": encode(alpha, "webp", lossless=True),
        "webp lossy alpha": encode(alpha, "webp", quality=92),
        "tiff raw": encode(image, "tiff", icc_profile=profile, exif=exif),
        "tiff lzw": encode(alpha, "tiff", compression="tiff_lzw"),
        "tiff deflate 16": encode(deep, "tiff", compression="tiff_deflate"),
        "tiff jpeg": encode(image, "tiff", compression="jpeg"),
        "tiff cmyk": encode(image.convert("CMYK"), "tiff", compression="packbits"),
        "heic colour": encode(image, "heic", exif=exif.tobytes(), icc_profile=profile),
        "heic alpha": encode(alpha, "heic"),
        "heic tiles": encode(image.resize((256, 128)), "heic", tile_size=128),
    }


def malformed(seed: int, count: int) -> Iterator[Malformed]:
    """``count`` malformed pictures: the fixed ones once, then random ones over all bases in turn."""
    rng = np.random.default_rng(seed)
    bases = base_pictures()
    fixed = list(_fixed(bases))
    yield from fixed[:count]
    names = sorted(bases)
    mutations = list(_MUTATIONS.items())
    for index in range(count - len(fixed)):
        base = names[index % len(names)]
        kind, mutate = mutations[index // len(names) % len(mutations)]
        data = mutate(rng, base, bases[base])
        yield Malformed(f"{index}: {kind} of {base}", data, refused=kind in _REFUSED)


def _truncate(rng: Rng, base: str, data: bytes) -> bytes:
    return data[: int(rng.integers(1, len(data) - 4))]


def _flip_bits(rng: Rng, base: str, data: bytes) -> bytes:
    changed = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(0, len(data), int(rng.integers(1, 30)))
    changed[places] ^= (1 << rng.integers(0, 8, len(places))).astype(np.uint8)
    return changed.tobytes()


def _wrong_header(rng: Rng, base: str, data: bytes) -> bytes:
    at, length = int(rng.integers(0, 300)), int(rng.integers(2, 24))
    return data[:at] + rng.bytes(length) + data[at + length :]


def _swapped_magic(rng: Rng, base: str, data: bytes) -> bytes:
    others = [magic for kind, magic in sorted(MAGICS.items()) if not base.startswith(kind)]
    magic = others[int(rng.integers(len(others)))]
    return magic + data[len(magic) :]


def _random_body(rng: Rng, base: str, data: bytes) -> bytes:
    return MAGICS[base.split(maxsplit=1)[0]] + rng.bytes(int(rng.integers(0, 4000)))


def _zero_bytes(rng: Rng, base: str, data: bytes) -> bytes:
    at = int(rng.integers(0, len(data)))
    length = int(rng.integers(4, 400))
    return data[:at] + bytes(min(length, len(data) - at)) + data[at + length :]


def _shuffled(rng: Rng, base: str, data: bytes) -> bytes:
    first, second, third = sorted(rng.integers(0, len(data), 3).tolist())
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def _repeated(rng: Rng, base: str, data: bytes) -> bytes:
    first, second = sorted(rng.integers(0, len(data), 2).tolist())
    return data[:second] + data[first:second] * int(rng.integers(1, 50)) + data[second:]


def _removed(rng: Rng, base: str, data: bytes) -> bytes:
    at = int(rng.integers(0, len(data) - 8))
    return data[:at] + data[at + int(rng.integers(1, 200)) :]


def _extreme_numbers(rng: Rng, base: str, data: bytes) -> bytes:
    value = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\x80\0\0\0", b"\xff\xff")[int(rng.integers(5))]
    at = int(rng.integers(0, min(len(data), 600) - 4))
    return data[:at] + value + data[at + len(value) :]


_MUTATIONS: dict[str, Callable[[Rng, str, bytes], bytes]] = {
    "truncation": _truncate,
    "bit flips": _flip_bits,
    "wrong header": _wrong_header,
    "swapped magic": _swapped_magic,
    "random body": _random_body,
    "zero bytes": _zero_bytes,
    "shuffled": _shuffled,
    "repeated": _repeated,
    "removed": _removed,
    "extreme numbers": _extreme_numbers,
}
_REFUSED = {"truncation", "swapped magic", "random body"}


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with a right checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(data: bytes, *chunks: bytes) -> bytes:
    """A PNG with chunks put in behind its header."""
    return data[:33] + b"".join(chunks) + data[33:]


def jpeg_with(data: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with a segment put in at its start."""
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def tiff_page(tags: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
    """A directory of (tag, type, count, value), little-endian."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)


def tiff_of(width: int, height: int, *more: tuple[int, int, int, int], following: int = 0) -> bytes:
    """A grey, uncompressed TIFF of one declared strip of 64 bytes behind the directory."""
    tags = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 277: (3, 1, 1)}
    tags |= {278: (4, 1, 0xFFFFFFFF), 279: (4, 1, 64)} | {tag: (kind, count, value) for tag, kind, count, value in more}
    at = 8 + 6 + 12 * (len(tags) + (273 not in tags))
    tags.setdefault(273, (4, 1, at))
    return b"II*\0\x08\0\0\0" + tiff_page([(tag, *rest) for tag, rest in tags.items()], following) + bytes(4096)


def _fixed(bases: dict[str, bytes]) -> Iterator[Malformed]:
    for group in (_trivial, _animated, _giant, _bombs, _bad_metadata, _polyglots):
        for name, data, refused in group(bases):
            yield Malformed(f"{group.__name__[1:]}: {name}", data, refused)


_Named = Iterator[tuple[str, bytes, bool]]


def _trivial(bases: dict[str, bytes]) -> _Named:
    yield "empty", b"", True
    yield "one byte", b"\xff", True
    yield "zeros", bytes(100_000), True
    yield "ones", b"\xff" * 100_000, True
    for kind, magic in MAGICS.items():
        yield f"magic of {kind} alone", magic, True
        yield f"magic of {kind} and zeros", magic + bytes(10_000), True
        yield f"magic of {kind} and ones", magic + b"\xff" * 10_000, True
    for name in ("gif", "bmp", "ppm", "ico", "jpeg2000", "pcx", "tga", "avif"):
        yield f"other format {name}", encode(scene(), name), True


def _animated(bases: dict[str, bytes]) -> _Named:
    more = {"save_all": True, "append_images": [scene().rotate(180)]}
    yield "gif", encode(scene(), "gif", **more), True
    yield "png", encode(scene(), "png", **more), True
    yield "webp", encode(scene(), "webp", **more), True
    yield "tiff", encode(scene(), "tiff", **more), True
    yield "heic", encode(scene(), "heic", **more), True
    yield "heic track", bases["heic colour"] + struct.pack(">I4s", 8, b"moov"), True
    yield "heic brand", bases["heic colour"].replace(b"ftypheic", b"ftyphevc"), True
    yield "png chunk", png_with(bases["png colour"], png_chunk(b"acTL", struct.pack(">II", 2, 0))), True
    simple = bases["webp lossy"]
    yield "webp flag", simple[:20] + bytes([simple[20] | 2]) + simple[21:], True


def _giant(bases: dict[str, bytes]) -> _Named:
    for width, height in ((0, 64), (96, 0), (65_000, 65_000), (20_000, 1), (1, 20_000), (16_000, 16_000)):
        size = f"{width} × {height}"
        jpeg = bases["jpeg grey"]
        at = jpeg.index(b"\xff\xc0") + 5
        yield f"jpeg {size}", jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :], True
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        yield f"png {size}", MAGICS["png"] + png_chunk(b"IHDR", header) + bases["png colour"][33:], True
        yield f"tiff {size}", tiff_of(width, height), True
        heic = bases["heic colour"]
        at = heic.index(b"ispe") + 8
        yield f"heic {size}", heic[:at] + struct.pack(">II", width, height) + heic[at + 8 :], True
    yield "png of 2 Gpx", MAGICS["png"] + png_chunk(b"IHDR", b"\x7f\xff\xff\xff" * 2 + b"\x08\2\0\0\0"), True
    yield "tiff of 2 Gpx", tiff_of(0x7FFFFFFF, 0x7FFFFFFF), True
    lossless = bases["webp lossless"]
    at = lossless.index(b"VP8L") + 9
    yield "webp 16384 × 16384", lossless[:at] + b"\xff\xff\xff\x0f" + lossless[at + 4 :], True
    tiles = bases["heic tiles"]
    yield "heic grid", tiles.replace(struct.pack(">HH", 256, 128), b"\xff\xff\xff\xff"), True
    yield "heic larger inside", _larger_inside(bases["heic colour"]), True


def _larger_inside(small: bytes) -> bytes:
    """A large HEIC that declares itself as small as the other."""
    large = encode(scene().resize((640, 480)), "heic", quality=30)
    return large.replace(struct.pack(">II", 640, 480), struct.pack(">II", WIDTH, HEIGHT))


def _bombs(bases: dict[str, bytes]) -> _Named:
    png, zeros = bases["png grey 16"], zlib.compress(bytes(200_000_000), 9)
    yield "png profile", png_with(png, png_chunk(b"iCCP", b"x\0\0" + zeros)), False
    yield "png text", png_with(png, png_chunk(b"zTXt", b"x\0\0" + zeros)), False
    yield "png international text", png_with(png, png_chunk(b"iTXt", b"x\0\1\0\0\0" + zeros)), False
    yield "png many texts", png_with(png, *[png_chunk(b"zTXt", b"x\0\0" + zeros[:2000])] * 3000), False
    tiny = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    yield "png pixels", MAGICS["png"] + tiny + png_chunk(b"IDAT", zeros) + png_chunk(b"IEND", b""), False
    yield "png chunks", png_with(png, png_chunk(b"tEXt", b"") * 100_000), True
    jpeg = bases["jpeg progressive"]
    start = jpeg.rindex(b"\xff\xda")
    yield "jpeg scans", jpeg[:start] + jpeg[start:-2] * 5000 + jpeg[-2:], True
    yield "jpeg segments", jpeg[:2] + b"\xff\xfe\0\2" * 50_000 + jpeg[2:], True
    yield "tiff loop", tiff_of(8, 8, following=8), True
    yield (
        "tiff pages",
        b"II*\0\x08\0\0\0"
        + b"".join(tiff_page([(256, 4, 1, 8), (257, 4, 1, 8)], 8 + 30 * (number + 1)) for number in range(20_000)),
        True,
    )
    yield "tiff strips", tiff_of(8, 16_384, (273, 4, 0xFFFFFFFF, 8), (279, 4, 0xFFFFFFFF, 8)), True
    yield "tiff strip outside", tiff_of(8, 8, (273, 4, 1, 0x7FFFFFF0)), True
    yield "tiff long strip", tiff_of(8, 8, (279, 4, 1, 0xFFFFFFF0)), True
    yield "tiff tag", tiff_of(8, 8, (320, 3, 0xFFFFFFFF, 8)), True
    tile = ((322, 4, 1, 16_384), (323, 4, 1, 16_384), (324, 4, 1, 500), (325, 4, 1, 64))
    yield "tiff tile", tiff_of(8, 8, *tile), True
    yield "tiff no rows", tiff_of(8, 64, (278, 4, 1, 0)), False
    yield "tiff samples", tiff_of(8, 8, (277, 3, 1, 60_000)), True
    heic = bases["heic colour"]
    at = heic.index(b"iinf") + 8
    yield "heic items", heic[:at] + b"\xff\xff" + heic[at + 2 :], False
    for box in (b"meta", b"iloc", b"iinf", b"iprp", b"ipco", b"ipma", b"hvcC", b"mdat"):
        at = heic.index(box)
        yield f"heic {box.decode()} of 4 GiB", heic[: at - 4] + b"\xff\xff\xff\xff" + heic[at:], True
        yield f"heic {box.decode()} without end", heic[: at - 4] + b"\0\0\0\0" + heic[at:], False
    yield "heic boxes", heic + struct.pack(">I4s", 8, b"free") * 20_000, True


def _bad_metadata(bases: dict[str, bytes]) -> _Named:
    rng = np.random.default_rng(5)
    loop = b"Exif\0\0II*\0\x08\0\0\0" + b"\xff\xff" + b"\x69\x87\4\0\1\0\0\0\x08\0\0\0" * 40
    for name, exif in (("random", b"Exif\0\0" + rng.bytes(300)), ("loop", loop), ("short", b"Exif\0\0II*")):
        yield f"jpeg exif {name}", jpeg_with(bases["jpeg grey"], 0xE1, exif), False
        yield f"png exif {name}", png_with(bases["png alpha"], png_chunk(b"eXIf", exif[6:])), False
        yield f"webp exif {name}", encode(scene(), "webp", exif=exif), False
        yield f"heic exif {name}", encode(scene(), "heic", exif=exif), False
    sound = srgb_profile()
    for name, profile in (
        ("random", rng.bytes(500)),
        ("cut", sound[:200]),
        ("flipped", sound[:128] + b"\xff\xff\xff\xff" + rng.bytes(len(sound) - 132)),
        ("of grey", sound[:16] + b"GRAY" + sound[20:]),
    ):
        for kind in MAGICS:
            yield f"{kind} profile {name}", encode(scene(), kind, icc_profile=profile), False


def _polyglots(bases: dict[str, bytes]) -> _Named:
    archive = b"PK\5\6" + bytes(18)
    script = b"<html><script>alert(1)</script></html>"
    for name in ("jpeg baseline", "png colour", "webp lossy", "tiff raw", "heic colour"):
        data = bases[name]
        yield f"{name} then zip", data + archive, False
        yield f"{name} then script", data + script, False
        yield f"script then {name}", script + data, True
        yield f"pdf then {name}", b"%PDF-1.7\n" + data, True
        yield f"gif then {name}", b"GIF89a" + data, True
        yield f"{name} then itself", data + data, False


def peak_kib() -> int:
    """Most memory that this process ever held, in KiB.

    Not ``getrusage``: its figure begins at what the parent held, so that below a large pytest nothing seems to grow.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    """Decodes all of them and prints a summary, with what grew beyond the memory used before."""
    from facekeep.domain.sample import BiometricSample
    from facekeep.errors import ImageError
    from facekeep.face.images import decode

    seed, count = int(sys.argv[1]), int(sys.argv[2])
    limit = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    pictures = list(malformed(seed, count))
    for data in base_pictures().values():
        decode(data)
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    before = peak_kib()
    outcomes: Counter[str] = Counter()
    wrong, messages = [], set()
    for picture in pictures:
        try:
            sample = decode(picture.data)
        except ImageError as error:
            outcomes["refused"] += 1
            messages.add(error.message)
        else:
            outcomes["decoded"] += 1
            if picture.refused or type(sample) is not BiometricSample:
                wrong.append(picture.name)
    still = sum(decode(data).pixels.size > 0 for data in base_pictures().values())
    grown = peak_kib() - before
    result = {"outcomes": outcomes, "wrong": wrong, "bases": still, "grown_kib": grown, "messages": sorted(messages)}
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
