"""The job behind `roadseg overlay` for images: label maps drawn on photos, and a table of class shares."""

import csv
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import NamedTuple, Unpack

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.dataset import find_images, visible_paths
from roadseg.datasets.image_files import IMAGE_SUFFIXES, read_colours
from roadseg.datasets.transforms import resized_image
from roadseg.errors import InputError, RoadsegError
from roadseg.files import encode_png, printable, resolved, writing
from roadseg.inference.engines import EngineName, load_segmenter
from roadseg.inference.label_frames import Labeller, Size
from roadseg.inference.segmenter import Image, Segmenter
from roadseg.labels.space import LabelMap
from roadseg.models.names import DEFAULT
from roadseg.models.tta import TTA
from roadseg.overlay.appearance import Appearance, AppearanceOptions
from roadseg.overlay.chosen_file import chosen_file, refuse_several
from roadseg.overlay.draw import Overlay
from roadseg.overlay.look import classes_of_picture
from roadseg.overlay.stats import count_pixels
from roadseg.runtime import DeviceName
from roadseg.video.find import is_video
from roadseg.video.frame import Frame
from roadseg.video.pipeline import Pipeline

TABLE = "images.csv"
"""Name of the table of class shares."""
LOSSLESS = (".png", ".bmp", ".tif", ".tiff")
"""Images whose overlays are PNG; those of others are JPEG."""
JPEG_QUALITY = 95


@dataclass(frozen=True)
class ImageOverlay:
    """An image that was drawn on."""

    image: Path
    overlay: Path
    size: Size
    """(width, height) of the image in pixels."""
    shares: dict[str, float]
    """Class -> fraction of the image, 0..1, of all classes of the network."""


@dataclass(frozen=True)
class ImageFailure:
    """An image without an overlay, and the reason."""

    image: Path
    error: RoadsegError


class _Task(NamedTuple):
    image: Path
    overlay: Path


class _Loaded(NamedTuple):
    task: _Task
    pixels: Image
    """(H, W, 3) uint8 RGB."""


def holds_images(source: str | PathLike[str]) -> bool:
    """Return True for the path of an image, and for a folder with images and no videos."""
    path = Path(source)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return not path.is_dir()
    try:
        paths = list(visible_paths(path)) if path.is_dir() else []
    except OSError:  # a folder that is closed to us, which looking for videos reports
        return False
    return any(found.suffix.lower() in IMAGE_SUFFIXES for found in paths) and not any(map(is_video, paths))


def overlay_images(
    images: str | PathLike[str] | Iterable[str | PathLike[str]],
    out: str | PathLike[str],
    run: str | PathLike[str] | Segmenter = DEFAULT,
    *,
    input_size: tuple[int, int] | None = None,
    flip: bool = False,
    scales: tuple[float, ...] = (1.0,),
    device: DeviceName = "auto",
    engine: EngineName = "auto",
    overwrite: bool = False,
    on_result: Callable[[ImageOverlay | ImageFailure, int, int], None] = lambda result, done, total: None,
    on_warning: Callable[[str], None] = lambda warning: None,
    **appearance: Unpack[AppearanceOptions],
) -> list[ImageOverlay | ImageFailure]:
    """Segment images: write a coloured overlay of each, and a table of class shares.

    Results are NAME.overlay.jpg, or .png of lossless images, in the sub-folders of `out` in which the images lie below
    a given folder, and `images.csv`, which has a row for each image and class: `image`, `width_px`, `height_px`,
    `class`, and `fraction` of the image, 0 to 1. Earlier results are replaced. An image that cannot be read does not
    stop the others.

    Args:
        images: one or several paths of images (PNG, JPEG, WebP, BMP, TIFF) or folders, which stand for all images below
            them.
        out: folder for the results, made if it is missing; or for one image the path of the overlay, which ends in
            .png, .jpg or .jpeg. The table is beside it, with the ending .csv.
        run: see `overlay_videos`; so are the other options.
        input_size: (width, height) in pixels that images are scaled to for the network; by default the size of the run
            in the shape of each image.
        flip: average class probabilities with those of the mirrored image.
        scales: average class probabilities over these factors on the input size, 0.5 to 2.
        device: see `load_segmenter`.
        engine: see `load_segmenter`.
        overwrite: replace what is at a path that `out` gives for one overlay.
        on_result: called with each result, the number of results so far, and of images.
        on_warning: called with notices about images that were left out.
        **appearance: what people see, see `AppearanceOptions`.

    Returns:
        For each image its overlay or its failure, in order.

    Raises:
        InputError: an option is outside its range, or a folder has no images.
        WeightsError: there is no readable model.
        OutputError: `out` cannot be written.
    """
    shown = Appearance.of(appearance)
    file = chosen_file(Path(out), "an image")
    images = [images] if isinstance(images, str | PathLike) else list(images)
    tasks = _find_tasks(images, Path(out), on_warning)
    table = Path(out) / TABLE
    if file is not None:
        refuse_several(file, images, len(tasks))
        tasks, table = [_Task(tasks[0].image, file)], file.with_suffix(".csv")
        _refuse_to_replace(tasks[0], table, overwrite=overwrite)
    if isinstance(run, Segmenter):
        segmenter = run
    else:
        segmenter = load_segmenter(run, device=device, engine=engine, input_size=input_size)
    shown.check(segmenter.label_space)
    results: list[ImageOverlay | ImageFailure] = []
    for result in _overlays(tasks, segmenter, shown, TTA(flip, tuple(scales))):
        results.append(result)
        on_result(result, len(results), len(tasks))
    order = {task.image: place for place, task in enumerate(tasks)}
    results.sort(key=lambda result: order[result.image])
    drawn = [result for result in results if isinstance(result, ImageOverlay)]
    if drawn:
        _write_table(table, drawn)
    return results


