"""What a video shows, in numbers: a Parquet row for every frame, and shares of classes over time."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from roadseg.frames import Frame
from roadseg.labels import LabelMap, LabelSpace

ROWS_A_GROUP = 1024
"""Frames held in memory before they are written as a Parquet row group."""


@dataclass(frozen=True)
class ClassShare:
    """How much of a video one class takes up."""

    name: str
    share: float
    """Fraction of the picture, 0..1, averaged over time: every frame counts for as long as it is shown."""
    frames: int
    """Frames with at least one pixel of the class in the label map."""
    seconds: float
    """How long those frames are shown."""


def count_pixels(labels: LabelMap) -> NDArray[np.int64]:
    """(256,) int64: how often each value occurs in a label map (h, w) uint8."""
    return cv2.calcHist([labels], [0], None, [256], [0, 256]).ravel().astype(np.int64)


class FrameTable:
    """Writes one Parquet row a frame and adds the classes up; memory does not grow with the video.

    Columns: `index`; `pts`, in ticks of the time base in the file's metadata; `seconds` and `duration_seconds`;
    `decode_error`, whether the decoder met errors on the way to this frame; for every class `fraction_NAME`, of the
    picture, in 0..1, and `pixels_NAME`, in pixels of the label map; the same for `unlabelled`. The fractions of a
    frame add up to 1. Blanks in class names become underscores.

    Args:
        path: of the Parquet file, complete once the context is left.
        label_space: of the label maps counted.
        time_base: of the frames, in seconds a tick.
    """

    def __init__(self, path: Path, label_space: LabelSpace, time_base: Fraction) -> None:
        self.label_space = label_space
        self.frames = 0
        """Frames so far."""
        self._time_base = time_base
        self._ticks = 0
        self._names = [*label_space.classes, "unlabelled"]
        self._fraction_ticks = np.zeros(len(self._names))
        self._present_frames = np.zeros(len(self._names), np.int64)
        self._present_ticks = np.zeros(len(self._names), np.int64)
        self._rows: list[tuple[int, int, float, float, bool]] = []
        self._pixels: list[NDArray[np.int64]] = []
        self._schema = _schema(self._names, {"time_base": str(time_base), "label_space": label_space.name})
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def add(self, frame: Frame, counts: NDArray[np.int64], *, decode_error: bool = False) -> None:
        """Add the next frame.

        Args:
            frame: its pixels are not looked at.
            counts: (256,) as `count_pixels` gives them.
            decode_error: whether the decoder met errors on the way to this frame.
        """
        classes = len(self.label_space)
        pixels = np.append(counts[:classes], counts[classes:].sum())
        self.frames += 1
        self._ticks += frame.duration
        self._fraction_ticks += pixels / pixels.sum() * frame.duration
        self._present_frames += pixels > 0
        self._present_ticks += (pixels > 0) * frame.duration
        self._rows.append((frame.index, frame.pts, frame.seconds, frame.duration_seconds, decode_error))
        self._pixels.append(pixels)
        if len(self._rows) == ROWS_A_GROUP:
            self._flush()

    @property
    def seconds(self) -> float:
        """How long the frames so far are shown."""
        return float(self._ticks * self._time_base)

    def shares(self) -> list[ClassShare]:
        """One entry a class in train-id order, then `unlabelled`; shares add up to 1 once there is a frame."""
        shares = self._fraction_ticks / max(1, self._ticks)
        return [
            ClassShare(name, float(share), int(frames), float(int(ticks) * self._time_base))
            for name, share, frames, ticks in zip(
                self._names, shares, self._present_frames, self._present_ticks, strict=True
            )
        ]

    def _flush(self) -> None:
        if not self._rows:
            return
        pixels = np.stack(self._pixels)
        fractions = pixels / pixels.sum(axis=1, keepdims=True)
        columns = [*zip(*self._rows, strict=True), *fractions.T, *pixels.T]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()
        self._pixels.clear()

    def __enter__(self) -> "FrameTable":
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._writer.close()


def _schema(names: list[str], metadata: dict[str, str]) -> pa.Schema:
    columns = [name.replace(" ", "_") for name in names]
    return pa.schema(
        [
            ("index", pa.int64()),
            ("pts", pa.int64()),
            ("seconds", pa.float64()),
            ("duration_seconds", pa.float64()),
            ("decode_error", pa.bool_()),
            *((f"fraction_{column}", pa.float32()) for column in columns),
            *((f"pixels_{column}", pa.int32()) for column in columns),
        ],
        metadata=metadata,
    )
