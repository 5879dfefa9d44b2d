"""The door: the track of a video, from its own file or from one beside it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from math import inf
from os import PathLike, fspath
from pathlib import Path

from roadseg.errors import InputError
from roadseg.inputs.documents import read_bytes
from roadseg.inputs.limits import MAX_TRACK_BYTES
from roadseg.positions.cleaning import believed
from roadseg.positions.fixes import Recording
from roadseg.positions.gpx import read_gpx
from roadseg.positions.nmea import read_nmea
from roadseg.positions.synchronise import VideoClock, synchronised
from roadseg.positions.track import Track
from roadseg.video.probe import VideoInfo, probe

AUTO, NONE = "auto", "none"
SIDECARS: dict[str, Callable[[Path, str], Recording]] = {".gpx": read_gpx, ".nmea": read_nmea}
"""Readers of files beside a video, by extension, in the order in which they are looked for."""


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
        gps: "auto" for the positions in the video or in a file of the same name beside it, the path of a file, or
            "none", for which nothing is read.
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
    clock = VideoClock.of(info or probe(video))
    notices: list[str] = []
    for recording in _recordings(video, given, notices):
        try:
            return _placed(recording, clock, offset)
        except InputError as error:
            if given is not None:
                raise
            notices.append(error.cause)
    return Track.of([], notices=notices) if notices else None


def sidecar_of(video: Path) -> Path | None:
    """Return the file with positions beside a video: of the same name, in capital or small letters."""
    try:
        beside = {path.name.lower(): path for path in sorted(video.parent.iterdir(), reverse=True)}
    except OSError:
        return None
    names = [f"{video.stem}{suffix}".lower() for suffix in SIDECARS]
    return next((beside[name] for name in names if name in beside and beside[name] != video), None)


def _recordings(video: Path, given: Path | None, notices: list[str]) -> Iterator[Recording]:
    """Yield what could hold the positions, the best first; in "auto", files that cannot be read become notices."""
    if given is not None:
        yield read_sidecar(given, video)
        return
    beside = sidecar_of(video)
    if beside is not None:
        try:
            yield read_sidecar(beside, video)
        except InputError as error:
            notices.append(error.cause)


def read_sidecar(path: Path, video: Path) -> Recording:
    """Read a file of positions, whatever its name.

    Raises:
        InputError: it cannot be read, or its format is unknown.
    """
    try:
        state = path.stat()
        recording = _read(path, state.st_size, state.st_mtime_ns)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: cannot be read ({reason})", "Check the path given to --gps.") from error
    if path.stem.lower() == video.stem.lower():
        return recording
    return replace(recording, begins_with_video=False)  # a camera names both alike


@lru_cache(maxsize=4)
def _read(path: Path, size: int, changed: int) -> Recording:
    """Read a file once for all videos that a long track belongs to."""
    text = read_bytes(path, MAX_TRACK_BYTES).decode("utf-8-sig", errors="replace")
    return _reader(path, text)(path, text)


def _reader(path: Path, text: str) -> Callable[[Path, str], Recording]:
    """Return the reader for a file, by its content."""
    start = text[:4096].lstrip()
    if start.startswith("<") and "<gpx" in start:
        return read_gpx
    if "RMC," in text:
        return read_nmea
    known = SIDECARS.get(path.suffix.lower())
    if known is None:
        raise InputError(f"{path}: no format of positions that is known", "Give GPX or NMEA.")
    return known


def _placed(recording: Recording, clock: VideoClock, offset: float | None) -> Track:
    """Return the track of a recording on the clock of the video.

    Raises:
        InputError: no position of it can be used.
    """
    usable, _ = believed(recording.fixes)
    if not usable:
        raise InputError(
            f"{recording.source}: no usable position among {len(recording.fixes)} reports",
            "A receiver needs a free view of the sky, and some minutes after a cold start.",
        )
    fixes, notices = synchronised(recording, clock, offset, (usable[0].lat, usable[0].lon))
    line, losses = believed(fixes)
    track = Track.of(
        line,
        source=recording.source,
        offset_s=offset or 0.0,
        notices=[*recording.notices, *losses, *notices],
    )
    end = clock.start + clock.duration if clock.duration else inf
    return track.within(clock.start, end)
