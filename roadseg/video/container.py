"""Open media files; the only place where PyAV's errors about an input become a `VideoError`."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from roadseg.cores import usable_cores
from roadseg.errors import VideoError
from roadseg.files import printable, shortened_name
from roadseg.video.boxes import boxes

BROKEN = "Check that it plays elsewhere; copy or download it again if it does not."

MAX_PIXELS = 35_651_584
"""Largest frame that is decoded: the limit of level 6.2 of H.264, HEVC and AV1, somewhat more than 8K."""


PLAYLISTS = {
    b"ffconcat version": (".ffconcat",),
    b"#EXTM3U": (".m3u8", ".m3u"),
    b"<MPD": (".mpd",),
    b"v=0": (".sdp",),
}
"""Beginnings of text files from which FFmpeg would open other files, and the suffixes under which it may."""


class _Rational(Protocol):
    @property
    def numerator(self) -> int: ...
    @property
    def denominator(self) -> int: ...


def fraction(value: _Rational | None) -> Fraction | None:
    """Return a rate or time base as a `Fraction`; None where the container leaves it out (also as 0 or 0/0)."""
    return Fraction(value.numerator, value.denominator) if value and value.numerator else None


def default_threads() -> int:
    """Return the thread count for a decoder or encoder: the available CPUs, at most 4, as more gain little."""
    return min(4, usable_cores())


def open_input(path: Path) -> InputContainer:
    """Open a media file for reading.

    Raises:
        VideoError: the path is missing, a folder, empty, not a media file or not readable, or its name is not UTF-8.
    """
    if printable(path) != str(path):
        raise VideoError(f"{printable(path)}: its name is not in UTF-8", "Rename it.")
    try:
        _refuse_no_file(path)
        _refuse_playlist(path)
        container = _opened(path)
        if container.format.name == "jpeg_pipe" and _holds_several(container):  # raw Motion JPEG, not an image
            container.close()
            container = _opened(path, "mjpeg")
    except PermissionError:
        raise VideoError(f"{path}: not allowed to read it", "Change its permissions (chmod u+r).") from None
    except av.error.FFmpegError as error:
        if _index_is_missing(path):
            raise missing_index(path) from error
        raise VideoError(f"{path}: not a video that can be read ({error.strerror})", BROKEN) from error
    except OSError as error:
        raise VideoError(f"{path}: cannot be read ({error.strerror})", "Check the disk or the network share.") from None
    if container.format.name in ("image2", "tty") or container.format.name.endswith("_pipe"):
        container.close()
        cause = f"{path}: not a video but an image, an animation or a text"
        raise VideoError(cause, "Give a video file; convert an animation to MP4 first.")
    return container


def _opened(path: Path, format: str | None = None) -> InputContainer:
    # An absolute path, because FFmpeg reads the text before a colon as a protocol: "12:30.mp4".
    # A playlist on disk must not lead to the network.
    options = {"protocol_whitelist": "file,crypto,data"}
    return av.open(str(path.absolute()), "r", format=format, options=options, metadata_errors="replace")


def _refuse_no_file(path: Path) -> None:
    """Make sure that there is a file with content.

    Raises:
        VideoError: there is none.
        OSError: a folder above it cannot be entered, or the disk fails.
    """
    try:
        state = path.stat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            raise VideoError(f"{shortened_name(path)}: no such file", "Check the path.") from None
        if error.errno == errno.ELOOP:
            raise VideoError(f"{path}: links to itself", "Check the path.") from None
        raise
    if stat.S_ISDIR(state.st_mode):
        raise VideoError(f"{path}: a folder, not a video", f"Give its videos, for example {path}/*.mp4.")
    if not stat.S_ISREG(state.st_mode):
        raise VideoError(f"{path}: a pipe or a device, not a file", "Store the video as a file first.")
    if not state.st_size:
        raise VideoError(f"{path}: the file is empty", "Copy or download it again.")


def _refuse_playlist(path: Path) -> None:
    """Refuse a file that names other files to open, unless its extension is that of a playlist.

    Raises:
        VideoError: it is one.
    """
    with path.open("rb") as file:
        start = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, suffixes in PLAYLISTS.items():
        is_one = mark in start if mark == b"<MPD" else start.startswith(mark)
        if is_one and path.suffix.lower() not in suffixes:
            raise VideoError(f"{path}: a playlist, not a video", f"Give its videos, or name it {suffixes[0]}.")


def _holds_several(container: InputContainer) -> bool:
    """Return True if there is more than one image in a file of JPEG data."""
    return sum(bool(packet.size) for packet in islice(container.demux(video=0), 2)) > 1


def video_stream(container: InputContainer, path: Path, track: int | None = None) -> VideoStream:
    """Return the video stream, ignoring cover images attached to the file.

    Args:
        container: the open file.
        path: its path, for messages.
        track: number of the video track, from 1; None for the one that FFmpeg finds best.

    Raises:
        VideoError: there is none, or none of that number; its format cannot be decoded, or its frames are so large that
            decoding one may take all memory.
    """
    streams = video_tracks(container)
    if not streams:
        found = ["a cover image"] if container.streams.video else []
        found += ["sound"] if container.streams.audio else []
        only = f", only {' and '.join(found)}" if found else ""
        raise VideoError(f"{path}: no video in it{only}", "Give a file with a video track.")
    if track is not None and not 1 <= track <= len(streams):
        raise VideoError(f"{path}: no video track {track}, it has {len(streams)}", "The first is number 1.")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in streams else streams[0]
    stream = stream if track is None else streams[track - 1]
    context = stream.codec_context
    if context is None:
        raise VideoError(f"{path}: its video format is unknown", "Convert it to H.264 first.")
    if context.width * context.height > MAX_PIXELS:
        size = f"{context.width}x{context.height}"
        raise VideoError(f"{path}: its frames of {size} pixels are too large", "Scale it to 8K or less first.")
    context.options = {"max_pixels": str(MAX_PIXELS)}  # for frames that are larger than the file states
    return stream


def separate_tracks(path: Path) -> Sequence[int | None]:
    """Return the number of each video track of a file with several, from 1; a single None for any other file.

    A file that cannot be read gives None too: the error is raised when it is read as a video.
    """
    try:
        with open_input(path) as container:
            count = len(video_tracks(container))
    except VideoError:
        return [None]
    return range(1, count + 1) if count > 1 else [None]


def video_tracks(container: InputContainer) -> list[VideoStream]:
    """Return the video tracks of a file, in its order, without cover images."""
    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


def has_timestamps(container: InputContainer) -> bool:
    """Return False for formats without timestamps, for which FFmpeg makes up a rate: raw H.264, raw Motion JPEG."""
    return Flags.no_timestamps not in Flags(container.format.flags)


def left_out(container: InputContainer, stream: VideoStream, *, is_chosen: bool) -> list[str]:
    """Name what the file holds beside `stream` and sound that no result will have, each in a sentence.

    Args:
        container: the open file.
        stream: the video track that is read.
        is_chosen: True if the user named this track, and so knows of the others.
    """
    notices = []
    tracks = video_tracks(container)
    if len(tracks) > 1 and not is_chosen:
        taken = f"number {tracks.index(stream) + 1}, {stream.width}x{stream.height}, is read"
        notices.append(f"{len(tracks)} video tracks: {taken}; --track chooses another")
    notices += ["subtitles are left out"] if container.streams.subtitles else []
    data = len(container.streams.data)
    notices += (
        [f"{data} data track{'s are' if data > 1 else ' is'} left out: GPS, time code or unknown"] if data else []
    )
    notices += ["chapters are left out"] if container.chapters() else []
    return notices


def demux(container: InputContainer, *streams: VideoStream | AudioStream) -> Iterator["Packet[Any]"]:
    """Yield the packets of some streams, and at the end an empty packet for each that flushes its decoder.

    Raises:
        av.error.FFmpegError: the container is damaged; another call continues behind the damage.
    """
    has_ended = False
    while True:
        try:
            for packet in container.demux(*streams):
                has_ended = not packet.size and packet.dts is None
                yield packet
            return
        except IndexError:
            # A stream that the file announces only now: PyAV knows only the streams it found on opening. It stumbles
            # once more at the end, where it would flush the new stream; another call would flush the others twice.
            if has_ended:
                return


def codec_name(stream: VideoStream | AudioStream) -> str:
    """Return FFmpeg's name of the codec; `unknown` where FFmpeg has no name for it."""
    return stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"


def undecodable(video: Path, reason: str | None = None) -> VideoError:
    """Return the error about a video none of whose frames can be decoded."""
    return VideoError(f"{video}: none of its frames can be decoded{f' ({reason})' if reason else ''}", BROKEN)


def missing_index(path: Path) -> VideoError:
    """Return the error for an MP4 file without its index."""
    cause = f"{path}: the index (moov) is missing: recording or download was cut off"
    return VideoError(cause, "Get the whole file, or repair it with a tool such as untrunc.")


def _index_is_missing(path: Path) -> bool:
    """Return True for an MP4 file whose boxes do not include `moov`."""
    with path.open("rb") as file:
        kinds = [box.kind for box in boxes(file, 0, file.seek(0, os.SEEK_END))]
    return kinds[:1] == [b"ftyp"] and b"moov" not in kinds
