"""TensorBoard events of a run: the only module that imports TensorBoard."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import InputError

INSTALL = "pip install 'roadseg[tensorboard]'"


def require_tensorboard() -> None:
    """Make sure that TensorBoard is installed.

    Raises:
        InputError: TensorBoard is not installed.
    """
    if find_spec("tensorboard") is None:
        raise InputError("tensorboard = true needs the package tensorboard, which is not installed", INSTALL)


class Events:
    """Writer of events in a folder, which may hold events of the same run before an interruption."""

    def __init__(self, folder: Path, *, step: int) -> None:
        """Open a file for events after `step`; readers then drop older events of later steps."""
        from torch.utils.tensorboard import SummaryWriter

        # Readers drop events of earlier files from this step on; all events of a run without a checkpoint.
        self._writer = SummaryWriter(folder, purge_step=step + 1 if step else 0)

    def scalars(self, record: Mapping[str, float]) -> None:
        """Add a line of the log, each value under its name."""
        for name, value in record.items():
            if name != "step":
                self._writer.add_scalar(name, value, int(record["step"]))

    def images(self, name: str, images: Sequence[NDArray[np.uint8]], step: int) -> None:
        """Add (H, W, 3) uint8 RGB images, as `name`/0, `name`/1 and so on."""
        for number, image in enumerate(images):
            self._writer.add_image(f"{name}/{number}", image, step, dataformats="HWC")

    def flush(self) -> None:
        """Make added events visible to readers."""
        self._writer.flush()

    def close(self) -> None:
        """Write remaining events and close the file."""
        self._writer.close()
