"""Files of tensors by name."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from roadseg.errors import WeightsError
from roadseg.models.pickles import read_pickle

DOWNLOAD = "Download it again."


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a file of tensors by name, in safetensors or by `torch.save`, without running what it may hold.

    Raises:
        WeightsError: it is missing, damaged, or holds anything else.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file", "Check the path of the weights.") from None
    except (OSError, ValueError, SafetensorError) as error:
        raise WeightsError(f"{path}: cannot be read as weights ({error})", DOWNLOAD) from error
    state = read_pickle(path, what="weights", remedy=DOWNLOAD)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path}: not a file of tensors by name", "Give a file that holds a state_dict().")
    return {str(name): value for name, value in state.items()}
