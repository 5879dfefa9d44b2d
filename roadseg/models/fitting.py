"""As many pictures through a network at once as the device has memory for."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadseg.models.predict import to_numpy, to_tensor
from roadseg.models.views import ONE_VIEW, Views, too_little_memory
from roadseg.runtime import Runtime


class FittingBatches:
    """Computes on batches of pictures, in smaller ones once the device's memory was too small for one."""

    def __init__(self, runtime: Runtime) -> None:
        """Take pictures to the device of `runtime`."""
        self._runtime = runtime
        self._largest: int | None = None
        """How many pictures fitted, once more did not."""

    def at_once(self, count: int) -> int:
        """How many of `count` pictures are computed at once, by what is known so far."""
        return min(count, self._largest or count)

    def compute(
        self, function: Callable[[Tensor], Tensor], images: NDArray[np.uint8], views: Views = ONE_VIEW
    ) -> NDArray[Any]:
        """What `function` makes of all images, joined along its first axis.

        Args:
            function: of pictures (N, 3, H, W) uint8 on the device; its first axis is of length N.
            images: (N, H, W, 3) uint8 RGB, 1 <= N.
            views: what it does with each, for the message.

        Raises:
            InputError: there is not memory enough for one.
        """
        done: list[NDArray[Any]] = []
        start = 0
        while start < len(images):
            part = images[start : start + self.at_once(len(images))]
            try:
                with self._runtime.stream():
                    done.append(to_numpy(function(to_tensor(part, self._runtime.device))))
            except torch.OutOfMemoryError:
                if len(part) == 1:
                    raise too_little_memory(part, views, self._runtime.device) from None
                self._largest = len(part) // 2
                continue
            start += len(part)
        return done[0] if len(done) == 1 else np.concatenate(done)
