"""Named indices: a share of some classes, or how often they are in sight; those of roadseg and a person's own."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from roadseg.errors import InputError, mistakes
from roadseg.inputs.documents import read_toml
from roadseg.inputs.limits import MAX_CLASS_NAME
from roadseg.inputs.options import Options
from roadseg.labels.space import LabelSpace

Reals = NDArray[np.float64]
Weight = Literal["distance", "time", "both"]

IN_SIGHT = 0.0005
"""Share of the frame from which a class counts as in sight: a person of 20 by 40 pixels in Full HD has 0.0004."""


@dataclass(frozen=True)
class Index:
    """A figure made of class shares."""

    name: str
    numerator: tuple[str, ...]
    """Classes whose shares are added up."""
    denominator: tuple[str, ...] = ()
    """Classes that they are divided by; empty for the whole frame that no mask leaves out."""
    in_sight: float | None = None
    """For how often classes are in sight: share of the frame that the numerator has at least; None for a ratio."""
    weight: Weight = "both"
    """Weights of frames that it is given for."""


NAMED = (
    Index("green_view", ("vegetation", "terrain")),
    Index("sky_view", ("sky",)),
    Index("enclosure", ("building", "wall", "vegetation"), ("road", "sidewalk")),
    Index("walkable", ("sidewalk",), ("road",)),
    Index("people_in_sight", ("person",), in_sight=IN_SIGHT),
    Index("two_wheelers_in_sight", ("rider", "motorcycle", "bicycle"), in_sight=IN_SIGHT),
)
"""Indices that every table has, in classes of Cityscapes; docs/indices.md has their sources."""


@dataclass(frozen=True)
class ClassSum:
    """An index over the classes of one label space."""

    index: Index
    numerator: NDArray[np.bool_]
    """(C + 1,) classes that are added up, `unlabelled` last; none where the label space lacks one."""
    denominator: NDArray[np.bool_]
    """(C + 1,) classes that they are divided by."""

    @property
    def known(self) -> bool:
        """False where the label space lacks a class: the index is null everywhere."""
        return bool(self.numerator.any())

    def sees(self, shares: Reals) -> NDArray[np.bool_]:
        """Return for which frames, given shares (N, C + 1), the numerator is in sight; never for a ratio: (N,)."""
        if self.index.in_sight is None or not self.known:
            return np.zeros(len(shares), bool)
        return np.asarray(shares[:, self.numerator].sum(axis=1) >= self.index.in_sight)

    def values(self, sums: Reals, seen: Reals, weights: Reals) -> Reals:
        """Return the index at S places; NaN where it is unknown or its denominator is 0.

        Args:
            sums: (S, C + 1) sums of weight times share of the frame.
            seen: (S,) sum of the weights of frames with the numerator in sight.
            weights: (S,) sum of the weights of all frames.
        """
        if not self.known:
            return np.full(len(weights), np.nan)
        ratio = self.index.in_sight is None
        above = sums[:, self.numerator].sum(axis=1) if ratio else seen
        below = sums[:, self.denominator].sum(axis=1) if ratio else weights
        return quotient(above, below)


def quotient(above: Reals, below: Reals) -> Reals:
    """Return above / below, both (N,); NaN where `below` is 0."""
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0))


class _Table(Options):
    """Table `[NAME]` of a file of indices."""

    numerator: Annotated[tuple[str, ...], Field(min_length=1)]
    denominator: tuple[str, ...] = ()
    in_sight: Annotated[float, Field(gt=0, lt=1)] | None = None
    weight: Weight = "both"

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.in_sight is not None and self.denominator:
            raise ValueError("in_sight counts frames: leave denominator out")
        return self


def read_indices(path: Path) -> tuple[Index, ...]:
    """Read a file of indices: TOML with a table `[NAME]` for each.

    Raises:
        InputError: it cannot be read, or listing all mistakes in it.
    """
    remedy = 'Write for example: [trees] numerator = ["vegetation"]; see docs/indices.md.'
    try:
        tables = read_toml(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", "Check the path given to --indices.") from None
    except ValueError as error:
        raise InputError(f"{path}: not TOML: {error}", remedy) from None
    if not tables:
        raise InputError(f"{path}: has no index", remedy)
    taken = [index.name for index in NAMED]
    found = []
    for name, table in tables.items():
        if not re.fullmatch(rf"[A-Za-z][A-Za-z0-9_]{{0,{MAX_CLASS_NAME - 1}}}", name) or name in taken:
            reason = "there is one of this name" if name in taken else "wanted letters, digits and _"
            raise InputError(f"{path}: [{name[:MAX_CLASS_NAME]}] cannot be the name of an index: {reason}", remedy)
        try:
            values = _Table.model_validate(table)
        except ValidationError as error:
            raise InputError(f"{path}: [{name}] {mistakes(error, _Table.model_fields)}", remedy) from None
        found.append(Index(name, values.numerator, values.denominator, values.in_sight, values.weight))
    return tuple(found)


def over_classes(
    named: Iterable[Index], own: Iterable[Index], space: LabelSpace
) -> tuple[tuple[ClassSum, ...], tuple[str, ...]]:
    """Return indices over the classes of a label space, and sentences about those that it cannot give.

    Args:
        named: indices of roadseg, in classes of Cityscapes. A class that is part of a larger one here stands for it.
        own: a person's indices, in classes of `space`.
        space: classes of the tables.

    Raises:
        InputError: an own index names a class that `space` does not have.
    """
    sums, notices = [], []
    for index in named:
        counterparts = [[space.counterpart(one) for one in classes] for classes in (index.numerator, index.denominator)]
        absent = [
            name
            for names, classes in zip((index.numerator, index.denominator), counterparts, strict=True)
            for name, found in zip(names, classes, strict=True)
            if found is None
        ]
        above, below = ({name for name in names if name} for names in counterparts)
        if absent:
            notices.append(f"{index.name} is null: {space.name} has no class {' or '.join(absent)}.")
        elif above & below:
            both = " and ".join(sorted(above & below))
            notices.append(f"{index.name} is null: {space.name} has one class, {both}, for both sides of the ratio.")
        usable = not absent and not above & below
        sums.append(_class_sum(index, above if usable else (), below, space))
    for index in own:
        for name in (*index.numerator, *index.denominator):
            if name not in space.classes:
                near = difflib.get_close_matches(name, space.classes, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(space.classes)}."
                raise InputError(f"index {index.name}: {space.name} has no class {name!r}", hint)
        sums.append(_class_sum(index, index.numerator, index.denominator, space))
    return tuple(sums), tuple(notices)


def _class_sum(index: Index, numerator: Iterable[str], denominator: Iterable[str], space: LabelSpace) -> ClassSum:
    above, below = (_mask(names, space.classes) for names in (numerator, denominator))
    return ClassSum(index, above, below if below.any() else np.ones(len(space) + 1, bool))


def _mask(names: Iterable[str], classes: Sequence[str]) -> NDArray[np.bool_]:
    wanted = set(names)
    return np.array([*(name in wanted for name in classes), False])
