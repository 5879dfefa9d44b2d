"""Batches of images that fit the memory of the device."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadseg.models.predict import to_numpy, to_tensor
from roadseg.models.tta import NO_TTA, TTA, too_little_memory
from roadseg.runtime import Runtime

Rows = TypeVar("Rows", NDArray[np.uint8], Tensor)


class FittingBatches:
    """Computes on batches of images, and on smaller ones once the device's memory was too small for a batch."""

    def __init__(self, runtime: Runtime) -> None:
        """Compute on the device of `runtime`."""
        self._runtime = runtime
        self._largest: int | None = None
        """Number of images that fit, known once more did not fit."""

    def at_once(self, count: int) -> int:
        """Return how many of `count` images are computed at once; all of them until a batch did not fit."""
        return min(count, self._largest or count)

    def compute(
        self, function: Callable[[Tensor], Tensor], images: NDArray[np.uint8], tta: TTA = NO_TTA
    ) -> NDArray[Any]:
        """Apply `function` to all images and join its results along their first axis.

        Args:
            function: takes images (N, 3, H, W) uint8 on the device; the first axis of its result has length N.
            images: (N, H, W, 3) uint8 RGB, N >= 1.
            tta: the augmentation that `function` applies, for the error message.

        Raises:
            InputError: the memory is too small for a single image.
        """
        device = self._runtime.device
        size = images.shape[2], images.shape[1]
        return self.compute_rows(lambda part: function(to_tensor(part, device)), images, size, tta)

    def compute_rows(
        self, function: Callable[[Rows], Tensor], rows: Rows, size: tuple[int, int], tta: TTA = NO_TTA
    ) -> NDArray[Any]:
        """Apply `function`, which moves its argument to the device itself, to all rows of an array or a tensor.

        Args:
            function: takes some of the rows.
            rows: one for each image.
            size: (width, height) of the images, for the error message, as `tta`.
            tta: the augmentation that `function` applies.

        Raises:
            InputError: the memory is too small for a single image.
        """
        done: list[NDArray[Any]] = []
        start = 0
        while start < len(rows):
            part = rows[start : start + self.at_once(len(rows))]
            try:
                with self._runtime.stream():
                    done.append(to_numpy(function(part)))
            except torch.OutOfMemoryError:
                if len(part) == 1:
                    raise too_little_memory(size, tta, self._runtime.device) from None
                self._largest = len(part) // 2
                continue
            start += len(part)
        return done[0] if len(done) == 1 else np.concatenate(done)
