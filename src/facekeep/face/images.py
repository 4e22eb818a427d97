"""Safe decoding: from the bytes of a stranger to a biometric sample, or to a clear error.

The order is the point. The size in bytes, then the magic number, then the container with its declared size, number of
pictures and of pieces are checked in Python, before any decoder sees a byte; the decoder is then the one for that
format and no other, and is given a reduced file without metadata. Nothing is written to disk, no metadata is kept.

Memory: at the limit of 64 megapixels at most 2 GiB, a WebP being the worst; docs/how-to/pictures.md has the figures.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import numpy as np
import pillow_heif
from PIL import Image

from facekeep.domain.sample import BiometricSample, Pixels
from facekeep.errors import ImageError
from facekeep.face import heif, jpeg, png, tiff, webp
from facekeep.face.colour import to_srgb
from facekeep.face.containers import DAMAGED, PLAIN, STILL, Cleared, ImageLimits

__all__ = ["ImageLimits", "decode", "decode_many"]

_DEFAULT_LIMITS = ImageLimits()
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_TIFF_MAGICS = {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}
_OTHERS = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"%PDF", "PDF"),
    (b"\0\0\1\0", "icon"),
    (b"\0\0\0\x0cjP", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"8BPS", "Photoshop"),
    (b"<", "text or SVG"),
)
_MIRRORED = {2, 4, 5, 7}
_QUARTER_TURNS = {1: 0, 2: 0, 3: 2, 4: 2, 5: 3, 6: 3, 7: 1, 8: 1}


def decode(data: bytes, limits: ImageLimits = _DEFAULT_LIMITS) -> BiometricSample:
    """Decodes a still picture.

    JPEG, PNG, WebP, HEIC and TIFF are read, told apart by their first bytes. The result is upright (EXIF orientation,
    or HEIF's own), sRGB (an embedded ICC profile is applied if it is sound) and opaque (transparent pixels are
    mid-grey).

    Args:
        data: the whole file.
        limits: what is accepted.

    Returns:
        The picture, with all its pixels and nothing else.

    Raises:
        ImageError: the file is empty, too large, of another format, damaged, animated, or of a kind that is not read.
            No other exception is raised for any content of ``data``.
    """
    problem: ImageError
    try:
        cleared = _clear(data, limits)
        return BiometricSample(_upright(_paint(cleared, limits), cleared.orientation))
    except ImageError as error:
        problem = error
    except MemoryError:
        problem = ImageError("There is not enough memory to decode the picture.", hint="Reduce the picture.")
    except Exception as error:  # noqa: BLE001 — decoders raise what they like; only its type is told, as messages hold content
        problem = ImageError(f"The picture cannot be decoded ({type(error).__name__}).", hint=DAMAGED)
    # Raised outside of the handlers: a decoder's own message, and the frames with the pixels, are not chained to it.
    raise problem.with_traceback(None)


def decode_many(
    items: Iterable[bytes], limits: ImageLimits = _DEFAULT_LIMITS
) -> Iterator[BiometricSample | ImageError]:
    """Decodes one picture after the other; a bad one does not stop the rest.

    Lazy, so that memory holds one picture at a time if the caller does.

    Args:
        items: the files.
        limits: what is accepted of each.

    Yields:
        In the order of ``items``, the sample or the error.
    """
    for data in items:
        try:
            yield decode(data, limits)
        except ImageError as error:
            yield error


def _clear(data: bytes, limits: ImageLimits) -> Cleared:
    """Bounds the file and hands it to the reader of its format."""
    if not data:
        raise ImageError("The file is empty.", hint=DAMAGED)
    if len(data) > limits.bytes:
        raise ImageError(
            f"The file has {len(data)} bytes; at most {limits.bytes} are accepted.", hint="Reduce the picture."
        )
    if data.startswith(b"\xff\xd8"):
        return jpeg.clear(data, limits)
    if data.startswith(png.SIGNATURE):
        return png.clear(data, limits)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return webp.clear(data, limits)
    if data[:4] in _TIFF_MAGICS:
        return tiff.clear(data, limits)
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return heif.clear(data, limits)
    for magic, name in _OTHERS:
        if data.startswith(magic):
            raise ImageError(f"The file is of the format {name}, which is not read.", hint=STILL)
    raise ImageError("The file is of no known picture format.", hint=STILL)


def _paint(cleared: Cleared, limits: ImageLimits) -> Pixels:
    image, profile = _open_heif(cleared, limits) if cleared.format == "HEIF" else _open(cleared)
    with image:
        return to_srgb(image, profile)


def _open(cleared: Cleared) -> tuple[Image.Image, bytes | None]:
    image = Image.open(io.BytesIO(cleared.data), formats=(cleared.format,))
    if image.format != cleared.format or image.size != (cleared.width, cleared.height):
        raise ImageError("The picture has another size or format than its header says.", hint=DAMAGED)
    image.load()
    return image, cleared.profile


def _open_heif(cleared: Cleared, limits: ImageLimits) -> tuple[Image.Image, bytes | None]:
    container = pillow_heif.open_heif(cleared.data, convert_hdr_to_8bit=True)
    if len(container) != 1:
        raise ImageError("The HEIC file holds several pictures; one is needed.", hint=STILL)
    picture = container[0]
    limits.check(*picture.size)
    if picture.mode not in {"L", "LA", "La", "RGB", "RGBA", "RGBa", "I;16", "I;16L"}:
        raise ImageError("The HEIC file has an unusual kind of pixel.", hint=PLAIN)
    profile: object = picture.info.get("icc_profile")
    pixels = Image.frombytes(picture.mode, picture.size, picture.data, "raw", picture.mode, picture.stride)
    if isinstance(profile, bytes) and len(profile) <= limits.profile_bytes:
        return pixels, profile
    return pixels, None


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undoes an EXIF orientation: quarter turns against the clock, then a mirror (CIPA DC-008, 4.6.5, tag 274)."""
    turned = np.rot90(pixels, _QUARTER_TURNS[orientation])
    if orientation in _MIRRORED:
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)
