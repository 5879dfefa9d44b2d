"""Models on the Hugging Face hub, as folders of its local cache; the only module that imports huggingface_hub.

Of a model come its configuration and its weights in safetensors; no code and no pickles are downloaded.
"""

import io
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from roadseg.errors import FetchError, InputError, WeightsError, first_line
from roadseg.models.transformers_library import INDEX_FILE, INSTALL, WEIGHTS_FILE

NAME = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w.-]+))?", re.ASCII)
"""ORG/NAME of a model, or ORG/NAME@REVISION: a branch, a tag or the hash of a commit."""
FILES = ["config.json", "preprocessor_config.json", WEIGHTS_FILE, INDEX_FILE, "model-*.safetensors"]
BY_HAND = "or download its folder yourself and give the path."
Progress = Callable[[int, int], None]
"""Called with (bytes received, total bytes or 0)."""


def on_hub(place: str) -> bool:
    """Return True for the name of a model on the hub, False for anything else, above all for a folder that is here."""
    return not Path(place).is_dir() and NAME.fullmatch(place) is not None


def fetched(
    place: str,
    *,
    on_start: Callable[[str], None] = lambda message: None,
    on_progress: Progress = lambda done, total: None,
) -> str:
    """Return the name of a model on the hub with the hash of its commit, after a download if the cache lacks it.

    Anything else, see `on_hub`, is returned as it is.

    Args:
        place: ORG/NAME, of which the cache may hold an older commit than the hub, or ORG/NAME@REVISION.
        on_start: called with one line before a download.
        on_progress: called with (bytes received, total bytes or 0) during a download.

    Raises:
        InputError: a package is missing.
        FetchError: the model is not in the cache, and the hub has no such model, does not give it or is not reached.
        WeightsError: the model has no weights in safetensors.
    """
    if not on_hub(place):
        return place
    folder = _cached(place)
    if folder is None:
        folder = _downloaded(place, on_start, on_progress)
        if not _is_whole(folder):
            raise WeightsError(
                f"{place}: has no configuration or no weights in safetensors",
                "Download the folder yourself and give its path; a pytorch_model.bin that holds only tensors is read.",
            )
    name, _ = _parts(place)
    return f"{name}@{folder.name}"


def folder_of(place: str) -> Path:
    """Return the folder of a model: `place` itself if that is one, else that of a name on the hub in the cache.

    Raises:
        InputError: a package is missing.
        FetchError: the cache lacks the model.
        WeightsError: `place` is neither a folder nor a name.
    """
    if Path(place).is_dir():
        return Path(place)
    if not on_hub(place):
        raise WeightsError(f"{place}: no such folder", "Give a folder of transformers, or ORG/NAME on the hub.")
    folder = _cached(place)
    if folder is None:
        raise FetchError(f"{place}: not in {_library().constants.HF_HUB_CACHE}", f"Set HF_HOME, {BY_HAND}")
    return folder


def _library() -> ModuleType:
    try:
        import huggingface_hub
    except ImportError as error:
        raise InputError(f"models on the hub need the package {error.name}, which is missing", INSTALL) from None
    package: Any = huggingface_hub
    package.logging.set_verbosity_error()
    module: ModuleType = package
    return module


def _parts(place: str) -> tuple[str, str | None]:
    found = NAME.fullmatch(place)
    assert found is not None
    return found[1], found[2]


def _cached(place: str) -> Path | None:
    """Return the folder of a model in the cache; None if it is missing there, in part or wholly."""
    library: Any = _library()
    name, revision = _parts(place)
    try:
        found = library.snapshot_download(name, revision=revision, allow_patterns=FILES, local_files_only=True)
    except (library.errors.LocalEntryNotFoundError, library.errors.HFValidationError):
        return None
    return Path(found) if _is_whole(Path(found)) else None


def _downloaded(place: str, on_start: Callable[[str], None], on_progress: Progress) -> Path:
    library: Any = _library()
    name, revision = _parts(place)
    try:
        quiet = _bar(lambda done: None)
        planned = library.snapshot_download(
            name, revision=revision, allow_patterns=FILES, dry_run=True, tqdm_class=quiet
        )
        total = sum(file.file_size or 0 for file in planned if file.will_download)
        on_start(f"downloading {place} from {library.constants.ENDPOINT}, {total / 1e6:.1f} MB")
        telling = _bar(lambda done: on_progress(done, total))
        found = library.snapshot_download(name, revision=revision, allow_patterns=FILES, tqdm_class=telling)
    except Exception as error:  # of the cache, of HTTP and of the system: without a common base class
        raise _explained(place, error) from None
    return Path(found)


def _explained(place: str, error: BaseException) -> FetchError:
    """Return the error for a download that failed."""
    library: Any = _library()
    errors, site, cache = library.errors, library.constants.ENDPOINT, library.constants.HF_HUB_CACHE
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    kinds = {kind for each in chain for kind in type(each).__mro__}
    name, _ = _parts(place)
    if errors.GatedRepoError in kinds:
        return FetchError(
            f"{place}: {site} gives it only to those who agreed to its terms",
            f"Agree at {site}/{name} and set HF_TOKEN, {BY_HAND}",
        )
    if errors.RevisionNotFoundError in kinds:
        return FetchError(f"{place}: {name} has no such revision at {site}", "Check the revision behind the @.")
    if errors.RepositoryNotFoundError in kinds or errors.HFValidationError in kinds:
        return FetchError(
            f"{place}: no such folder here, and no such model at {site}",
            f"Check the name, set HF_TOKEN if it is private, {BY_HAND}",
        )
    if errors.OfflineModeIsEnabled in kinds:
        reason = "HF_HUB_OFFLINE is set"
    else:
        status = getattr(getattr(chain[-1], "response", None), "status_code", None)
        reason = f"{site} answers {status}" if status else f"{site}: {first_line(chain[-1])}"
    return FetchError(
        f"{place}: no such folder here, not in {cache}, and not to be downloaded ({reason})",
        f"Connect to the internet, set HF_HOME to a cache that has it, {BY_HAND}",
    )


def _is_whole(folder: Path) -> bool:
    """Return whether a folder has a configuration and weights; a missing part of these is found when they are read."""
    weights = (folder / WEIGHTS_FILE).is_file() or (folder / INDEX_FILE).is_file()
    return (folder / "config.json").is_file() and weights


def _bar(on_bytes: Callable[[int], None]) -> type:
    """Return a class of bars that show nothing and report bytes."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        monitor_interval = 0

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options | {"file": io.StringIO(), "disable": False})

        def update(self, n: float | None = 1) -> Any:
            shown = super().update(n)
            if self.unit == "B":  # others count files
                on_bytes(int(self.n))
            return shown

    return Bar
