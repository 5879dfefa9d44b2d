"""Results of one video, read from an overlay folder."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import InputError
from roadseg.labels.space import LabelSpace
from roadseg.overlay.stats import read_frames, read_heatmaps
from roadseg.overlay.summary import OverlayFiles, OverlaySummary
from roadseg.overlay.totals import read_summary
from roadseg.video.probe import probe

UNLABELLED_COLOUR = (160, 160, 160)


@dataclass(frozen=True)
class Results:
    """Results of one video."""

    files: OverlayFiles
    summary: OverlaySummary
    label_space: LabelSpace
    overlay_aspect_ratio: float
    """Width over height of the overlay as it is shown; a legend below the picture makes it higher than the video."""
    sample_aspect_ratio: Fraction
    """Width over height of a pixel of the overlay."""
    seconds: NDArray[np.float64]
    """(N,) presentation times of the frames."""
    durations: NDArray[np.float64]
    """(N,) durations of the frames in seconds."""
    shares: NDArray[np.float32]
    """(N, C + 1) shares of the frame, 0..1: the classes, then `unlabelled`."""
    heatmaps: NDArray[np.float64] | None
    """Heat maps from `roadseg.overlay.stats.read_heatmaps`."""

    @property
    def name(self) -> str:
        """Common name of the files."""
        return self.files.name

    @property
    def end(self) -> float:
        """End of the last frame in seconds."""
        return float(self.seconds[-1] + self.durations[-1])

    @property
    def aspect_ratio(self) -> float:
        """Width over height of the frame as it is shown."""
        return self.summary.width_px / self.summary.height_px * float(self.sample_aspect_ratio)

    def colour(self, index: int) -> tuple[int, int, int]:
        """Return the RGB colour, 0..255, of a class, or of `unlabelled` after the classes."""
        colours = self.label_space.colours
        return colours[index] if index < len(colours) else UNLABELLED_COLOUR


def read_results(files: OverlayFiles) -> Results:
    """Read all results of one video; the table is held in memory, 80 MB for 10 hours.

    Raises:
        InputError: a file is missing or cannot be read, or was written by another version.
        VideoError: the overlay is not a video.
    """
    summary = read_summary(files.frames)
    names = [entry.name for entry in summary.classes]
    seconds, durations, shares = [], [], []
    for rows in read_frames(files.frames, names):
        seconds.append(rows.seconds)
        durations.append(rows.durations)
        shares.append((rows.pixels / rows.pixels.sum(axis=1, keepdims=True)).astype(np.float32))
    if not seconds:
        raise InputError(f"{files.frames}: has no frames", "Run the overlay again with --overwrite.")
    heatmaps = read_heatmaps(files.frames)
    overlay = probe(files.overlay)
    return Results(
        files=files,
        summary=summary,
        overlay_aspect_ratio=float(overlay.width * overlay.shown_aspect_ratio / overlay.height),
        sample_aspect_ratio=overlay.shown_aspect_ratio,
        label_space=summary.label_space,
        seconds=np.concatenate(seconds),
        durations=np.concatenate(durations),
        shares=np.concatenate(shares),
        heatmaps=heatmaps,
    )
