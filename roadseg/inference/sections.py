"""Batch norm adapted to each scene of a video: by day, in a tunnel, at night.

A pass over small frames divides the video into sections (see `roadseg.adaptation.shifts`) before it is labelled. For
each scene, batch norm is adapted to some of its frames; where views of these frames do not agree better afterwards, the
network stays as it is. So the statistics that a frame gets follow from the video and the frame's time alone, wherever
the work on it begins.
"""

import time
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from roadseg.adaptation.batch_norm import IMAGES, BatchNormAdaptation
from roadseg.adaptation.defaults import AUTO
from roadseg.adaptation.shifts import Section, find_sections
from roadseg.errors import listed
from roadseg.inference.scene_choice import SceneChoice, adapted_if_steadier
from roadseg.inference.segmenter import Segmenter
from roadseg.video.sample import frames_at, timed_frames

EVERY = 1.0
"""Seconds between described frames, where the distance of keyframes and `MOST` allow it."""
MOST, ENOUGH = 600, 30
"""Largest number of described frames, and number of keyframes that makes the decoding of others unnecessary."""
SPANS = 3
"""Sections of a scene that the line for people mentions."""
SHRINKING = 4
"""Factor by which described frames are smaller than the network's input."""


class AdaptedSections(NamedTuple):
    """Segmenters for the sections of a video."""

    starts: Sequence[float]
    """Times in seconds at which sections begin, the first one excepted."""
    scenes: Sequence[int]
    """Scene of each section."""
    segmenters: Sequence[Segmenter]
    """Segmenter for each scene."""
    choices: Sequence[SceneChoice]
    """Decision on each scene."""
    seconds: dict[str, float]
    """Wall time that it took to `find` the sections and to `adapt` to them."""

    def at(self, seconds: float) -> Segmenter:
        """Return the segmenter for a frame, by its time."""
        return self.segmenters[self.scenes[bisect_right(self.starts, seconds)]]

    def __str__(self) -> str:
        """One line for people, with times in seconds."""
        bounds = ["0", *(f"{start:.0f}" for start in self.starts), "the end"]
        told = []
        for scene, choice in enumerate(self.choices):
            spans = [
                f"{bounds[place]} to {bounds[place + 1]}" for place, number in enumerate(self.scenes) if number == scene
            ]
            told.append(f"{listed(spans, SPANS)}: {choice}")
        return "sections in s: " + "; ".join(told)


def video_sections(
    video: Path, segmenter: Segmenter, *, track: int | None = None, frame_rate: Fraction | None = None
) -> tuple[list[float], list[Section]]:
    """Divide a video where its light changes.

    Args:
        video: the file.
        segmenter: with batch norm, fitted to the video.
        track: see `VideoReader`.
        frame_rate: see `VideoReader`.

    Returns:
        Times of described frames in seconds, ascending; sections of them.

    Raises:
        VideoError: the video cannot be read, or has no frames.
        InputError: the segmenter has no batch norm.
    """
    width, height = segmenter.input_size
    size = max(1, width // SHRINKING), max(1, height // SHRINKING)
    times, frames = timed_frames(video, size, every=EVERY, most=MOST, enough=ENOUGH, track=track, frame_rate=frame_rate)
    return times, find_sections(segmenter.describe(frames), times)


def times_of(scene: int, times: Sequence[float], sections: Sequence[Section], count: int = IMAGES) -> list[float]:
    """Return at most `count` of the times of described frames, evenly spread over all sections of a scene."""
    found = [time for first, end, number in sections if number == scene for time in times[first:end]]
    count = min(count, len(found))
    return [found[(2 * place + 1) * len(found) // (2 * count)] for place in range(count)]


def adapt_to_sections(
    video: Path,
    segmenter: Segmenter,
    adaptation: BatchNormAdaptation,
    *,
    track: int | None = None,
    frame_rate: Fraction | None = None,
) -> AdaptedSections:
    """Adapt a segmenter to each scene of a video, or leave it as it is where its labels do not become steadier.

    Args:
        video: the file.
        segmenter: with batch norm and class scores, fitted to the video; left as it is.
        adaptation: how far, and against which source images.
        track: see `VideoReader`.
        frame_rate: see `VideoReader`.

    Raises:
        VideoError: the video cannot be read, or has no frames.
        InputError: the segmenter has no batch norm or no class scores, or images of its source cannot be read.
    """
    started = time.perf_counter()
    times, sections = video_sections(video, segmenter, track=track, frame_rate=frame_rate)
    found = time.perf_counter()
    scenes = [section.scene for section in sections]
    candidates = segmenter.streets if adaptation.scenes == AUTO else (adaptation.scenes,)
    segmenters, choices = [], []
    for scene in range(max(scenes) + 1):
        frames = frames_at(
            video, segmenter.input_size, times_of(scene, times, sections), track=track, frame_rate=frame_rate
        )
        adapted, choice = adapted_if_steadier(segmenter, frames, adaptation.prior, candidates)
        segmenters.append(adapted)
        choices.append(choice)
    seconds = {"find": found - started, "adapt": time.perf_counter() - found}
    starts = [(times[section.first - 1] + times[section.first]) / 2 for section in sections[1:]]
    return AdaptedSections(starts, scenes, segmenters, choices, seconds)
