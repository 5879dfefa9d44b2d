"""Reader of all image files: header first, then pixels, turned upright.

Images and label maps are turned alike, by their EXIF orientation, so that they stay a pair. Files that a decoder would
read wrongly without a message are refused: broken JPEG data, class ids that JPEG has blurred, more pixels than fit,
several images, of which it would show the first.
"""

import io
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from roadseg.errors import DatasetError
from roadseg.inputs.documents import read_bytes
from roadseg.inputs.limits import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS
from roadseg.video.jpeg import jpeg_is_whole

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
"""Formats that are read, by Pillow's names; recognised by content, not by the name of the file."""
# fmt: off
UNREAD_SUFFIXES = frozenset((
    ".arw", ".avif", ".cr2", ".cr3", ".dng", ".exr", ".gif", ".hdr", ".heic", ".heif", ".ico", ".j2k", ".jfif",
    ".jp2", ".jpe", ".jpf", ".jxl", ".mpo", ".nef", ".orf", ".pbm", ".pcx", ".pgm", ".pnm", ".ppm", ".psd",
    ".qoi", ".raw", ".rw2", ".svg", ".tga", ".xcf"
))
# fmt: on
"""Extensions of images in formats that are not read."""
BROKEN = "Delete it and unpack or fetch it again."
ONE_IMAGE = "Save one image a file, or make an animation a video (.mp4) and take its frames: roadseg frames."
ORIENTATION = 0x0112
"""EXIF tag of the orientation: 1 to 8, 1 for upright (CIPA DC-008)."""
EIGHT_BITS = ("1", "L", "P", "LA", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
"""Pillow's modes of at most 8 bits a colour."""
GREY, INDEXED = 0, 3
"""Colour types of PNG with one channel."""
IMAGE, LABEL_MAP, MASK = "an image", "a label map", "a mask"
"""Names of the kinds of files in messages."""
SUBFILE_TYPE, REDUCED = 0x00FE, 1
"""TIFF tag of what an image in a file is, and its bit for a smaller version of another one (TIFF 6.0, page 36)."""


class _File(NamedTuple):
    """An image file whose header is read and whose size is within the limits."""

    data: bytes
    image: Image.Image
    """Opened, its pixels not yet read."""
    origin: Path
    """Name in messages."""

    @property
    def format(self) -> str:
        """PNG, JPEG, MPO, WEBP, BMP or TIFF."""
        return self.image.format or ""

    @property
    def png_bits(self) -> int:
        """Bits of a channel of a PNG, from its first chunk."""
        return self.data[24]

    @property
    def is_colour_png(self) -> bool:
        """True for a PNG of several channels; with a palette it has one."""
        return self.data[25] not in (GREY, INDEXED)


def read_colours(path: Path) -> NDArray[np.uint8]:
    """Read an image as (H, W, 3) uint8 RGB, upright.

    Raises:
        DatasetError: the file is missing, broken, too large or of a format that is not read.
    """
    return decode_colours(_content(path, IMAGE), path)


def decode_colours(data: bytes, origin: Path) -> NDArray[np.uint8]:
    """Decode the bytes of an image file as (H, W, 3) uint8 RGB, upright.

    Args:
        data: content of the file.
        origin: name of the file in messages.

    Raises:
        DatasetError: it is not an image that can be read.
    """
    file = _opened(data, origin, IMAGE)
    if file.format in ("JPEG", "MPO") and not jpeg_is_whole(data):
        raise DatasetError(f"{origin}: cannot be read as an image (its JPEG data are cut off or broken)", BROKEN)
    # OpenCV decodes twice as fast as Pillow, but turns some TIFF files without being asked.
    pixels = _tiff(file) if file.format == "TIFF" else _decoded(file, cv2.IMREAD_COLOR_RGB, IMAGE)
    return np.asarray(_upright(pixels, file), np.uint8)


def decode_mask(data: bytes, origin: Path) -> NDArray[np.integer]:
    """Decode the bytes of an image file as it is stored, with its opacity.

    Args:
        data: content of the file.
        origin: name of the file in messages.

    Returns:
        (H, W), or (H, W, 3 or 4) blue, green, red and opacity; uint8 or uint16; upright.

    Raises:
        DatasetError: it is not an image that can be read.
    """
    file = _opened(data, origin, MASK)
    pixels = _tiff(file, "RGBA") if file.format == "TIFF" else _decoded(file, cv2.IMREAD_UNCHANGED, MASK)
    return _upright(pixels, file)


def read_ids(path: Path) -> NDArray[np.integer]:
    """Read a PNG of one channel, or with a palette, as the numbers it stores: (H, W) uint8 or uint16, upright.

    Raises:
        DatasetError: the file is missing, broken, too large, no PNG or a colour image.
    """
    return _ids(_opened_label(path))


def read_red(path: Path) -> NDArray[np.integer]:
    """Read the red channel of a colour PNG as the numbers it stores: (H, W) uint8 or uint16, upright.

    Raises:
        DatasetError: the file is missing, broken, too large, no PNG or not in colour.
    """
    return _red(_opened_label(path))


def read_ids_or_deep_red(path: Path) -> NDArray[np.integer]:
    """Read a PNG as `read_red` does if it has 16 bits a colour, else as `read_ids`.

    Raises:
        DatasetError: as for those.
    """
    file = _opened_label(path)
    return _red(file) if file.is_colour_png and file.png_bits == 16 else _ids(file)


def _ids(file: _File) -> NDArray[np.integer]:
    if file.is_colour_png:
        raise DatasetError(
            f"{file.origin}: a label map has one channel of class ids, this image is {file.image.mode}",
            'Give label-id images, not the coloured ones. Are ids in red, as from CARLA: mask_channel = "red".',
        )
    try:
        # Pillow, because OpenCV replaces palette indices by the palette's colours.
        pixels: NDArray[Any] = np.asarray(file.image)
    except Exception as error:
        raise _unreadable(file.origin, LABEL_MAP, error) from error
    if file.image.mode == "L" and file.png_bits in (2, 4):
        pixels = pixels // (255 // (2**file.png_bits - 1))  # Pillow spreads them over 0..255.
    return _upright(pixels.astype(np.uint8) if pixels.dtype == np.bool_ else pixels, file)


def _red(file: _File) -> NDArray[np.integer]:
    if not file.is_colour_png:
        raise DatasetError(
            f"{file.origin}: its class ids should be in the red channel, but this image is {file.image.mode}",
            "Leave mask_channel out where masks have one channel.",
        )
    # Pillow reduces 16-bit colours to 8 bits, which loses ids.
    pixels = _decoded(file, cv2.IMREAD_UNCHANGED, LABEL_MAP)
    return _upright(pixels[..., 2], file)


def _content(path: Path, what: str) -> bytes:
    try:
        return read_bytes(path, MAX_IMAGE_BYTES)
    except (OSError, ValueError) as error:
        raise _unreadable(path, what, error) from error


def _opened(data: bytes, origin: Path, what: str) -> _File:
    """Read the header of an image and check its size, before any memory is taken for pixels."""
    try:
        file = _File(data, Image.open(io.BytesIO(data), formats=FORMATS), origin)
        width, height = file.image.size
        several = _several(file)
    except Image.DecompressionBombError as error:
        raise DatasetError(f"{origin}: too large to be read as {what}", _scale(what)) from error
    except Exception as error:  # Decoders raise nearly everything on data that are not what they expect.
        raise _unreadable(origin, what, error) from error
    if width * height > MAX_IMAGE_PIXELS:
        raise DatasetError(f"{origin}: {width}x{height} pixels, too large to be read as {what}", _scale(what))
    if several:
        raise DatasetError(f"{origin}: {several}, cannot be read as {what}", ONE_IMAGE)
    return file


def _several(file: _File) -> str:
    """Name what a file of more than one image is; empty for one image.

    A smaller version of the same image does not count, nor what phones append to a JPEG.
    """
    if file.format in ("PNG", "WEBP"):
        return "an animation" if getattr(file.image, "is_animated", False) else ""
    if file.format != "TIFF":
        return ""
    try:
        file.image.seek(1)
    except EOFError:
        return ""
    is_reduced = int(getattr(file.image, "tag_v2", {}).get(SUBFILE_TYPE, 0)) & REDUCED
    file.image.seek(0)
    return "" if is_reduced else "several pages"


def _opened_label(path: Path) -> _File:
    file = _opened(_content(path, LABEL_MAP), path, LABEL_MAP)
    if file.format == "PNG":
        return file
    why = "which blurs class ids" if file.format in ("JPEG", "MPO", "WEBP") else "which is not read"
    raise DatasetError(
        f"{path}: holds {file.format} data, {why}, so it cannot be read as a label map",
        "Save label maps as PNG, from the program that made them: converting them later does not repair them.",
    )


def _scale(what: str) -> str:
    return f"At most {MAX_IMAGE_PIXELS:,} pixels are read: scale it down." if what == IMAGE else BROKEN


def _unreadable(origin: Path, what: str, error: Exception) -> DatasetError:
    if isinstance(error, OSError) and error.strerror:
        reason = error.strerror
    else:
        reason = "not an image" if isinstance(error, UnidentifiedImageError) else str(error).split("\n")[0]
    return DatasetError(f"{origin}: cannot be read as {what} ({reason})", BROKEN)


def _decoded(file: _File, flags: int, what: str) -> NDArray[Any]:
    """Decode with OpenCV, not turned."""
    try:
        pixels = cv2.imdecode(np.frombuffer(file.data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise DatasetError(f"{file.origin}: cannot be read as {what} (its {file.format} data are broken)", BROKEN)
    return np.asarray(pixels)


def _tiff(file: _File, mode: str = "RGB") -> NDArray[np.uint8]:
    """Decode a TIFF with Pillow in one of its modes, not turned."""
    if file.image.mode not in EIGHT_BITS:
        raise DatasetError(
            f"{file.origin}: a TIFF of more than 8 bits a colour ({file.image.mode}) is not read", "Save it as PNG."
        )
    try:
        return np.asarray(file.image.convert(mode))
    except Exception as error:
        raise _unreadable(file.origin, IMAGE, error) from error


def _upright(pixels: NDArray[Any], file: _File) -> NDArray[Any]:
    """Turn and mirror pixels by the EXIF orientation; no value changes."""
    turned = {
        2: lambda: pixels[:, ::-1],
        3: lambda: pixels[::-1, ::-1],
        4: lambda: pixels[::-1],
        5: lambda: pixels.swapaxes(0, 1),
        6: lambda: np.rot90(pixels, -1),
        7: lambda: pixels[::-1, ::-1].swapaxes(0, 1),
        8: lambda: np.rot90(pixels),
    }.get(_orientation(file))
    return np.ascontiguousarray(turned()) if turned else pixels


def _orientation(file: _File) -> int:
    """Return the EXIF orientation, 1..8; 1 where there is none, or where the EXIF data cannot be read."""
    try:
        if file.format != "PNG":
            return int(file.image.getexif().get(ORIENTATION, 1))
        # Pillow would decode the whole image to look behind its pixels.
        exif = Image.Exif()
        exif.load(_png_chunk(file.data, b"eXIf"))
        return int(exif.get(ORIENTATION, 1))
    except Exception:
        return 1


def _png_chunk(data: bytes, wanted: bytes) -> bytes:
    """Return the content of the first chunk of a kind in a PNG; empty where there is none."""
    position = 8
    while position + 8 <= len(data):
        length, kind = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        if kind == wanted:
            return data[position + 8 : position + 8 + length]
        position += 12 + length
    return b""
