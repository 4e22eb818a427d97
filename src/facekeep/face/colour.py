"""From whatever colours a picture has to 8-bit sRGB without transparency, a band of rows at a time.

A band at a time, because the largest picture has 64 megapixels: each further copy of it as a whole would cost 256 MiB.
"""

from __future__ import annotations

import io
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from facekeep.domain.sample import Pixels

_BAND_PIXELS = 1 << 20
_MATTE = 128
"""Transparent pixels show mid-grey. White or black around a cut-out face would count as over- or underexposure and pull
the contrast of the crop with it; mid-grey is the mean that detector and embedding subtract, and thus says nothing."""

_SPACES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}


def to_srgb(image: Image.Image, profile: bytes | None) -> Pixels:
    """Paints a loaded picture as 8-bit sRGB.

    16-bit grey is scaled by 255/65535 and rounded; alpha is composited on mid-grey; palettes are looked up; CMYK goes
    through its ICC profile, or without one through Pillow's plain formula. A profile that is damaged or made for other
    colours than the picture has is ignored.

    Args:
        image: of any mode but floating point and 32-bit integers.
        profile: an ICC profile or None.

    Returns:
        Shape (height, width, 3).

    Raises:
        ValueError: the mode is none that is read.
    """
    width, height = image.size
    result = np.empty((height, width, 3), np.uint8)
    transform = _transform(image, profile)
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        band = image.crop((0, top, width, bottom))
        band.info = {key: value for key, value in image.info.items() if key == "transparency"}
        result[top:bottom] = _paint(band, transform)
    return result


def _paint(band: Image.Image, transform: ImageCms.ImageCmsTransform | None) -> NDArray[np.uint8]:
    band, alpha = _plain(band)
    if transform is not None:
        converted = ImageCms.applyTransform(band, transform)
        band = band if converted is None else converted
    colours = np.asarray(band.convert("RGB"))
    if alpha is None:
        return colours
    weight = np.asarray(alpha, np.uint16)[:, :, None]
    # (a·x + (255 − a)·matte + 127) // 255 rounds to the nearest and stays within 16 bits.
    mixed = (weight * colours + (255 - weight) * np.uint16(_MATTE) + np.uint16(127)) // np.uint16(255)
    return cast("NDArray[np.uint8]", mixed.astype(np.uint8))


def _plain(band: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The band as L, RGB or CMYK, and its alpha if it has any."""
    if band.mode.startswith("I;16"):
        samples = np.asarray(band).astype(np.uint32)
        return Image.fromarray(((samples * 255 + 32767) // 65535).astype(np.uint8)), None
    if band.mode in {"L", "RGB", "CMYK"} and "transparency" not in band.info:
        return band, None
    if band.mode in {"1", "P", "L", "RGB", "LA", "La", "PA", "RGBA", "RGBa", "RGBX", "YCbCr"}:
        if band.mode in {"1", "YCbCr", "RGBX"} and "transparency" not in band.info:
            return band.convert("L" if band.mode == "1" else "RGB"), None
        mode = {"La": "LA", "RGBa": "RGBA"}.get(band.mode)
        whole = (band.convert(mode) if mode else band).convert("RGBA")
        grey = band.mode in {"LA", "La", "L", "1"}
        return whole.convert("RGB").convert("L") if grey else whole.convert("RGB"), whole.getchannel("A")
    raise ValueError(f"no way from {band.mode} to RGB")


def _transform(image: Image.Image, profile: bytes | None) -> ImageCms.ImageCmsTransform | None:
    """The way from the profile's colours to sRGB; None if there is no usable profile for these colours."""
    if profile is None or len(profile) < 128 or profile[36:40] != b"acsp":
        return None
    mode = _SPACES.get(profile[16:20])
    plain, _ = _plain(image.crop((0, 0, 1, 1)))
    if mode is None or mode != plain.mode or profile[12:16] not in {b"mntr", b"scnr", b"prtr", b"spac"}:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        # A damaged profile tints a face a little; refusing the picture would help nobody.
        return None
