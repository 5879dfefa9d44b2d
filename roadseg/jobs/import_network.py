"""The job of `roadseg import`: a network of another program becomes a run folder, after a trial on rendered streets."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from roadseg.datasets.transforms import Image
from roadseg.errors import InputError
from roadseg.evaluation.comparison.sheets import Column, Line, draw_sheet
from roadseg.files import making, sha256, write_json, write_png
from roadseg.inference.engine_segmenter import EngineSegmenter
from roadseg.inference.engines import EngineName, load_segmenter
from roadseg.inference.imported.canonical import ImageInput, image_input
from roadseg.inference.imported.card import CARD_FILE, Answer
from roadseg.inference.imported.classes import read_classes, with_colours
from roadseg.inference.imported.hints import Hints, hints_of
from roadseg.inference.imported.load import load_imported
from roadseg.inference.imported.scaling import NORMALIZATIONS, named_normalization
from roadseg.inference.imported.transformers_folder import read_folder
from roadseg.inference.imported.trial import ForeignNetwork, Form, canonical, form_of
from roadseg.inference.imported.untrusted import read_onnx
from roadseg.labels.catalogue import INDIAN_20
from roadseg.labels.drawing import colour_labels
from roadseg.labels.space import IGNORE, LabelMap, LabelSpace, conversion
from roadseg.models.hub import fetched, folder_of
from roadseg.models.names import BACKBONE_PREFIX, DEFAULT, NETWORK_FILE
from roadseg.models.network import Normalisation
from roadseg.streets.render import render_street

TRIAL_FILE = "trial.png"
STREETS = 3
SEED = 1
USUAL_SIZE = (1024, 512)
"""Input size for networks that take any."""
CELL = 400
"""Width of the images in `TRIAL_FILE`, in pixels."""
DOUBTFUL = 0.6
"""Agreement below which other normalisations are tried, and a notice says which is better."""
BETTER = 0.05
"""Agreement by which another normalisation has to be better."""


@dataclass(frozen=True)
class ImportedNetwork:
    """An imported network and its trial on rendered streets."""

    folder: Path
    """Run folder: `network.onnx`, its card, and `trial.png`."""
    origin: str
    classes: tuple[str, ...]
    answer: Answer
    """Result of the network: scores, probabilities or labels."""
    label_stride: float
    """Pixels of the input a side for each cell of the result."""
    input_size: tuple[int, int]
    """(width, height) of images."""
    any_size: bool
    """True if images keep their own shape within the input size."""
    normalization: str
    agreement: float | None
    """Share, 0..1, of pixels with the label of `default`, of those whose class both know; None without such pixels."""
    accuracy: float | None
    """Share of pixels with the true label; None as for `agreement`."""
    notices: tuple[str, ...]

    @property
    def picture(self) -> Path:
        """Streets, their labels, and those of `default` and of the network, side by side."""
        return self.folder / TRIAL_FILE

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        return asdict(self) | {"folder": str(self.folder), "picture": str(self.picture)}


def import_network(
    file: str | PathLike[str],
    out: str | PathLike[str],
    *,
    labels: str | PathLike[str] | LabelSpace | None = None,
    normalization: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    input_size: tuple[int, int] | None = None,
    output: str | None = None,
    on_progress: Callable[[str, int, int], None] = lambda task, done, total: None,
) -> ImportedNetwork:
    """Make a run folder of an ONNX file or a folder of transformers, which `load_segmenter` and the commands take.

    A folder holds a model for semantic or universal segmentation, and needs the extra `transformers`; it is exported to
    ONNX, for one size where that is exact for no other.

    The network may take (N, 3, H, W) or (N, H, W, 3), floating-point numbers or uint8, at one size or any. It may give
    class scores, probabilities or labels at any stride. No code of the file is run, and nothing outside its folder is
    read. It labels rendered streets at once, beside the default weights: a wrong scaling or order of classes shows.

    Args:
        file: the ONNX file, the folder with `config.json` and `model.safetensors`, or `hf:ORG/NAME` or
            `hf:ORG/NAME@REVISION` for such a folder of the hub, which is downloaded if its cache lacks it.
        out: run folder to make.
        labels: the classes: name of a label space, a TOML file with `classes`, or a `LabelSpace`; by default those that
            the file names.
        normalization: `imagenet`, `0..1`, `-1..1`, `none` or `caffe-bgr`; by default what the file states, then
            `imagenet`. Networks that take uint8 scale pixels themselves.
        mean: means of red, green and blue, on the scale of 0..1 or 0..255, in place of `normalization`.
        std: standard deviations, on the same scale.
        input_size: (width, height) of images; by default what the file states, then 1024x512.
        output: name of the output; by default the first that is a map of the classes.
        on_progress: called with (task, steps done, steps in all).

    Returns:
        Facts about the network, and its agreement with `default`.

    Raises:
        InputError: a package of the extra `onnx` or `transformers` is missing, an option is wrong, or the number of
            classes is another.
        WeightsError: the file is damaged, no network of images, has foreign operators, or weights outside its folder.
        EngineError: ONNX Runtime cannot run the network, or a folder's model cannot be exported.
        FetchError: a model of the hub cannot be downloaded.
        OutputError: the folder exists, or cannot be written.
    """
    file, out, origin = Path(file), Path(out), Path(file).name
    if str(file).startswith(BACKBONE_PREFIX):
        place = str(file).removeprefix(BACKBONE_PREFIX)
        origin = fetched(place, on_progress=partial(on_progress, "downloading"))
        file = folder_of(origin)
    on_progress("reading", 0, 3)
    if file.is_dir():
        stated = hints_of(file)
        model = read_folder(file, wanted=input_size, usual=stated.input_size or USUAL_SIZE)
    else:
        model = read_onnx(file)
        stated = hints_of(file.parent, {entry.key: entry.value for entry in model.metadata_props})
    taken = image_input(file, model)
    hints = _settled(taken, _given(labels, normalization, mean, std, input_size), stated)
    if hints.labels is None or hints.input_size is None:
        raise InputError(f"{file}: does not name its classes", "Name them: --labels cityscapes-19, or a TOML file.")
    scaling = hints.normalization or NORMALIZATIONS["imagenet"]
    network = ForeignNetwork(file, origin, model, taken, hints.labels, hints.input_size)
    with making(out) as part:
        on_progress("trying", 1, 3)
        form = form_of(network, scaling, output)
        segmenter = _written(part, network, form, scaling)
        on_progress("comparing", 2, 3)
        trial = Trial(segmenter.label_space, network.input_size)
        labels_found = segmenter.label(trial.images)
        agreement = trial.agreement(labels_found)
        write_png(part / TRIAL_FILE, trial.sheet(labels_found, origin.partition("@")[0]))
        notices = [*form.notices, *segmenter.notices]
        if hints.normalization is None:
            notices.append("the file does not say how pixels are scaled: imagenet is assumed (--normalization)")
        if agreement is None:
            notices.append(f"no class of {hints.labels.name} is known to {DEFAULT}: look at {TRIAL_FILE}")
        elif agreement < DOUBTFUL or hints.normalization is None:
            notices += _advice(trial, agreement, network, form, scaling)
    on_progress("comparing", 3, 3)
    card = form.card
    return ImportedNetwork(
        folder=out,
        origin=card.origin,
        classes=card.labels.classes,
        answer=card.answer,
        label_stride=form.label_stride,
        input_size=card.input_size,
        any_size=card.size_step is not None,
        normalization=card.normalization,
        agreement=agreement,
        accuracy=trial.accuracy(labels_found),
        notices=tuple(notices),
    )


def _given(
    labels: str | PathLike[str] | LabelSpace | None,
    normalization: str | None,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    input_size: tuple[int, int] | None,
) -> Hints:
    """Return what the caller states."""
    if (mean is None) != (std is None) or (mean is not None and normalization is not None):
        raise InputError(
            "the scaling of pixels is given in part or twice", "Give normalization alone, or mean and std together."
        )
    scaling = named_normalization(normalization) if normalization else None
    if mean is not None and std is not None:
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0 or not np.isfinite([*mean, *std]).all():
            raise InputError("mean and std are three numbers each, std above 0", "For example 0.485,0.456,0.406.")
        scale = 255.0 if max(*mean, *std) <= 1 else 1.0
        means, deviations = ((scale * red, scale * green, scale * blue) for red, green, blue in (mean, std))
        scaling = Normalisation(means, deviations)
    return Hints(None if labels is None else read_classes(labels), scaling, input_size)


def _settled(taken: ImageInput, given: Hints, stated: Hints) -> Hints:
    """Return what is given, completed by what the file states, and for the size by what is usual."""
    if taken.size and given.input_size and given.input_size != taken.size:
        width, height = taken.size
        raise InputError(f"the network takes only images of {width}x{height}", "Leave --input-size out.")
    known = given.over(replace(stated, labels=stated.labels and with_colours(stated.labels)))
    if taken.dtype == "UINT8":
        if given.normalization not in (None, NORMALIZATIONS["none"]):
            raise InputError("the network takes uint8, which it scales itself", "Leave the normalization out.")
        known = replace(known, normalization=NORMALIZATIONS["none"])
    return replace(known, input_size=taken.size or known.input_size or USUAL_SIZE)


def _written(
    folder: Path, network: ForeignNetwork, form: Form, normalization: Normalisation, engine: EngineName = "auto"
) -> EngineSegmenter:
    """Write the network with its card into a folder, and load it."""
    (folder / NETWORK_FILE).write_bytes(canonical(network, normalization, form.output))
    card = form.card.model_copy(update={"sha256": sha256(folder / NETWORK_FILE)})
    write_json(folder / CARD_FILE, card.model_dump(mode="json"))
    return load_imported(folder, device="cpu", engine=engine)


class Trial:
    """Rendered streets with their labels and those of the default weights, in the classes of another network."""

    def __init__(self, space: LabelSpace, size: tuple[int, int]) -> None:
        """Render streets of `size` (width, height), and label them with the default weights."""
        self._space = space
        streets = [render_street(SEED, index, size=size) for index in range(STREETS)]
        usual = load_segmenter(DEFAULT, device="cpu")
        self.images = [image for image, _ in streets]
        self._truth = [conversion(INDIAN_20, space)[labels] for _, labels in streets]
        self._usual = [conversion(usual.label_space, space)[labels] for labels in usual.label(self.images)]

    def agreement(self, labels: Sequence[LabelMap]) -> float | None:
        """Return the share, 0..1, of pixels with the label of the default weights, as in `ImportedNetwork`."""
        return _share(labels, self._usual)

    def accuracy(self, labels: Sequence[LabelMap]) -> float | None:
        """Return the share of pixels with the true label, as in `ImportedNetwork`."""
        return _share(labels, self._truth)

    def sheet(self, labels: Sequence[LabelMap], name: str) -> Image:
        """Draw streets, truth, labels of the default weights and of the network `name` in columns: (H, W, 3) uint8."""
        columns = [Column(Line("Street"), [_small(image) for image in self.images])]
        for heading, maps in (("Truth", self._truth), (f"Weights {DEFAULT}", self._usual), (name, labels)):
            columns.append(Column(Line(heading), [_small(colour_labels(one, self._space), sharp=True) for one in maps]))
        return draw_sheet(columns, list(zip(self._space.classes, self._space.colours, strict=True)))


def _advice(trial: Trial, agreement: float, network: ForeignNetwork, form: Form, used: Normalisation) -> list[str]:
    """Return a notice if the agreement is low, or if that with another normalisation is higher."""
    found = {}
    if network.taken.dtype != "UINT8":
        for name, normalization in NORMALIZATIONS.items():
            if normalization != used:
                with TemporaryDirectory(prefix="roadseg-import-") as folder:
                    other = _written(Path(folder), network, form, normalization, "onnxruntime")
                    found[name] = trial.agreement(other.label(trial.images)) or 0.0
    best = max(found, key=lambda name: found[name], default="")
    said = f"{100 * agreement:.0f} % of pixels have the label of {DEFAULT}: check --normalization and --labels"
    if best and found[best] > agreement + BETTER:
        return [f"{said}; with --normalization {best} {100 * found[best]:.0f} % would have it"]
    return [said] if agreement < DOUBTFUL else []


def _share(labels: Sequence[LabelMap], others: Sequence[LabelMap]) -> float | None:
    """Return the share of equal labels, 0..1, of pixels that have one in `others`; None if none has."""
    there = np.stack(others) != IGNORE
    return float((np.stack(labels) == np.stack(others))[there].mean()) if there.any() else None


def _small(image: Image, *, sharp: bool = False) -> Image:
    height = round(CELL * image.shape[0] / image.shape[1])
    filtering = cv2.INTER_NEAREST if sharp else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, (CELL, height), interpolation=filtering), np.uint8)
