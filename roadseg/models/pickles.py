"""Files of `torch.save`, read without running what others may have put into them."""

import zipfile
from pathlib import Path
from typing import Any

import torch

from roadseg.errors import WeightsError, shortened


def read_pickle(path: Path, *, what: str, remedy: str) -> Any:
    """Read a file of `torch.save` that holds tensors, numbers, texts, and lists and dicts of them, on the CPU.

    Args:
        path: the file.
        what: what messages call its content, for example "weights".
        remedy: remedy for a file that cannot be read.

    Raises:
        WeightsError: it is missing, broken, holds anything else, or unpacks to more than its own size.
    """
    try:
        if zipfile.is_zipfile(path):
            _check_zip(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file", f"Check the path of the {what}.") from None
    except Exception as error:  # Unpickling raises nearly everything on data that are not what it expects.
        detail = shortened(f"{type(error).__name__}: {error}".split("\n")[0], 200)
        # Torch's own message advises to load the file in the mode that runs code from it.
        if "weights_only" in str(error):
            detail = "it is broken, or holds more than tensors and numbers"
        raise WeightsError(f"{path}: cannot be read as {what} ({detail})", remedy) from error


def _check_zip(path: Path) -> None:
    """Make sure that a zip is not compressed, and that its files have their checksums, which torch does not look at.

    Raises:
        ValueError: it is compressed.
        zipfile.BadZipFile: it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError("it is compressed, which torch's own files are not")
            if entry.CRC:  # 0 where torch was told to compute none
                with archive.open(entry) as file:
                    while file.read(1 << 20):
                        pass
