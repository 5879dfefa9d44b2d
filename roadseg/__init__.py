"""roadseg: dashcam video in, labelled video out.

    import roadseg

    segmenter = roadseg.load_segmenter()
    labels = segmenter.label(image)

The names in `__all__` are the public API. Each is imported when it is first used, so `import roadseg` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadseg.datasets.catalogue import open_dataset
    from roadseg.datasets.check import check_dataset
    from roadseg.datasets.rendered import render_streets
    from roadseg.drives.find import find_drives
    from roadseg.errors import RoadsegError
    from roadseg.evaluation.evaluate import evaluate
    from roadseg.fetch.job import fetch_videos
    from roadseg.inference.engines import load_segmenter
    from roadseg.inference.label_frames import label_frames
    from roadseg.inference.onnx_model import export_onnx
    from roadseg.inference.segmenter import Segmenter
    from roadseg.jobs.adapt import adapt
    from roadseg.jobs.compare import compare
    from roadseg.jobs.import_network import import_network
    from roadseg.jobs.import_weights import import_weights
    from roadseg.jobs.labelling import write_labels
    from roadseg.jobs.live import overlay_live
    from roadseg.jobs.overlay import overlay_videos
    from roadseg.jobs.overlay_images import overlay_images
    from roadseg.jobs.preview import preview_overlay
    from roadseg.jobs.quantize import quantize
    from roadseg.jobs.stats_along import stats_along
    from roadseg.jobs.step_time import steps_within
    from roadseg.labels.space import LabelSpace
    from roadseg.positions.read import read_track
    from roadseg.streets.render import render_street
    from roadseg.training.callbacks import Callbacks
    from roadseg.training.recipe_files import read_recipe
    from roadseg.video.extract import extract_frames
    from roadseg.video.find import find_videos
    from roadseg.video.frame import Frame
    from roadseg.video.reader import VideoReader
    from roadseg.video.writer import VideoWriter

__version__ = "0.1.0"

__all__ = [
    "Callbacks",
    "Frame",
    "LabelSpace",
    "RoadsegError",
    "Segmenter",
    "VideoReader",
    "VideoWriter",
    "adapt",
    "check_dataset",
    "compare",
    "evaluate",
    "export_onnx",
    "extract_frames",
    "fetch_videos",
    "find_drives",
    "find_videos",
    "import_network",
    "import_weights",
    "label_frames",
    "load_segmenter",
    "open_dataset",
    "overlay_images",
    "overlay_live",
    "overlay_videos",
    "preview_overlay",
    "quantize",
    "read_recipe",
    "read_track",
    "render_street",
    "render_streets",
    "stats_along",
    "steps_within",
    "write_labels",
]

_MODULES = {
    "Callbacks": "roadseg.training.callbacks",
    "Frame": "roadseg.video.frame",
    "LabelSpace": "roadseg.labels.space",
    "RoadsegError": "roadseg.errors",
    "Segmenter": "roadseg.inference.segmenter",
    "VideoReader": "roadseg.video.reader",
    "VideoWriter": "roadseg.video.writer",
    "adapt": "roadseg.jobs.adapt",
    "check_dataset": "roadseg.datasets.check",
    "compare": "roadseg.jobs.compare",
    "evaluate": "roadseg.evaluation.evaluate",
    "export_onnx": "roadseg.inference.onnx_model",
    "extract_frames": "roadseg.video.extract",
    "fetch_videos": "roadseg.fetch.job",
    "find_drives": "roadseg.drives.find",
    "find_videos": "roadseg.video.find",
    "import_network": "roadseg.jobs.import_network",
    "import_weights": "roadseg.jobs.import_weights",
    "label_frames": "roadseg.inference.label_frames",
    "load_segmenter": "roadseg.inference.engines",
    "open_dataset": "roadseg.datasets.catalogue",
    "overlay_images": "roadseg.jobs.overlay_images",
    "overlay_live": "roadseg.jobs.live",
    "overlay_videos": "roadseg.jobs.overlay",
    "preview_overlay": "roadseg.jobs.preview",
    "quantize": "roadseg.jobs.quantize",
    "read_recipe": "roadseg.training.recipe_files",
    "read_track": "roadseg.positions.read",
    "render_street": "roadseg.streets.render",
    "render_streets": "roadseg.datasets.rendered",
    "stats_along": "roadseg.jobs.stats_along",
    "steps_within": "roadseg.jobs.step_time",
    "write_labels": "roadseg.jobs.labelling",
}
"""Module of each public name. A new name goes here, into `__all__` and into the imports above."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module 'roadseg' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
