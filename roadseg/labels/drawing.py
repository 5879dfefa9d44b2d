"""Label maps as colours, and colours on images: plain arrays in, plain arrays out."""

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import InputError
from roadseg.labels.space import LabelMap, LabelSpace


def colour_labels(labels: LabelMap, space: LabelSpace) -> NDArray[np.uint8]:
    """Return the class colours of a label map.

    Args:
        labels: (..., H, W) uint8 train ids.
        space: the classes and their colours.

    Returns:
        (..., H, W, 3) uint8 RGB; black where a pixel has no class.

    Raises:
        InputError: `labels` is not a uint8 array.
    """
    if not isinstance(labels, np.ndarray) or labels.dtype != np.uint8:
        raise InputError(f"labels: {described(labels)}, wanted uint8 train ids", "Take what segmenter.label() returns.")
    return space.palette[labels]


def draw_labels(
    image: NDArray[np.uint8], labels: LabelMap, space: LabelSpace, *, opacity: float = 0.5
) -> NDArray[np.uint8]:
    """Blend class colours into a copy of an image; pixels without a class stay as they are.

    Args:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8 train ids.
        space: the classes and their colours.
        opacity: weight of the colours, 0 (the plain image) to 1 (only colours).

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: an argument has another type, shape or range.
    """
    checked_image(image)
    colours = colour_labels(labels, space)
    if labels.shape != image.shape[:2]:
        raise InputError(
            f"labels: shape {labels.shape}, wanted {image.shape[:2]} as the image has",
            "Draw the labels of segmenter.label(image) on that image.",
        )
    if not 0 <= opacity <= 1:
        raise InputError(f"opacity: {opacity}, wanted 0 to 1", "0 is the plain image, 1 shows only colours.")
    blended = np.rint(image * np.float32(1 - opacity) + colours * np.float32(opacity)).astype(np.uint8)
    return np.where((labels < len(space))[..., None], blended, image)


def checked_image(image: object, *, name: str = "image") -> NDArray[np.uint8]:
    """Return `image` if it is one RGB image.

    Args:
        image: wanted is an (H, W, 3) uint8 array.
        name: what the error calls it.

    Raises:
        InputError: it is something else; the error names what was given, what is wanted, and how to convert it.
    """
    if not isinstance(image, np.ndarray):
        remedy = "Convert it to a NumPy array: of a Pillow image, np.asarray(image.convert('RGB'))."
    elif np.issubdtype(image.dtype, np.floating):
        remedy = "Write (image * 255).astype(np.uint8) if its values are 0..1."
    elif image.dtype != np.uint8:
        remedy = "Write image.astype(np.uint8) if its values are 0..255."
    elif image.size == 0:
        remedy = "It has no pixels: check how it was read or cropped."
    elif image.ndim == 3 and image.shape[2] == 4:
        remedy = "Write image[..., :3] to drop the fourth channel."
    elif image.ndim == 2:
        remedy = "Write np.stack([image] * 3, axis=-1) if it is a grey image."
    elif image.ndim == 3 and image.shape[0] == 3 != image.shape[2]:
        remedy = "Write image.transpose(1, 2, 0): the colours are the last axis."
    elif image.ndim != 3 or image.shape[2] != 3:
        remedy = "The axes are rows, columns and the colours red, green, blue."
    else:
        return image
    raise InputError(f"{name}: {described(image)}, wanted (H, W, 3) uint8 RGB", remedy)


def described(value: object) -> str:
    """Return the type of a value in words; of an array, its dtype and shape."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} array of shape {value.shape}"
    return f"an object of type {type(value).__name__}"
