"""The door: the track of a video, from its own file or from one beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from math import inf
from os import PathLike, fspath
from pathlib import Path

import numpy as np

from roadseg.errors import InputError, VideoError
from roadseg.positions.cleaning import believed, is_plausible
from roadseg.positions.embedded import read_embedded
from roadseg.positions.fixes import Recording
from roadseg.positions.sidecars import read_beside, read_sidecar
from roadseg.positions.synchronise import VideoClock, synchronised
from roadseg.positions.track import MAX_GAP, Track
from roadseg.video.find import VIDEO_SUFFIXES
from roadseg.video.probe import VideoInfo, probe

AUTO, NONE = "auto", "none"
AROUND = 60.0
"""Seconds before and behind a video whose fixes are looked at too, of a long track."""


def read_track(
    video: str | PathLike[str],
    gps: str | PathLike[str] = AUTO,
    *,
    offset: float | None = None,
    info: VideoInfo | None = None,
) -> Track | None:
    """Read where a video was recorded.

    Args:
        video: the file.
        gps: "auto" for the positions in the video or in a file of the same name beside it, the path of a file (of
            positions, or another video), or "none", for which nothing is read.
        offset: seconds that are added to the times of the positions.
        info: properties of the video, where they are known already.

    Returns:
        The track; without fixes, but with notices, where positions were found and cannot be used; None where there are
        none.

    Raises:
        VideoError: the video cannot be read.
        InputError: the given file has no usable positions, or none of the time of the video.
    """
    video = Path(video)
    if fspath(gps) == NONE:
        return None
    given = None if fspath(gps) == AUTO else Path(gps)
    clock = _clock(video, info)
    notices: list[str] = []
    for recording in _recordings(video, given, notices):
        try:
            return _placed(recording, clock, offset, notices)
        except InputError as error:
            if given is not None:
                raise
            notices.append(f"{error.cause}. {error.remedy}")
    if given is not None:
        raise InputError(f"{given}: no positions in it", "; ".join(notices) or "Give GPX, NMEA, SRT, CSV or a video.")
    return Track.of([], notices=notices) if notices else None


def _clock(video: Path, info: VideoInfo | None) -> VideoClock:
    """Return the times of a video; those of its name alone, if it has no pictures that can be decoded."""
    try:
        return VideoClock.of(info or probe(video))
    except VideoError:
        if not video.is_file():
            raise
        return VideoClock.of_name(video)


def _recordings(video: Path, given: Path | None, notices: list[str]) -> Iterator[Recording]:
    """Yield what could hold the positions, the best first; in "auto", files that cannot be read become notices."""
    if given is not None and given.suffix.lower() not in VIDEO_SUFFIXES:
        yield read_sidecar(given, video)
        return
    yield from read_embedded(given or video, notices)
    if given is None:
        yield from read_beside(video, notices)


def _placed(recording: Recording, clock: VideoClock, offset: float | None, notices: Sequence[str]) -> Track:
    """Return the track of a recording on the clock of the video.

    Raises:
        InputError: no position of it can be used, or none is of the time of the video.
    """
    half = len(recording.fixes) // 2  # the first ones of a receiver may be elsewhere
    usable = next(filter(is_plausible, chain(recording.fixes[half:], recording.fixes[:half])), None)
    if usable is None:
        found = "; ".join([f"no usable position among {len(recording.fixes)} reports", *recording.notices])
        raise InputError(
            f"{recording.source}: {found}",
            "A receiver needs a free view of the sky, and some minutes after a cold start.",
        )
    fixes, assumptions = synchronised(recording, clock, offset, (usable.lat, usable.lon))
    end = clock.start + clock.duration if clock.duration else inf
    line, losses = believed(
        [fix for fix in fixes if not (fix.seconds < clock.start - AROUND or fix.seconds > end + AROUND)]
    )
    told = [*notices, *recording.notices, *losses, *assumptions]
    track = Track.of(line, source=recording.source, offset_s=offset or 0.0, notices=told).within(clock.start, end)
    shown = track.seconds[(track.seconds >= clock.start) & (track.seconds <= end)]
    if not np.isfinite(track.at(np.array([clock.start, *shown])).lat).any():
        cause = "; ".join(
            [f"{recording.source}: none of its positions lies within {clock.name}", *losses, *assumptions]
        )
        raise InputError(cause, "Give the track of this video, or move it by --gps-offset SECONDS.")
    unknown = np.diff(np.clip(track.seconds, clock.start, end))[np.diff(track.seconds) > MAX_GAP].sum()
    gaps = [f"{unknown:.0f} s lie between positions over {MAX_GAP:g} s apart: unknown there"] if unknown >= 1 else []
    return replace(track, notices=(*track.notices, *gaps))
