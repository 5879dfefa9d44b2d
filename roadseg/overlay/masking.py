"""What is left out of a video's overlay and statistics: a mask found in the video itself, or one that a person drew."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.errors import InputError, VideoError
from roadseg.files import write_png
from roadseg.video.sample import sample_frames
from roadseg.video.static_regions import find_static_regions

SAMPLED = 64
"""Pictures of a video in which is looked for what never moves."""
SAMPLED_SIDE = 640
"""Pixels of their longer side, at most: the strokes of a date stamp are still two wide."""
MASKED = 255
"""What a mask's picture has where the video is left out; 0 elsewhere."""
UNLIKE = 0.03
"""Share by which the proportions of a mask and a video may differ before it is said."""
TINT = (255, 0, 255)
"""RGB of what a preview shows as left out: a colour that streets do not have."""


@dataclass(frozen=True, eq=False)
class Mask:
    """What of every picture is left out."""

    left_out: NDArray[np.bool_]
    """(H, W) of the whole picture, at any size."""
    origin: str
    """`auto`, or `sha256:` and the digest of the file."""

    @property
    def share(self) -> float:
        """Of the picture that is left out, 0..1."""
        return float(self.left_out.mean())

    def seen_at(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Where the mask, scaled to label maps of `shape` (h, w), leaves half of a pixel or more, (h, w).

        Raises:
            InputError: nowhere.
        """
        seen = _scaled(~self.left_out, (shape[1], shape[0]))
        if not seen.any():
            raise InputError("the mask leaves nothing of the picture", "Black is kept, white left out: swap them.")
        return seen


AUTO: Literal["auto"] = "auto"
MaskChoice = Mask | Literal["auto"]


def read_mask(path: Path) -> Mask:
    """Read a mask that a person drew: white is left out, black is kept.

    Args:
        path: of a picture, PNG or of another lossless format, in grey or in colour.

    Raises:
        InputError: it cannot be read, has other colours, is transparent, or leaves out everything or nothing.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: this mask cannot be read ({error.strerror})", "Give a PNG file, or write --mask auto."
        ) from None
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if picture is None or picture.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: not a picture", "A mask is a PNG file: white is left out, black is kept.")
    full = 255 if picture.dtype == np.uint8 else 65535
    channels = picture.reshape(*picture.shape[:2], -1)
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
    video: Path, choice: MaskChoice | None, size: tuple[int, int], picture: Path, preview: Path
) -> tuple[Mask | None, list[str]]:
    """The mask of one video, and what has to be said of it.

    A mask that was found is written as pictures: as `read_mask` takes it, and on a picture of the video. Where nothing
    is found, pictures of an earlier search are removed. Those of a mask that was given are left alone: it may be them.

    Args:
        video: is looked at for `auto` alone.
        choice: `auto`, what a person drew, or none.
        size: (width, height) of the video, upright.
        picture: where the mask is written to.
        preview: where the picture with the mask on it is written to.

    Returns:
        None where nothing is left out; notices, each in a sentence.

    Raises:
        OutputError: a picture cannot be written.
    """
    if choice is None:
        return None, []
    if isinstance(choice, Mask):
        return choice, _mismatch(choice, size)
    scale = min(1, SAMPLED_SIDE / max(size))
    try:
        pictures = sample_frames(video, (max(1, round(scale * size[0])), max(1, round(scale * size[1]))), SAMPLED)
        found = find_static_regions(pictures)
        middle = sample_frames(video, size, 1)[0] if found.mask.any() else None
    except VideoError as error:
        return None, [f"no mask: {error.cause}"]
    if middle is None:
        for earlier in (picture, preview):
            earlier.unlink(missing_ok=True)
        return None, [f"no mask: {found.notice}"]
    mask = Mask(_scaled(found.mask, size), AUTO)
    write_png(picture, mask.left_out.astype(np.uint8) * MASKED)
    write_png(preview, _tinted(middle, mask.left_out))
    return mask, []


def _mismatch(mask: Mask, size: tuple[int, int]) -> list[str]:
    height, width = mask.left_out.shape
    notices = []
    if abs(width * size[1] / (height * size[0]) - 1) > UNLIKE:
        notices.append(f"the mask of {width}x{height} pixels was stretched to {size[0]}x{size[1]}")
    if mask.share > 0.5:
        notices.append(f"the mask leaves out {mask.share:.0%} of the picture: white is left out, black is kept")
    return notices


def _scaled(region: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Scale to (width, height): true where half of a pixel or more is."""
    shares = cv2.resize(region.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(shares >= 0.5, np.bool_)


def _tinted(picture: NDArray[np.uint8], left_out: NDArray[np.bool_]) -> NDArray[np.uint8]:
    shown = picture.copy()
    shown[left_out] = shown[left_out] // 3 * 2 + np.array(TINT, np.uint8) // 3
    outline = cv2.morphologyEx(left_out.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    shown[outline] = TINT
    return shown
