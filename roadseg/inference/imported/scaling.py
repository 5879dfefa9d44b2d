"""Normalisations of other programs by name."""

from dataclasses import replace
from typing import Literal, get_args

from roadseg.errors import InputError
from roadseg.models.network import Normalisation

NormalizationName = Literal["imagenet", "0..1", "-1..1", "none", "caffe-bgr"]
NORMALIZATIONS: dict[str, Normalisation] = {
    "imagenet": Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "0..1": Normalisation((0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    "-1..1": Normalisation((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "none": Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "caffe-bgr": Normalisation((104.00698793, 116.66876762, 122.67891434), (1.0, 1.0, 1.0), "bgr"),
}
"""`imagenet`: that of torchvision's networks. `caffe-bgr`: means alone, blue first, as networks from Caffe take it."""
assert tuple(NORMALIZATIONS) == get_args(NormalizationName)


def named_normalization(name: str) -> Normalisation:
    """Return a normalisation by name.

    Raises:
        InputError: there is none of this name.
    """
    if name not in NORMALIZATIONS:
        raise InputError(f"unknown normalization {name!r}", f"Known: {', '.join(NORMALIZATIONS)}; or --mean and --std.")
    return NORMALIZATIONS[name]


def described(normalization: Normalisation) -> str:
    """Return the name of a normalisation, or its numbers."""
    for name, known in NORMALIZATIONS.items():
        if replace(known, mean=rounded(known.mean), std=rounded(known.std)) == replace(
            normalization, mean=rounded(normalization.mean), std=rounded(normalization.std)
        ):
            return name
    mean, std = (",".join(f"{value:g}" for value in values) for values in (normalization.mean, normalization.std))
    return f"mean {mean}, std {std}, {normalization.channels}"


def rounded(values: tuple[float, float, float]) -> tuple[float, float, float]:
    """Round means or deviations, which files write with different numbers of digits."""
    first, second, third = (round(value, 2) for value in values)
    return first, second, third
