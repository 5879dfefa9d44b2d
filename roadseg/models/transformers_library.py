"""The library transformers, of the extra of its name; the only module that imports it.

No code of a folder is run and nothing is downloaded: weights are read here, so that the library neither unpickles nor
looks elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from roadseg.errors import InputError, RoadsegError, WeightsError, first_line, listed, shortened
from roadseg.inputs.documents import read_json
from roadseg.models.tensor_files import read_tensors

WHOLE = "Download the whole folder of such a model."
INSTALL = "pip install 'roadseg[transformers]'"
WEIGHTS_FILE, INDEX_FILE, PICKLE_FILE = "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"


def library() -> ModuleType:
    """Return the package.

    Raises:
        InputError: it is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise InputError(f"folders of models need the package {error.name}, which is missing", INSTALL) from None
    package: Any = transformers
    package.utils.logging.set_verbosity_error()
    package.utils.logging.disable_progress_bar()
    module: ModuleType = package
    return module


def read_config(folder: Path) -> Any:
    """Return the configuration of a folder, of the library's own class for it.

    Raises:
        InputError: a package is missing.
        WeightsError: there is no configuration that the library knows.
    """
    with explained(folder, "cannot be loaded"):
        return library().AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def read_model(folder: Path, kind: Any, config: Any, *, attention: str | None = None, may_lack: str = "") -> nn.Module:
    """Build a model in float32 and fill it with the weights of a folder.

    Args:
        folder: holds weights in safetensors, or a `state_dict` in `pytorch_model.bin`.
        kind: class of the library.
        config: its configuration.
        attention: implementation of attention; by default the fastest.
        may_lack: beginning of the names of weights that the folder may lack: they keep their initial values.

    Raises:
        InputError: a package is missing.
        WeightsError: weights are missing or damaged.
    """
    with explained(folder, "cannot be loaded"):
        model, found = kind.from_pretrained(
            None,
            config=config,
            state_dict=_weights(folder),
            dtype=torch.float32,
            attn_implementation=attention,
            local_files_only=True,
            output_loading_info=True,
        )
    missing = sorted(name for name in found["missing_keys"] if not (may_lack and name.startswith(may_lack)))
    if missing:
        raise WeightsError(f"{folder}: lacks weights of {kind.__name__}: {shortened(listed(missing, 3), 300)}", WHOLE)
    loaded: nn.Module = model
    return loaded


@contextmanager
def explained(folder: Path, what: str, remedy: str = WHOLE) -> Iterator[None]:
    """Raise any error of the library in the block, which have no base class, as a `RoadsegError`.

    Args:
        folder: folder of the model.
        what: what is wrong with it then, for the message.
        remedy: remedy, unless a package is missing.

    Raises:
        InputError: a package is missing.
        WeightsError: for any other error.
    """
    try:
        yield
    except RoadsegError:
        raise
    except ImportError as error:
        raise InputError(f"{folder}: {what} ({first_line(error)})", INSTALL) from None
    except Exception as error:
        raise WeightsError(f"{folder}: {what} ({first_line(error)})", remedy) from None


def _weights(folder: Path) -> dict[str, Tensor]:
    if (folder / WEIGHTS_FILE).is_file():
        return read_tensors(folder / WEIGHTS_FILE)
    if (folder / INDEX_FILE).is_file():
        parts = sorted(set(read_json(folder / INDEX_FILE)["weight_map"].values()))
        outside = [part for part in parts if Path(part).name != part or not part.endswith(".safetensors")]
        if outside:
            raise WeightsError(
                f"{folder}: its index names {shortened(outside[0])}, which is not a file beside it", WHOLE
            )
        return {name: value for part in parts for name, value in read_tensors(folder / part).items()}
    if (folder / PICKLE_FILE).is_file():
        return read_tensors(folder / PICKLE_FILE)
    raise WeightsError(f"{folder}: has no weights, no {WEIGHTS_FILE}", WHOLE)
