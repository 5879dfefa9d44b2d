"""Masks beside an overlay: the label map of each frame with its time, lossless."""

import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roadseg.files import output_errors, writing
from roadseg.inference.confidence import Confidence
from roadseg.labels.space import LabelMap, LabelSpace
from roadseg.video.find import MASKS_SUFFIX
from roadseg.video.frame import Frame
from roadseg.video.grey import write_grey

MasksFormat = Literal["png", "npz", "mp4"]
MASKS_SUFFIXES: dict[MasksFormat, str] = {"png": ".masks", "npz": ".masks.npz", "mp4": MASKS_SUFFIX}
"""Suffix of the folder or file in each format."""
Maps = Literal["labels", "confidence"]
"""Arrays of maps in a part."""
LABELS: Maps = "labels"
CONFIDENCE: Maps = "confidence"
DEFLATE_LEVEL = 3


class MasksPart:
    """Masks of a segment, in memory until they are written."""

    def __init__(self) -> None:
        self._labels: list[LabelMap] = []
        self._confidences: list[Confidence] = []
        self._times: list[tuple[int, int, int]] = []

    def add(self, frame: Frame, labels: LabelMap, confidence: Confidence | None = None) -> None:
        """Add the label map (h, w) of the next frame, which gives its time, and its confidence if it is kept too."""
        self._labels.append(labels)
        if confidence is not None:
            self._confidences.append(confidence)
        self._times.append((frame.index, frame.pts, frame.duration))

    def write(self, path: Path) -> None:
        """Write the part, whole or not at all."""
        with writing(path) as part, part.open("wb") as file:
            labels, times = np.stack(self._labels), np.array(self._times, np.int64)
            if self._confidences:
                np.savez_compressed(file, labels=labels, times=times, confidence=np.stack(self._confidences))
            else:
                np.savez_compressed(file, labels=labels, times=times)


@dataclass(frozen=True)
class Masks:
    """Masks of a video as they lie in parts on the disk."""

    parts: Sequence[Path]
    """Files of `MasksPart.write`, at least one."""
    label_space: LabelSpace
    time_base: Fraction
    """Seconds per tick."""
    start: int = 0
    """Time in ticks that becomes 0 in a video of masks, as in the overlay."""

    def write(self, path: Path, form: MasksFormat) -> None:
        """Write all masks as a folder of PNG files, an .npz or an .mp4 file.

        Raises:
            OutputError: the disk is full, or it cannot be written for another reason.
        """
        with output_errors(path):
            {"png": self._write_images, "npz": self._write_arrays, "mp4": self._write_video}[form](path)

    def _write_images(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        palette = self.label_space.palette.tobytes()
        for labels, index, pts, _ in self._frames():
            image = Image.fromarray(labels)
            image.putpalette(palette)
            image.save(folder / f"{self._name(index, pts)}.png", compress_level=DEFLATE_LEVEL)
        if self._with_confidence:
            (folder / CONFIDENCE).mkdir()
            for grey, index, pts, _ in self._frames(CONFIDENCE):
                path = folder / CONFIDENCE / f"{self._name(index, pts)}.png"
                Image.fromarray(grey).save(path, compress_level=DEFLATE_LEVEL)

    def _name(self, index: int, pts: int) -> str:
        return f"{index:06}_{float(pts * self.time_base):.3f}s"

    @property
    def _with_confidence(self) -> bool:
        with np.load(self.parts[0]) as arrays:
            return CONFIDENCE in arrays

    def _write_arrays(self, path: Path) -> None:
        times = np.concatenate([_read(part, "times") for part in self.parts])
        height, width = _read(self.parts[0], "labels").shape[1:]
        seconds = times[:, 1:] * self.time_base.numerator / self.time_base.denominator
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=DEFLATE_LEVEL) as archive:
            for name, array in (
                ("index", times[:, 0]),
                ("seconds", seconds[:, 0]),
                ("duration_seconds", seconds[:, 1]),
                ("classes", np.array(self.label_space.classes)),
            ):
                with archive.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(times), height, width)}
            maps: tuple[Maps, ...] = (LABELS, CONFIDENCE) if self._with_confidence else (LABELS,)
            for kind in maps:
                # In pieces: all need not fit into memory.
                with archive.open(f"{kind}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array_header_1_0(member, header)
                    for part in self.parts:
                        member.write(_read(part, kind).tobytes())

    def _write_video(self, path: Path) -> None:
        write_grey(
            path,
            ((labels, pts - self.start, duration) for labels, _, pts, duration in self._frames()),
            time_base=self.time_base,
        )

    def _frames(self, kind: Maps = LABELS) -> Iterator[tuple[LabelMap, int, int, int]]:
        """Yield the map, index, time and duration in ticks of each frame."""
        for part in self.parts:
            for values, times in zip(_read(part, kind), _read(part, "times").tolist(), strict=True):
                yield values, *times


def remove_masks(path: Path) -> None:
    """Delete a folder or file of masks, if it is there."""
    with output_errors(path):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


def _read(part: Path, name: Maps | Literal["times"]) -> NDArray[np.uint8]:
    """Read label maps or their confidence (N, h, w), or (N, 3) index, time and duration of frames."""
    with np.load(part) as arrays:
        return np.asarray(arrays[name])
