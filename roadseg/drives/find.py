"""Find drives: read the headers of clips, and group them by camera and by time."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from typing import Literal

from roadseg.drives.clocks import Clock, Stamps, read_clock
from roadseg.drives.model import Drive, Drives, LeftOut, is_drive_file
from roadseg.drives.names import (
    FRONT,
    REAR,
    ClipName,
    Kind,
    card_of,
    channel_in,
    folder_channel,
    folder_kind,
    parse_name,
)
from roadseg.drives.timeline import Timed, apart_by, by_channel, gap_notices, without_repeats
from roadseg.errors import InputError, VideoError, one_line
from roadseg.files import fingerprint, printable
from roadseg.video.find import FoundVideo, Given, find_videos
from roadseg.video.header import VideoHeader, read_header

GAP = 60.0
"""Seconds without a clip after which another drive begins."""
READERS = 8
"""Threads that read headers: cards and network shares answer slowly."""
MAX_NAME = 80
"""Characters of the name of a drive: files of its folder have it too."""
NO_CLOCK = datetime(1970, 1, 1, tzinfo=UTC)
"""Start of clips without a clock; it stands for nothing."""
NEAR_FOLDERS = 2
"""Folders above a clip whose names may tell its channel."""
APART: dict[Kind, str] = {"parking": "parking", "time lapse": "time-lapse"}
"""Kinds of recording that make drives of their own, and what their names end in."""


@dataclass(frozen=True)
class _Record:
    """A clip, its name and its header."""

    found: FoundVideo
    name: ClipName
    header: VideoHeader

    @property
    def path(self) -> Path:
        return self.found.path

    @property
    def seconds(self) -> float:
        return self.header.duration_seconds or 0.0


@dataclass(frozen=True)
class _Camera:
    """Key by which clips are grouped: one camera, and one way of recording."""

    card: str
    brand: str
    series: str
    apart: str
    """End of the names of its drives."""


def find_drives(
    given: Given | Iterable[Given],
    *,
    gap: float = GAP,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Drives:
    """Group clips into drives, by the names that cameras give them and by their times; only headers are read.

    Channels (front, rear, cabin, ...) of one camera lie beside each other on the clock of the drive. Recordings while
    parking and time lapses make drives of their own. Copies of a clip, and clips whose seconds another clip of their
    channel has too, are left out; so are files that cannot be read. `Drives.left_out` and the notices name them.

    Args:
        given: folders, patterns and lists as `find_videos` takes them; or a drive file, which is read.
        gap: seconds without any clip after which another drive begins.
        on_progress: called with (clips read, clips in all).

    Returns:
        The drives by time. `Drives.videos` gives the clips of a channel to `overlay_videos` and `extract_frames`,
        `Drives.write` keeps them as a drive file.

    Raises:
        InputError: a folder has no video or cannot be read, no clip can be read, the drive file is not one, or `gap`
            is not above 0.
    """
    if not 0 < gap < float("inf"):
        raise InputError(f"gap: {gap}, wanted seconds above 0", "Leave it out for 60 s.")
    if isinstance(given, str | os.PathLike) and is_drive_file(given):
        return Drives.read(given)
    records, left_out = _read(find_videos(given), on_progress)
    if not records:
        count, first = len(left_out), left_out[0]
        others = f", and {count - 1} more that cannot be read either" if count > 1 else ""
        raise VideoError(f"{first.path}: {first.reason}{others}", "Give the camera's card, or a folder of its clips.")
    records, copies = _without_copies(records)
    by_camera = defaultdict(list)
    for record in records:
        by_camera[_camera(record)].append(record)
    drives: list[Drive] = []
    notices: list[str] = []
    repeated: list[LeftOut] = []
    for camera, clips in by_camera.items():
        of_camera, told, repeats = _of_camera(camera, clips, gap)
        drives += of_camera
        notices += [f"{camera.card or camera.brand}: {notice}" for notice in told if notice not in notices]
        repeated += repeats
    drives.sort(key=lambda drive: (drive.start is None, drive.name))
    left_out += [*copies, *repeated]
    if clockless := sum(drive.start is None for drive in drives):
        of = "1 drive has" if clockless == 1 else f"{clockless} drives have"
        notices.append(f"{of} no clock, neither in names nor in containers: clips of one recording, or one clip")
    return Drives(drives=_named_apart(drives), left_out=left_out, notices=list(dict.fromkeys(notices)))


def _read(found: Sequence[FoundVideo], on_progress: Callable[[int, int], None]) -> tuple[list[_Record], list[LeftOut]]:
    """Read all headers; files that cannot be read are left out."""
    records, left_out = [], []
    with ThreadPoolExecutor(READERS) as readers:
        for done, (video, header) in enumerate(zip(found, readers.map(_header, found), strict=True), start=1):
            if isinstance(header, VideoHeader):
                records.append(_Record(video, _name(video.path), header))
            else:
                left_out.append(LeftOut(path=Path(printable(video.path)), reason=header))
            on_progress(done, len(found))
    return records, left_out


def _header(video: FoundVideo) -> VideoHeader | str:
    """Return the header of a video, or the reason why it is left out."""
    if printable(video.path) != str(video.path):
        return "its name is not in UTF-8"
    try:
        return read_header(video.path)
    except VideoError as error:
        return error.cause.removeprefix(f"{video.path}: ")


def _name(path: Path) -> ClipName:
    """Return the facts in the name of a clip; what it leaves open by the names of its folders."""
    name, near = parse_name(path), PurePath(*path.absolute().parent.parts[-NEAR_FOLDERS:])
    return replace(name, channel=name.channel or folder_channel(near), kind=name.kind or folder_kind(near) or "normal")


def _without_copies(records: Sequence[_Record]) -> tuple[list[_Record], list[LeftOut]]:
    """Leave out files with the content of an earlier one of the same size, time and channel."""
    alike = defaultdict(list)
    for record in records:
        name = record.name
        what = (name.recording, name.chapter) if name.recording else name.time or record.path.name.lower()
        alike[record.path.stat().st_size, what, name.channel].append(record)
    copies: dict[Path, LeftOut] = {}
    for group in alike.values():
        first: dict[str, Path] = {}
        for record in sorted(group, key=lambda each: len(each.path.name)) if len(group) > 1 else ():
            content = fingerprint(record.path)
            if content in first:
                copies[record.path] = LeftOut(path=record.path, reason=f"copy of {first[content]}")
            first.setdefault(content, record.path)
    return [record for record in records if record.path not in copies], list(copies.values())


def _camera(record: _Record) -> _Camera:
    assert record.name.kind is not None
    apart = APART.get(record.name.kind, "")
    return _Camera(card_of(record.found.folder), record.name.camera, record.name.series, apart)


def _of_camera(camera: _Camera, records: Sequence[_Record], gap: float) -> tuple[list[Drive], list[str], list[LeftOut]]:
    """Return the drives of a camera, notices about its clock and tracks, and the clips that repeat others."""
    clock = read_clock([_stamps(each) for each in records])
    notices = clock.notices
    tracks = max(len(record.header.tracks) for record in records)
    if tracks > 1:
        several = next(record for record in records if len(record.header.tracks) == tracks)
        taken = " and ".join(_track_channels(several))
        notices = [*notices, f"files of {tracks} video tracks, as {one_line(several.path.name)}: taken for {taken}"]
    lots, missing = _lots(records, clock)
    offset = None if clock.utc_offset is None else round(clock.utc_offset.total_seconds())
    drives, left_out = [], []
    for source, clips in lots:
        kept, repeats = without_repeats(clips)
        left_out += [
            LeftOut(path=clip.path, reason=f"its seconds are in {one_line(other.path.name)} too")
            for clip, other in repeats
        ]
        for steady in apart_by(kept, gap):
            ahead = min(steady, key=lambda clip: clip.start).ahead
            together = [replace(clip, start=clip.start + ahead) for clip in steady]
            channels, gaps = by_channel(together, clockless=source == "none")
            start = None if source == "none" else min(clip.start for clip in together)
            first = next(iter(channels.values()))[0].path.stem
            drives.append(
                Drive(
                    name=_drive_name(camera, first if start is None else f"{start:%Y-%m-%d_%H-%M-%S}"),
                    camera=camera.brand,
                    clock=source,
                    utc_offset_s=offset + round(ahead.total_seconds())
                    if offset is not None and source == "name"
                    else None,
                    start=start,
                    channels=channels,
                    gaps=gaps,
                    notices=gap_notices(channels, gaps),
                )
            )
    return drives, [*notices, *missing], left_out


def _lots(
    records: Sequence[_Record], clock: Clock
) -> tuple[list[tuple[Literal["name", "container", "none"], list[Timed]]], list[str]]:
    """Return clips that have one clock: those with times in their names, in their containers, and each without any.

    Also returns a notice about each chapter that is missing.
    """
    named: list[Timed] = []
    stated: list[Timed] = []
    clockless: list[list[Timed]] = []
    chapters = defaultdict(list)
    for record in records:
        if record.name.recording:
            chapters[record.name.recording, record.path.parent].append(record)  # numbers begin again on other cards
        elif record.name.time is not None:
            ahead = clock.ahead(_stamps(record))
            named += [replace(clip, ahead=ahead) for clip in _timed(record, record.name.time - ahead)]
        elif (start := _stated_start(record, states_end=clock.states_end)) is not None:
            stated += _timed(record, start)
        else:
            clockless.append(_timed(record, NO_CLOCK))
    missing = []
    for recording in chapters.values():
        recording.sort(key=lambda record: record.name.chapter or 0)
        start = _stated_start(recording[0], states_end=clock.states_end)
        lot: list[Timed] = []
        for record, seconds in _chapter_starts(recording):
            lot += _timed(record, (start or NO_CLOCK) + timedelta(seconds=seconds))
        stated += lot if start is not None else []
        clockless += [lot] if start is None else []
        numbers = [record.name.chapter or 0 for record in recording]
        is_loop = not recording[0].name.recording[1:].isdigit()  # the first ones were recorded over
        gone = sorted(set(range(numbers[0] if is_loop else 1, numbers[-1])) - set(numbers))
        missing += [
            f"chapter {number} of the recording of {one_line(recording[0].path.name)} is missing" for number in gone
        ]
    lots: list[tuple[Literal["name", "container", "none"], list[Timed]]] = [("name", named), ("container", stated)]
    return [*lots, *(("none", lot) for lot in clockless)], missing


def _stamps(record: _Record) -> Stamps:
    name, header = record.name, record.header
    return Stamps(record.path.name, name.time, header.creation_time, record.seconds, name.sequence)


def _chapter_starts(recording: Sequence[_Record]) -> Iterator[tuple[_Record, float]]:
    """Yield chapters with their start in seconds from the first: containers give all of them one time, or each its own.

    A chapter that is missing counts for as long as the one before it, since all but the last are equally large.
    """
    seconds, before = 0.0, recording[0]
    for record in recording:
        steps = (record.name.chapter or 0) - (before.name.chapter or 0)
        seconds += steps * before.seconds
        before = record
        yield record, seconds


def _stated_start(record: _Record, *, states_end: bool) -> datetime | None:
    """Return the start by the container."""
    stated = record.header.creation_time
    return stated - timedelta(seconds=record.seconds) if stated is not None and states_end else stated


def _timed(record: _Record, start: datetime) -> list[Timed]:
    """Return a clip for each channel of a file."""
    tracks = _track_channels(record)
    return [
        Timed(
            record.path,
            channel,
            number if len(tracks) > 1 else None,
            start,
            record.header.duration_seconds,
            record.name.kind or "normal",
        )
        for number, channel in enumerate(tracks, start=1)
    ]


def _track_channels(record: _Record) -> list[str]:
    """Return the channel of each video track: by its title, by the name of the file, or front, rear and by number."""
    found: list[str] = []
    for number, title in enumerate(record.header.tracks, start=1):
        usual = record.name.channel or FRONT if number == 1 else REAR if number == 2 else ""
        channel = (channel_in(title) if len(record.header.tracks) > 1 else None) or usual
        found.append(channel if channel and channel not in found else f"track{number}")
    return found


def _drive_name(camera: _Camera, name: str) -> str:
    """Return a name that a folder can have on every system."""
    whole = "_".join(part for part in (camera.card, name, camera.apart) if part)
    return re.sub(r'[\s/\\:*?"<>|]+', "_", one_line(whole)).strip("._")[:MAX_NAME] or "drive"


def _named_apart(drives: Sequence[Drive]) -> list[Drive]:
    """Return the drives with a number behind names that an earlier one has; case tells no folders apart."""
    taken: set[str] = set()
    found = []
    for drive in drives:
        name, number = drive.name, 2
        while name.lower() in taken:
            name, number = f"{drive.name}-{number}", number + 1
        taken.add(name.lower())
        found.append(drive if name == drive.name else drive.model_copy(update={"name": name}))
    return found
