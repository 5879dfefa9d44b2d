"""Writes the hand-labelled frames of a dashcam clip as a `folder` data set.

    python benchmarks/indian_track/make.py VIDEO OUT
    roadseg evaluate default folder:OUT

VIDEO is the very file whose frames the polygons were drawn on; its checksum is compared.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from roadseg.datasets.folder_labels import LABELS_FILE
from roadseg.datasets.polygons import Region, painted
from roadseg.datasets.rendered import write_street
from roadseg.errors import InputError, RoadsegError, VideoError
from roadseg.files import write_text
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.labels.space import IGNORE, LabelMap
from roadseg.video.reader import VideoReader

POLYGONS = Path(__file__).with_name("polygons.json")
TRAIN_IDS = {"ignore": IGNORE} | {name: train_id for train_id, name in enumerate(CITYSCAPES_19.classes)}
LABELS = f'masks = "labels"\nlabel_space = "{CITYSCAPES_19.name}"\n'


class Annotation(NamedTuple):
    """Content of `polygons.json`."""

    video: str
    """Name of the video file."""
    sha256: str
    """SHA-256 of that file, hexadecimal."""
    size: tuple[int, int]
    """(width, height) of its frames in pixels."""
    regions: dict[int, list[Region]]
    """Frame, counted from 0 -> its polygons, far to near."""

    def label_map(self, frame: int) -> LabelMap:
        """(height, width) uint8 Cityscapes train ids, 255 where nothing is labelled."""
        return painted(self.regions[frame], self.size)


def read_annotation() -> Annotation:
    written = json.loads(POLYGONS.read_bytes())
    width, height = written["size"]
    regions = {frame["frame"]: [_region(*each) for each in frame["polygons"]] for frame in written["pictures"]}
    return Annotation(written["video"], written["sha256"], (width, height), regions)


def _region(name: str, corners: list[list[int]]) -> Region:
    return Region(TRAIN_IDS[name], np.array(corners))


def make(video: Path, out: Path, annotation: Annotation) -> None:
    """Write OUT/images, OUT/labels and, last, OUT/labels.toml: where that is, the set is whole.

    Raises:
        InputError: `video` is not the file that was labelled.
        VideoError: not all of the labelled frames can be decoded.
        OutputError: `out` cannot be written to.
    """
    _check(video, annotation)
    missing = set(annotation.regions)
    with VideoReader(video) as reader:
        for frame in reader:
            if frame.index in missing:
                write_street(out, frame.index, frame.to_rgb(), annotation.label_map(frame.index))
                missing.remove(frame.index)
            if not missing:
                break
    if missing:
        listed = ", ".join(map(str, sorted(missing)))
        raise VideoError(f"{video}: frames {listed} cannot be decoded", "`roadseg doctor` shows the codecs.")
    write_text(out / LABELS_FILE, LABELS)


def _check(video: Path, annotation: Annotation) -> None:
    try:
        with video.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{video}: cannot be read ({error.strerror})") from error
    if digest != annotation.sha256:
        raise InputError(
            f"{video}: not the video that was labelled, its SHA-256 begins {digest[:12]}",
            f"Give {annotation.video} as it was published, not cut or encoded again: {annotation.sha256[:12]}...",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the hand-labelled frames of a video as a folder data set.")
    parser.add_argument("video", type=Path, help="the labelled video")
    parser.add_argument("out", type=Path, help="folder to write to")
    arguments = parser.parse_args()
    annotation = read_annotation()
    try:
        make(arguments.video, arguments.out, annotation)
    except RoadsegError as error:
        sys.exit(str(error))
    print(f"{arguments.out}: {len(annotation.regions)} labelled frames")


if __name__ == "__main__":
    main()
