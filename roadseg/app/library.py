"""Videos that the page offers, by a number each: the page never sends a path of a file that it wants to see."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import InputError, RoadsegError
from roadseg.files import resolved
from roadseg.report.images import shown_size
from roadseg.video.container import undecodable
from roadseg.video.find import find_videos
from roadseg.video.probe import VideoInfo, probe
from roadseg.video.reader import VideoReader

MOST = 200
"""Videos of a folder that are listed."""
THUMBNAIL_WIDTH = 320
KEPT_THUMBNAILS = 200


class Video(NamedTuple):
    """A video of the list."""

    number: int
    path: Path
    folder: Path
    """Relative path of its folder below the one that is listed."""


class Library:
    """Videos of one folder, and those that were given by their paths; numbers stay for the session."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.error: RoadsegError | None = None
        """Why the folder has no list."""
        self.more = 0
        """Number of further videos in the folder, which are not listed."""
        self.is_searched = False
        self._videos: dict[Path, Video] = {}
        self._listed: list[Video] = []
        self._infos: dict[int, VideoInfo] = {}
        self._thumbnails: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()
        self._adding = threading.Lock()

    def search(self) -> None:
        """List the videos of the folder, as `find_videos` finds them."""
        try:
            found = find_videos(self.folder)
            self.error = None
        except RoadsegError as error:
            found, self.error = [], error
        self._listed = [self._add(video.path, video.folder) for video in found[:MOST]]
        self.more = max(0, len(found) - MOST)
        self.is_searched = True

    def open(self, text: str) -> Video | None:
        """List another folder, or add one video to the list, by a path that a person typed.

        Returns:
            The video; None for a folder.

        Raises:
            InputError: there is no such file, or it is no video.
        """
        path = Path(text.strip()).expanduser()
        if not text.strip() or "\0" in text:
            raise InputError("no path", "Type the path of a video or of a folder.")
        try:
            is_folder = path.is_dir()
        except OSError as error:
            raise InputError(f"{text}: cannot be used ({error.strerror})", "Check the path.") from None
        if is_folder:
            self.folder = path
            self.search()
            return None
        info = probe(path)
        video = self._add(path, Path())
        self._infos[video.number] = info
        if video not in self._listed:
            self._listed.insert(0, video)
        return video

    def __getitem__(self, number: int) -> Video:
        """Return the video of a number.

        Raises:
            InputError: there is none.
        """
        for video in self._videos.values():
            if video.number == number:
                return video
        raise InputError("this video is not in the list", "Choose one of the list.")

    def info(self, number: int) -> VideoInfo:
        """Return the properties of a video; each is opened once.

        Raises:
            VideoError: it cannot be read.
        """
        if number not in self._infos:
            self._infos[number] = probe(self[number].path)
        return self._infos[number]

    def thumbnail(self, number: int) -> NDArray[np.uint8]:
        """Return a small picture of a video, (H, W, 3) uint8 RGB: a keyframe of its middle, else its first frame.

        Raises:
            VideoError: it cannot be read.
        """
        if number not in self._thumbnails:
            with VideoReader(self[number].path, threads=1) as reader:
                size = shown_size(reader.info.aspect_ratio, THUMBNAIL_WIDTH)
                frame = next(reader.keyframes(1), None)
            if frame is None:
                with VideoReader(self[number].path, threads=1) as reader:
                    frame = next(iter(reader), None)
            if frame is None:
                raise undecodable(self[number].path)
            self._thumbnails[number] = frame.to_rgb(size)
            if len(self._thumbnails) > KEPT_THUMBNAILS:
                self._thumbnails.popitem(last=False)
        return self._thumbnails[number]

    def as_dict(self) -> dict[str, Any]:
        """Return the list for the page."""
        return {
            "folder": str(self.folder.absolute()),
            "searching": not self.is_searched,
            "error": None if self.error is None else {"cause": self.error.cause, "remedy": self.error.remedy},
            "more": self.more,
            "found": [
                {"number": video.number, "name": video.path.name, "folder": video.folder.as_posix().removeprefix(".")}
                for video in self._listed
            ],
        }

    def _add(self, path: Path, folder: Path) -> Video:
        with self._adding:
            return self._videos.setdefault(resolved(path), Video(len(self._videos) + 1, path, folder))