def _find_tasks(
    given: str | PathLike[str] | Iterable[str | PathLike[str]], out: Path, on_warning: Callable[[str], None]
) -> list[_Task]:
    """Find the images, each once, and a place for the overlay of each.

    Raises:
        InputError: a folder has no images, or two overlays would have the same path.
    """
    found: dict[Path, Path] = {}
    overlays: dict[Path, Path] = {}
    tasks: list[_Task] = []
    for source in [given] if isinstance(given, str | PathLike) else given:
        path = Path(source)
        paths, notices = find_images(path) if path.is_dir() else ([path], ())
        for notice in notices:
            on_warning(notice)
        for image in paths:
            if found.setdefault(resolved(image), image) is not image:
                continue
            below = image.parent.relative_to(path) if path.is_dir() else Path()
            suffix = ".png" if image.suffix.lower() in LOSSLESS else ".jpg"
            overlay = out / below / f"{image.stem}.overlay{suffix}"
            other = overlays.setdefault(resolved(overlay), image)
            if other is not image:
                raise InputError(
                    f"{image}: {other} would become {overlay} too", "Rename one, or give them in two calls."
                )
            tasks.append(_Task(image, overlay))
    return [task for task in tasks if not task.image.name.endswith((".overlay.jpg", ".overlay.png"))]


def _refuse_to_replace(task: _Task, table: Path, *, overwrite: bool) -> None:
    """Make sure that an overlay at a chosen path replaces nothing that is not meant.

    Raises:
        InputError: it would.
    """
    if resolved(task.overlay) == resolved(task.image):
        raise InputError(f"{task.image}: its overlay would replace it", "Choose another --out.")
    for path in (task.overlay, table):
        if path.exists() and not overwrite:
            raise InputError(f"{path}: there already", "Replace it with --overwrite, or choose another --out.")


def _overlays(
    tasks: Sequence[_Task], segmenter: Segmenter, appearance: Appearance, tta: TTA
) -> Generator[ImageOverlay | ImageFailure]:
    """Label and draw on images, and write the overlays; a failure comes when it is known, the rest in order."""
    failures: list[ImageFailure] = []

    def images() -> Iterator[_Loaded]:
        for task in tasks:
            try:
                yield _Loaded(task, read_colours(task.image))
            except RoadsegError as error:
                failures.append(ImageFailure(task.image, error))

    labeller: Labeller[_Loaded, _Loaded] = Labeller(
        [segmenter], _resized, keep=lambda loaded: loaded, shape=lambda loaded: loaded.pixels.shape[1::-1], tta=tta
    )
    with labeller.after(Pipeline("read", images())) as labelled:
        for batch in labelled:
            for loaded, labels in zip(batch.items, batch.labels[0], strict=True):
                yield _draw(loaded, labels, segmenter, appearance)
            while failures:
                yield failures.pop(0)
    yield from failures


def _resized(loaded: _Loaded, size: Size) -> Image:
    return resized_image(loaded.pixels, size)


def _draw(loaded: _Loaded, labels: LabelMap, segmenter: Segmenter, appearance: Appearance) -> ImageOverlay:
    space, (height, width) = segmenter.label_space, loaded.pixels.shape[:2]
    counts = count_pixels(labels)[: len(space)]
    shares = counts / counts.sum()
    # H.264's frames have colours of 2 x 2 pixels, so that an odd image gets a row or column more, which is cut off.
    even = cv2.copyMakeBorder(loaded.pixels, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    frame = Frame.from_rgb(np.asarray(even, np.uint8), index=0, pts=0, time_base=Fraction(1), duration=1)
    drawn = Overlay(space, appearance, classes_of_picture(shares, space)).draw(frame, labels).to_rgb()
    if drawn.shape == even.shape:
        drawn = drawn[:height, :width]
    _write(loaded.task.overlay, drawn)
    found = dict(zip(space.classes, shares.tolist(), strict=True))
    return ImageOverlay(loaded.task.image, loaded.task.overlay, (width, height), found)


def _write(path: Path, image: NDArray[np.uint8]) -> None:
    if path.suffix == ".png":
        data = encode_png(image)
    else:
        parameters = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), parameters)[1].tobytes()
    with writing(path) as part:
        part.write_bytes(data)


def _write_table(path: Path, overlays: Sequence[ImageOverlay]) -> None:
    with writing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "width_px", "height_px", "class", "fraction"])
        for overlay in overlays:
            for name, share in overlay.shares.items():
                table.writerow([printable(overlay.image), *overlay.size, name, f"{share:.5g}"])
