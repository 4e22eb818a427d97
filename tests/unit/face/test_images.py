"""What comes out of a valid picture, and what is said about one that is not taken."""

from __future__ import annotations

import io
import traceback
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from facekeep.domain.sample import BiometricSample
from facekeep.errors import ImageError
from facekeep.face.containers import exif_orientation
from facekeep.face.images import ImageLimits, decode, decode_many
from tests.unit.face import malformed as made

BASES = made.base_pictures()
MALFORMED = {picture.name: picture.data for picture in made.malformed(0, 162)}
FORMATS = sorted(made.MAGICS)
SCENE = np.asarray(made.scene())


def _error(data: bytes, limits: ImageLimits | None = None) -> ImageError:
    with pytest.raises(ImageError) as caught:
        decode(data, limits or ImageLimits())
    return caught.value


def _furthest(sample: BiometricSample, expected: object) -> int:
    return int(np.abs(sample.pixels.astype(int) - np.asarray(expected).astype(int)).max())


@pytest.mark.parametrize("name", BASES)
def test_every_kind_shows_the_scene(name: str) -> None:
    sample = decode(BASES[name])
    height, width = (128, 256) if name == "heic tiles" else (made.HEIGHT, made.WIDTH)
    assert sample.pixels.shape == (height, width, 3)
    assert sample.pixels.flags.c_contiguous
    assert not sample.pixels.flags.writeable
    # Compared at reduced size: the formats differ in loss, not in what they show.
    expected = made.scene()
    if "alpha" in name or name in {"webp lossless", "tiff lzw"}:
        grey = Image.new("RGBA", expected.size, (128, 128, 128, 255))
        expected = Image.alpha_composite(grey, made.with_alpha()).convert("RGB")
    if "grey" in name or "deflate 16" in name:
        expected = expected.convert("L").convert("RGB")
    small = Image.fromarray(np.asarray(sample.pixels)).resize((12, 8), Image.Resampling.BOX)
    difference = np.abs(np.asarray(small).astype(int) - np.asarray(expected.resize((12, 8), Image.Resampling.BOX)))
    assert difference.max() <= (32 if "palette" in name else 6)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = made.encode(made.scene(), kind, exif=exif, **({"lossless": True} if kind == "webp" else {}))
    with Image.open(io.BytesIO(data)) as opened:
        expected = ImageOps.exif_transpose(opened).convert("RGB")
    assert _furthest(decode(data), expected) == 0


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_heic_is_turned_once_although_it_says_so_twice(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = decode(made.encode(made.scene(), "heic")).pixels
    turned = decode(made.encode(made.scene(), "heic", exif=exif.tobytes())).pixels
    turns = {3: 2, 6: 3, 8: 1}[orientation]
    assert np.abs(turned.astype(int) - np.rot90(upright, turns).astype(int)).max() <= 24


@given(st.binary(max_size=200))
def test_orientation_is_read_from_anything(block: bytes) -> None:
    assert 1 <= exif_orientation(block) <= 8
    assert 1 <= exif_orientation(b"Exif\0\0II*\0" + block) <= 8
    assert 1 <= exif_orientation(b"MM\0*\0\0\0\x08" + block) <= 8


def test_transparency_shows_mid_grey() -> None:
    for image in (Image.new("RGBA", (4, 4), (255, 0, 0, 0)), Image.new("LA", (4, 4), (255, 0))):
        assert (decode(made.encode(image, "png")).pixels == 128).all()
    half = decode(made.encode(Image.new("RGBA", (4, 4), (255, 0, 0, 51)), "png")).pixels[0, 0]
    assert half.tolist() == [153, 102, 102]
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    assert (decode(made.encode(palette, "png", transparency=0)).pixels == 128).all()
    assert decode(made.encode(palette, "png", transparency=1)).pixels[0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (128, 0), (129, 1), (32_768, 128), (65_535, 255)])
@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_sixteen_bits_of_grey_are_scaled(kind: str, value: int, expected: int) -> None:
    image = Image.fromarray(np.full((5, 7), value, np.uint16))
    assert (decode(made.encode(image, kind)).pixels == expected).all()


def test_sixteen_bits_of_colour_are_scaled() -> None:
    header = made.png_chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x10\2\0\0\0")
    row = zlib.compress(b"\0" + bytes.fromhex("ffff8000007f"))
    data = made.MAGICS["png"] + header + made.png_chunk(b"IDAT", row) + made.png_chunk(b"IEND", b"")
    assert decode(data).pixels.tolist() == [[[255, 128, 0]]]


def test_one_bit_and_cmyk() -> None:
    checks = Image.fromarray(np.indices((8, 8)).sum(axis=0) % 2 == 0)
    for kind in ("png", "tiff"):
        pixels = decode(made.encode(checks, kind)).pixels
        assert pixels[0, 0].tolist() == [255, 255, 255]
        assert pixels[0, 1].tolist() == [0, 0, 0]
    # Pillow writes CMYK JPEG as Adobe does, inverted; taken plainly, cyan would come out as red.
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    assert b"Adobe" in made.encode(cyan, "jpeg")
    for kind in ("jpeg", "tiff"):
        assert np.abs(decode(made.encode(cyan, kind)).pixels[8, 8].astype(int) - [0, 255, 255]).max() <= 3


