"""Masks: areas left out of the overlay and statistics, found in the video or drawn by a person."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.image_files import decode_mask
from roadseg.errors import DatasetError, InputError, VideoError
from roadseg.files import write_png
from roadseg.inputs.documents import read_bytes
from roadseg.inputs.limits import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS
from roadseg.video.interval import WHOLE, Interval
from roadseg.video.sample import sample_frames, timed_frames
from roadseg.video.static_regions import find_static_regions

SAMPLED = 64
"""Number of frames that are searched for areas that never move."""
SAMPLED_SIDE = 640
"""Longer side of these frames in pixels, at most: strokes of a date stamp are still two pixels wide."""
MASKED = 255
"""Value of a mask image where the video is left out; 0 elsewhere."""
UNLIKE = 0.03
"""Relative difference of the aspect ratios of mask and video from which on a notice is given."""
TINT = (255, 0, 255)
"""RGB colour of masked areas in a preview: streets do not have it."""


@dataclass(frozen=True, eq=False)
class Mask:
    """Area that is left out of every frame."""

    left_out: NDArray[np.bool_]
    """(H, W) covering the whole frame, at any size."""
    origin: str
    """`auto`, or `sha256:` and the digest of the file."""

    @property
    def share(self) -> float:
        """Fraction of the frame that is left out, 0..1."""
        return float(self.left_out.mean())

    def seen_at(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return where the mask, scaled to label maps of `shape` (h, w), leaves half of a pixel or more: (h, w).

        Raises:
            InputError: it leaves no pixel.
        """
        seen = _scaled(~self.left_out, (shape[1], shape[0]))
        if not seen.any():
            raise InputError("the mask leaves nothing of the frame", "Black is kept, white left out: swap them.")
        return seen


AUTO: Literal["auto"] = "auto"
MaskChoice = Mask | Literal["auto"]


def read_mask(path: Path) -> Mask:
    """Read a mask that a person drew: white is left out, black is kept.

    Args:
        path: image file, PNG or another lossless format, grey or colour.

    Raises:
        InputError: it cannot be read, has other colours, is transparent, or leaves out everything or nothing.
    """
    try:
        data = read_bytes(path, MAX_IMAGE_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: this mask cannot be read ({getattr(error, 'strerror', error)})",
            "Give a PNG file, or write --mask auto.",
        ) from None
    try:
        image = decode_mask(data, path)
    except DatasetError as error:
        raise InputError(
            error.cause,
            f"A mask is a PNG file of at most {MAX_IMAGE_PIXELS:,} pixels: white is left out, black is kept.",
        ) from error
    full = 255 if image.dtype == np.uint8 else 65535
    channels = image.reshape(*image.shape[:2], -1)
    colours, opacity = channels[..., :3], channels[..., 3:]
    if (opacity != full).any():
        raise InputError(f"{path}: partly transparent", "Flatten it: white is left out, black is kept.")
    white, black = (colours == full).all(axis=2), (colours == 0).all(axis=2)
    between = int((~white & ~black).sum())
    if between:
        raise InputError(
            f"{path}: {between} of its pixels are neither black nor white",
            "Paint without soft edges and save as PNG: white is left out, black is kept.",
        )
    if not white.any() or not black.any():
        what = "everything" if white.any() else "nothing"
        raise InputError(f"{path}: leaves out {what}", "White is left out, black is kept.")
    return Mask(white, f"sha256:{hashlib.sha256(data).hexdigest()}")


def mask_of(
    video: Path,
    choice: MaskChoice | None,
    size: tuple[int, int],
    image: Path,
    preview: Path,
    *,
    track: int | None = None,
    interval: Interval = WHOLE,
) -> tuple[Mask | None, list[str]]:
    """Return the mask of one video, and notices about it.

    A mask that was found is written as two images: one that `read_mask` reads, and one on a frame of the video. Where
    nothing is found, images of an earlier search are removed. With a given mask they stay: they may be that mask.

    Args:
        video: read only for `auto`.
        choice: `auto`, a mask that a person drew, or none.
        size: (width, height) of the video, upright.
        image: path for the mask.
        preview: path for a frame with the mask on it.
        track: see `VideoReader`.
        interval: part of the video from which the frame is taken; the mask is found in all of it.

    Returns:
        The mask, None if nothing is left out; notices, each in a sentence.

    Raises:
        OutputError: an image cannot be written.
    """
    if choice is None:
        return None, []
    if isinstance(choice, Mask):
        return choice, _mismatch(choice, size)
    scale = min(1, SAMPLED_SIDE / max(size))
    try:
        frames = sample_frames(video, (max(1, round(scale * size[0])), max(1, round(scale * size[1]))), SAMPLED, track)
        found = find_static_regions(frames)
        middle = None
        if found.mask.any():
            _, (middle,) = timed_frames(video, size, every=1.0, most=1, enough=1, track=track, interval=interval)
    except VideoError as error:
        return None, [f"no mask: {error.cause}"]
    if middle is None:
        for earlier in (image, preview):
            earlier.unlink(missing_ok=True)
        return None, [f"no mask: {found.notice}"]
    mask = Mask(_scaled(found.mask, size), AUTO)
    write_png(image, mask.left_out.astype(np.uint8) * MASKED)
    write_png(preview, _tinted(middle, mask.left_out))
    return mask, []


def _mismatch(mask: Mask, size: tuple[int, int]) -> list[str]:
    height, width = mask.left_out.shape
    notices = []
    if abs(width * size[1] / (height * size[0]) - 1) > UNLIKE:
        notices.append(f"the mask of {width}x{height} pixels was stretched to {size[0]}x{size[1]}")
    if mask.share > 0.5:
        notices.append(f"the mask leaves out {mask.share:.0%} of the frame: white is left out, black is kept")
    return notices


def _scaled(region: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Scale to (width, height): true where at least half of a pixel is."""
    shares = cv2.resize(region.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(shares >= 0.5, np.bool_)


def _tinted(frame: NDArray[np.uint8], left_out: NDArray[np.bool_]) -> NDArray[np.uint8]:
    shown = frame.copy()
    shown[left_out] = shown[left_out] // 3 * 2 + np.array(TINT, np.uint8) // 3
    outline = cv2.morphologyEx(left_out.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    shown[outline] = TINT
    return shown
