"""Results of one video, or of the clips of a drive, read from an overlay folder."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import InputError
from roadseg.labels.space import LabelSpace
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.frame_table import read_frames, read_heatmaps, read_positions
from roadseg.overlay.overlaps import counted_totals, counted_until
from roadseg.overlay.stats import ClassTotals
from roadseg.overlay.summary import OverlaySummary, StageTiming
from roadseg.overlay.totals import read_summary
from roadseg.positions.track import Positions
from roadseg.video.probe import probe

UNLABELLED_COLOUR = (160, 160, 160)


@dataclass(frozen=True)
class ShownClip:
    """An overlay on the clock of a page."""

    files: OverlayFiles
    zero: float
    """Time on the clock of the page at which the overlay is at 0, in seconds."""
    start: float
    """Time of its first frame."""
    end: float
    """Time at which its last frame, or the last before the next clip, ends."""


@dataclass(frozen=True)
class Results:
    """Results of one video, or of the clips of a drive on the clock of the drive."""

    name: str
    """Common name of the files, or name of the drive."""
    files: OverlayFiles
    """Results of the video, or of the first clip."""
    clips: tuple[ShownClip, ...]
    """The video, or the clips by time."""
    summary: OverlaySummary
    label_space: LabelSpace
    overlay_aspect_ratio: float
    """Width over height of the overlay as it is shown; a legend below the picture makes it higher than the video."""
    picture_share: float
    """Height of the picture relative to the overlay, up to 1: below it is the legend."""
    sample_aspect_ratio: Fraction
    """Width over height of a pixel of the overlay."""
    seconds: NDArray[np.float64]
    """(N,) presentation times of the frames."""
    durations: NDArray[np.float64]
    """(N,) durations of the frames in seconds."""
    shares: NDArray[np.float32]
    """(N, C + 1) shares of the frame, 0..1: the classes, then `unlabelled`."""
    positions: Positions
    """Positions of the frames."""
    heatmaps: NDArray[np.float64] | None
    """Heat maps from `roadseg.overlay.frame_table.read_heatmaps`."""

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
    end = float(seconds[-1][-1] + durations[-1][-1])
    return Results(
        name=files.name,
        files=files,
        clips=(ShownClip(files, summary.begins_seconds, float(seconds[0][0]), end),),
        summary=summary,
        overlay_aspect_ratio=float(overlay.width * overlay.shown_aspect_ratio / overlay.height),
        picture_share=min(1.0, summary.picture_height / overlay.height),
        sample_aspect_ratio=overlay.shown_aspect_ratio,
        label_space=summary.label_space,
        seconds=np.concatenate(seconds),
        durations=np.concatenate(durations),
        shares=np.concatenate(shares),
        positions=read_positions(files.frames),
        heatmaps=heatmaps,
    )


def read_drive(clips: Sequence[OverlayFiles]) -> Results:
    """Read the results of the clips of a drive, of one channel, and place them on the clock of the drive.

    Where clips overlap, the frames of the earlier one end when the later one begins; heat maps count them all.

    Raises:
        InputError: as for `read_results`, or the clips have other classes or sizes than the first.
        VideoError: an overlay is not a video.
    """
    found = sorted(map(read_results, clips), key=lambda results: _start(results.summary))
    first = found[0]
    for other in found[1:]:
        if other.label_space != first.label_space:
            raise InputError(
                f"{other.files.frames}: has other classes than {first.files.frames}",
                "Draw all clips of the drive with one network: --overwrite.",
            )
    starts = [_start(results.summary) for results in found]
    placed: list[Results] = []
    for results, start, following in zip(found, starts, [*starts[1:], np.inf], strict=True):
        seconds = results.seconds + start
        count = max(1, int(np.searchsorted(seconds, following)))
        (clip,) = results.clips
        end = min(clip.end + start, following) if count < len(seconds) else clip.end + start
        moved = replace(clip, zero=clip.zero + start, start=clip.start + start, end=float(end))
        cut = replace(results, seconds=seconds[:count], durations=results.durations[:count])
        places = _joined([results.positions], count)
        placed.append(replace(cut, shares=results.shares[:count], positions=places, clips=(moved,)))
    heatmaps = [results.heatmaps for results in found]
    alike = all(one is not None and heatmaps[0] is not None and one.shape == heatmaps[0].shape for one in heatmaps)
    place = first.summary.drive
    assert place is not None  # the caller found them by it
    return replace(
        first,
        name=place.name,
        clips=tuple(results.clips[0] for results in placed),
        summary=joint_summary([(results.files.frames, results.summary) for results in found]),
        seconds=np.concatenate([results.seconds for results in placed]),
        durations=np.concatenate([results.durations for results in placed]),
        shares=np.concatenate([results.shares for results in placed]),
        positions=_joined([results.positions for results in placed]),
        heatmaps=np.sum(np.array(heatmaps), axis=0) if alike else None,
    )


def _joined(parts: Sequence[Positions], count: int | None = None) -> Positions:
    """Return the positions of consecutive parts, the first `count` or all."""
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Positions(*(np.concatenate(column)[:count] for column in columns))


def _start(summary: OverlaySummary) -> float:
    return summary.drive.start_s if summary.drive is not None else 0.0


def joint_summary(clips: Sequence[tuple[Path, OverlaySummary]]) -> OverlaySummary:
    """Return the summary of all clips: sums and means, and the notices of each under its name.

    Args:
        clips: tables with their summaries; seconds that two of a drive both have count once.

    Raises:
        InputError: the table of a clip that overlaps with the next cannot be read.
    """
    summaries, ends = [summary for _, summary in clips], counted_until(clips)
    first = summaries[0]
    totals = ClassTotals([entry.name for entry in first.classes])
    events: Counter[str] = Counter()
    wall = sum(summary.wall_seconds for summary in summaries)
    for table, summary in clips:
        totals.include(counted_totals(table, summary, ends))
        events.update({name: value for name, value in summary.decoder_events.items() if isinstance(value, int | float)})
    busy = Counter[str]()
    for summary in summaries:
        busy.update({name: stage.busy_seconds for name, stage in summary.stages.items()})
    notices = Counter(notice for summary in summaries for notice in summary.notices)
    return first.model_copy(
        update={
            "frames": totals.frames,
            "frames_resumed": sum(summary.frames_resumed for summary in summaries),
            "duration_seconds": totals.seconds,
            "classes": totals.shares(),
            "masked_share": sum(each.masked_share * each.duration_seconds for each in summaries)
            / (totals.seconds or 1),
            "wall_seconds": wall,
            "frames_per_second": totals.frames / wall if wall else 0.0,
            "stages": {
                name: StageTiming(busy_seconds=seconds, ms_per_frame=1000 * seconds / max(totals.frames, 1))
                for name, seconds in busy.items()
            },
            "decoder_events": dict(events),
            "notices": [f"{notice} ({count} clips)" if count > 1 else notice for notice, count in notices.items()],
        }
    )