def _swapping_profile() -> bytes:
    """sRGB with the colorants of red and blue exchanged: applied, it turns red into blue."""
    sound = made.srgb_profile()
    tags = {sound[at : at + 4]: sound[at + 4 : at + 12] for at in range(132, 132 + 12 * sound[131], 12)}
    red, blue = (b"rXYZ" + tags[b"rXYZ"]), (b"bXYZ" + tags[b"bXYZ"])
    return sound.replace(red, b"rXYZ" + tags[b"bXYZ"]).replace(blue, b"bXYZ" + tags[b"rXYZ"])


@pytest.mark.parametrize("kind", FORMATS)
def test_profile_is_applied(kind: str) -> None:
    image = Image.new("RGB", (32, 32), (250, 10, 10))
    options = {"jpeg": {"quality": 95}, "webp": {"lossless": True}}.get(kind, {})
    plain = decode(made.encode(image, kind, **options)).pixels[16, 16]
    swapped = decode(made.encode(image, kind, icc_profile=_swapping_profile(), **options)).pixels[16, 16]
    assert plain[0] > 240
    assert plain[2] < 30
    assert swapped[2] > 230
    assert swapped[0] < 50


def test_profile_of_other_colours_or_too_large_is_ignored() -> None:
    grey = made.scene().convert("L")
    plain = decode(made.encode(grey, "png")).pixels
    assert (decode(made.encode(grey, "png", icc_profile=made.srgb_profile())).pixels == plain).all()
    swapping = made.encode(made.scene(), "png", icc_profile=_swapping_profile())
    assert _furthest(decode(swapping), SCENE) > 50
    assert _furthest(decode(swapping, ImageLimits(profile_bytes=100)), SCENE) == 0
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert _furthest(decode(made.encode(made.scene(), "png", icc_profile=lab)), SCENE) == 0


@pytest.mark.parametrize("name", BASES)
def test_limits_hold_before_decoding(name: str) -> None:
    data = BASES[name]
    assert "megapixels" in _error(data, ImageLimits(pixels=made.WIDTH * made.HEIGHT - 1)).message
    assert "pixels a side" in _error(data, ImageLimits(side=made.WIDTH - 1)).message
    assert str(len(data)) in _error(data, ImageLimits(bytes=len(data) - 1)).message
    if name != "heic tiles":
        decode(data, ImageLimits(bytes=len(data), pixels=made.WIDTH * made.HEIGHT, side=made.WIDTH))


@pytest.mark.parametrize("field", ["bytes", "pixels", "side"])
def test_limits_are_checked_themselves(field: str) -> None:
    with pytest.raises(ValueError, match="limits"):
        ImageLimits(**{field: 0})
    with pytest.raises(ValueError, match="at most"):
        ImageLimits(pixels=100_000_000)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("trivial: empty", "empty"),
        ("trivial: other format bmp", "BMP"),
        ("trivial: other format avif", "no known"),
        ("animated: gif", "GIF"),
        ("animated: png", "animated"),
        ("animated: webp", "animated"),
        ("animated: tiff", "several pages"),
        ("animated: heic", "several pictures"),
        ("animated: heic track", "sequence"),
        ("bombs: jpeg scans", "scans"),
        ("giant: heic larger inside", "another size"),
        ("giant: png 65000 × 65000", "65000 × 65000"),
    ],
)
def test_the_message_says_what_is_wrong(name: str, words: str) -> None:
    data = MALFORMED[name]
    error = _error(data)
    assert words in error.message
    assert error.hint


def test_rare_kinds_are_refused_by_name() -> None:
    arithmetic = BASES["jpeg grey"].replace(b"\xff\xc0", b"\xff\xc9")
    assert "arithmetic" in _error(arithmetic).message
    assert "BigTIFF" in _error(b"II+\0\x08\0\0\0" + bytes(100)).message
    floating = made.encode(Image.fromarray(np.ones((8, 8), np.float32)), "tiff")
    assert "not read" in _error(floating).message


def test_swapped_end_of_a_jpeg_is_truncated() -> None:
    for cut in (1, 2, 10, 500):
        assert "truncated" in _error(BASES["jpeg baseline"][:-cut]).message


def test_metadata_is_neither_kept_nor_told() -> None:
    canary = b"CANARY description"
    holding = [name for name, data in BASES.items() if canary in data]
    assert {name.split()[0] for name in holding} == set(FORMATS)
    for name in holding:
        sample = decode(BASES[name])
        assert canary not in sample.pixels.tobytes()
        for length in range(len(BASES[name]) // 2, len(BASES[name]) - 2, 400):
            error = _error(BASES[name][:length])
            told = "".join(traceback.format_exception(error)) + error.hint
            assert "CANARY" not in told
            assert error.__context__ is None
            assert error.__cause__ is None


def test_many_goes_on_after_a_bad_one() -> None:
    results = list(decode_many([BASES["png colour"], b"", BASES["jpeg grey"]]))
    assert [type(result) for result in results] == [BiometricSample, ImageError, BiometricSample]
    assert list(decode_many([])) == []


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=60, deadline=None)
@given(tail=st.binary(max_size=300))
def test_anything_behind_a_magic_gives_an_image_error(kind: str, tail: bytes) -> None:
    with pytest.raises(ImageError):
        decode(made.MAGICS[kind] + tail)
