"""Engine of an imported network."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from roadseg.errors import InputError
from roadseg.inference.imported.card import ImportedCard
from roadseg.inference.imported.programs import Program
from roadseg.labels.space import IGNORE
from roadseg.models.predict import labels_of, resized_scores
from roadseg.models.tta import LEAST_PROBABILITY


class ImportedEngine:
    """Imported network as an `Engine`; images and results are in CPU memory, whatever device computes."""

    device = torch.device("cpu")

    def __init__(self, program: Program, card: ImportedCard) -> None:
        """Run the network of `card` by `program`."""
        self.name = f"{program.name} {card.precision}"
        self.concurrency = program.concurrency
        self.batch_size = card.batch or program.batch_size
        self._program, self._card = program, card

    def scores(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """See `Engine.scores`; of probabilities, their logarithms.

        Raises:
            InputError: the network gives labels alone, or cannot take images of this size.
        """
        if self._card.answer == "labels":
            raise InputError(
                f"{self._card.origin}: gives only labels, no class scores", "Leave --smooth, --flip and --scales out."
            )
        scores = self._result(images)
        if self._card.answer == "probabilities":
            scores = scores.clamp(min=LEAST_PROBABILITY).log()
        # Channels last, a maximum over classes takes a quarter of the time.
        return resized_scores(
            scores.contiguous(memory_format=torch.channels_last), size, align_corners=self._card.align_corners
        )

    @torch.inference_mode()
    def labels(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """See `Engine.labels`; 255 where the network gives a number that is not a class."""
        if self._card.answer != "labels":
            return labels_of(self.scores(images, size))
        labels = self._result(images)
        labels = torch.where((labels >= 0) & (labels < len(self._card.labels.classes)), labels, IGNORE)
        return F.interpolate(labels[:, None].float(), size=size[::-1], mode="nearest-exact")[:, 0].to(torch.uint8)

    def _result(self, images: Tensor) -> Tensor:
        pixels = images if images.dtype == torch.uint8 else images.round().clamp(0, 255).to(torch.uint8)
        return torch.from_numpy(self._in_batches(pixels.permute(0, 2, 3, 1).contiguous().numpy()))

    def _in_batches(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run images in batches of the number that the network takes; the last one is filled up."""
        wanted = self._card.batch
        if wanted is None:
            return self._program.run(images)
        results = []
        for start in range(0, len(images), wanted):
            batch = images[start : start + wanted]
            filled = np.concatenate([batch, *[batch[-1:]] * (wanted - len(batch))])
            results.append(self._program.run(filled)[: len(batch)])
        return np.concatenate(results)
