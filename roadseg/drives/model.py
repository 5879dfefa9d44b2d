"""Drives and their clips, and the drive file that commands take."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from roadseg.drives.names import FRONT, Kind
from roadseg.errors import InputError, listed, mistakes, one_line
from roadseg.files import resolved, write_json
from roadseg.inputs.documents import parse_json, read_bytes
from roadseg.video.find import ClipPlace, FoundVideo

MAX_DRIVE_FILE_BYTES = 1 << 26
"""Bytes of a drive file: 64 MiB, some 200,000 clips."""
DRIVE_FILE_SUFFIX = ".json"
MAX_SECONDS = 1e8
"""Seconds of a drive: three years."""


def _folder_name(name: str) -> str:
    if not name or name in (".", "..") or set(name) & set("/\\\0") or name != one_line(name):
        raise ValueError(f"{name!r} cannot be the name of a folder")
    return name


FolderName = Annotated[str, AfterValidator(_folder_name)]
"""A name that a folder of results can have: it never leads to another folder."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Clip(_Strict):
    """A clip of one channel of a drive."""

    path: Path
    """The file; in a drive file relative to its folder, where the clip lies below it."""
    track: int | None = Field(default=None, ge=1)
    """Number of the video track, from 1, in a file of several channels; null in others."""
    start_s: float = Field(ge=0, le=MAX_SECONDS)
    """Start on the clock of the drive, in seconds."""
    duration_s: float | None = Field(ge=0, le=MAX_SECONDS)
    """Null where the file does not state it."""
    recorded: datetime | None
    """Start by the clock of the drive, see `Drive.clock`; null without one."""
    kind: Kind = "normal"

    @property
    def end_s(self) -> float:
        """End on the clock of the drive, in seconds."""
        return self.start_s + (self.duration_s or 0.0)


class Gap(_Strict):
    """Time without a clip between two clips of a channel."""

    channel: str
    after: int = Field(ge=0)
    """Number of the clip before it, from 0."""
    start_s: float
    """End of that clip on the clock of the drive, in seconds."""
    seconds: float
    """Length; negative where the two clips overlap."""


class Drive(_Strict):
    """Clips that one camera recorded without a long break, by channel."""

    name: FolderName
    """Name of the drive, unique in its file; also the name of the folder of its results."""
    camera: str
    """Brand of the camera by its names of files."""
    clock: Literal["name", "container", "none"]
    """Source of the times: `name` (local time of the camera), `container` (UTC, as the format defines it) or `none`."""
    utc_offset_s: int | None = None
    """Clock of the camera minus UTC in seconds, where the names and the containers of its clips tell it."""
    start: datetime | None
    """Time at which the clock of the drive is 0; null without a clock. With a zone only where it is `container`'s."""
    channels: dict[FolderName, list[Clip]]
    """Clips by channel, `front` first, each by time."""
    gaps: list[Gap] = []
    """Gaps and overlaps."""
    notices: list[str] = []
    """Facts that a person should know, each a short sentence."""

    @property
    def seconds(self) -> float:
        """Length from the first clip to the end of the last."""
        return max((clip.end_s for clips in self.channels.values() for clip in clips), default=0.0)

    def videos(self, channel: str = FRONT) -> list[FoundVideo]:
        """Return the clips of a channel, none where there is no such channel; their results belong into one folder."""
        folder = Path(self.name) if channel == FRONT else Path(self.name, channel)
        return [
            FoundVideo(clip.path, folder, clip.track, ClipPlace(self.name, channel, number, clip.start_s))
            for number, clip in enumerate(self.channels.get(channel, []))
        ]


class LeftOut(_Strict):
    """A file that belongs to no drive."""

    path: Path
    reason: str
    """Short sentence without the path."""


class Drives(_Strict):
    """Drives of some folders, as `find_drives` finds them and a drive file keeps them."""

    drives: list[Drive]
    left_out: list[LeftOut] = []
    """Clips that cannot be read, and copies."""
    notices: list[str] = []
    """Facts about a camera as a whole, each a short sentence."""

    def channels(self) -> list[str]:
        """Return the channels of all drives, each once."""
        return list(dict.fromkeys(channel for drive in self.drives for channel in drive.channels))

    def videos(self, *, channel: str = FRONT, drive: str | None = None) -> list[FoundVideo]:
        """Return the clips of one channel, as `overlay_videos` and `extract_frames` take them.

        Args:
            channel: `front`, `rear`, `cabin`, ...; others never mix with it.
            drive: name of one drive; None for all that have this channel.

        Raises:
            InputError: there is no such drive or channel.
        """
        names = [each.name for each in self.drives]
        if drive is not None and drive not in names:
            raise InputError(
                f"no drive {drive!r}", f"There are: {listed(names, 5)}" if names else "The drive file is empty."
            )
        chosen = [each for each in self.drives if drive in (None, each.name)]
        found = [video for each in chosen for video in each.videos(channel)]
        if not found:
            known = ", ".join(dict.fromkeys(name for each in chosen for name in each.channels))
            raise InputError(f"no channel {channel!r} in {drive or 'any drive'}", f"Give --channel: {known or 'none'}.")
        return found

    def all_notices(self) -> list[str]:
        """Return the notices of all drives, cameras and files that were left out, each naming what it is about."""
        return [
            *(f"{file.path.name}: {file.reason}" for file in self.left_out),
            *self.notices,
            *(f"{drive.name}: {notice}" for drive in self.drives for notice in drive.notices),
        ]

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the drive file, whole or not at all; clips below its folder get relative paths, so both can move.

        Raises:
            OutputError: it cannot be written.
        """
        path = Path(path)
        write_json(path, _moved(self, lambda clip: _relative(clip, resolved(path.parent))).model_dump(mode="json"))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "Drives":
        """Read a drive file.

        Raises:
            InputError: it cannot be read, or is not a drive file.
        """
        path = Path(path)
        remedy = "Make one with: roadseg drives FOLDER --out drives.json"
        try:
            content = parse_json(read_bytes(path, MAX_DRIVE_FILE_BYTES))
            found = cls.model_validate(content)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})", remedy) from None
        except ValidationError as error:
            known = {*cls.model_fields, *Drive.model_fields, *Clip.model_fields}
            raise InputError(f"{path}: not a drive file: {mistakes(error, known)}", remedy) from None
        except ValueError as error:
            raise InputError(f"{path}: not a drive file ({error})", remedy) from None
        return _moved(found, lambda clip: path.parent / clip)


def is_drive_file(given: str | os.PathLike[str]) -> bool:
    """Return True for a path that has the extension of a drive file."""
    return Path(given).suffix.lower() == DRIVE_FILE_SUFFIX


def _moved(drives: Drives, place: Callable[[Path], Path]) -> Drives:
    """Return the same drives with other paths of clips."""
    return drives.model_copy(
        update={
            "drives": [
                drive.model_copy(
                    update={
                        "channels": {
                            channel: [clip.model_copy(update={"path": place(clip.path)}) for clip in clips]
                            for channel, clips in drive.channels.items()
                        }
                    }
                )
                for drive in drives.drives
            ],
            "left_out": [file.model_copy(update={"path": place(file.path)}) for file in drives.left_out],
        }
    )


def _relative(clip: Path, folder: Path) -> Path:
    """Return a path relative to a folder without links if it is below it, otherwise as an absolute one."""
    whole = resolved(clip.parent) / clip.name
    return whole.relative_to(folder) if whole.is_relative_to(folder) else clip.absolute()
