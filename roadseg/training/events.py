"""What a run logs, as TensorBoard events: the only module that names TensorBoard."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import InputError

INSTALL = "pip install 'roadseg[tensorboard]'"


def require_tensorboard() -> None:
    """Make sure that events can be written.

    Raises:
        InputError: TensorBoard is not installed.
    """
    if find_spec("tensorboard") is None:
        raise InputError("tensorboard = true needs the package tensorboard, which is missing", INSTALL)


class Events:
    """A file of events in a folder, which may hold those of the same run before it was interrupted."""

    def __init__(self, folder: Path, *, step: int) -> None:
        """Open a file for what comes after `step`; events of later steps that the folder has count no more."""
        from torch.utils.tensorboard import SummaryWriter

        # Readers drop what an earlier file has from this step on; of a run without a checkpoint, all.
        self._writer = SummaryWriter(folder, purge_step=step + 1 if step else 0)

    def scalars(self, record: Mapping[str, float]) -> None:
        """Add a line of the log, each value by its name."""
        for name, value in record.items():
            if name != "step":
                self._writer.add_scalar(name, value, int(record["step"]))

    def pictures(self, name: str, pictures: Sequence[NDArray[np.uint8]], step: int) -> None:
        """Add (H, W, 3) uint8 RGB pictures, as `name`/0 and so on."""
        for number, picture in enumerate(pictures):
            self._writer.add_image(f"{name}/{number}", picture, step, dataformats="HWC")

    def flush(self) -> None:
        """Let readers see what was added."""
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
