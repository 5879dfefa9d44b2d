"""Join videos into one without encoding them again."""

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any, NamedTuple

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from roadseg.errors import VideoError
from roadseg.video.container import codec_name, fraction, open_input, video_stream
from roadseg.video.muxer import MAX_TIMESCALE, Muxer


def join_videos(
    parts: Sequence[Path],
    path: Path,
    *,
    time_base: Fraction,
    audio_from: Path | None = None,
    start: Fraction = Fraction(0),
    cut_audio: bool = False,
) -> list[str]:
    """Copy the frames of videos into one video, each at its own time.

    `VideoWriter` encodes without reordering frames, so decoding order is time order across parts too.

    Args:
        parts: at least one video written by `VideoWriter`, all of frames of one size, format and frame rate, sorted by
            time and without overlap.
        path: the file to write, `.mp4` or `.mkv`.
        time_base: seconds per tick of the written frames.
        audio_from: a file whose sound is copied.
        start: seconds of the parts, and of the sound, that become 0; a whole number of ticks.
        cut_audio: end the sound where the frames end.

    Returns:
        Notices about sound that could not be kept, each a sentence.

    Raises:
        OutputError: the disk is full, or the file cannot be written for another reason.
        VideoError: a part cannot be read, or was encoded with other settings than the first.
    """
    with Muxer(path, time_base, audio_from, audio_start=start, cut_audio=cut_audio) as muxer:
        header, end = None, Fraction()
        for part in parts:
            with open_input(part) as source:
                stream = video_stream(source, part)
                if header is None:
                    muxer.add_copy(stream)
                    header = stream.codec_context.extradata
                elif stream.codec_context.extradata != header:
                    raise VideoError(
                        f"{part}: encoded with other settings than {parts[0]}",
                        "Run the same command again, on one machine: it starts anew.",
                    )
                for packet in source.demux(stream):
                    if packet.size and packet.pts is not None and packet.dts is not None:
                        moved = round(start / packet.time_base)
                        packet.pts, packet.dts = packet.pts - moved, packet.dts - moved
                        end = (packet.pts + (packet.duration or 0)) * packet.time_base
                        muxer.write([packet])
        muxer.end(end)
    return muxer.notices


class _Encoding(NamedTuple):
    """Settings of the streams of a file, which must be those of the others to be joined with them."""

    video: tuple[Any, ...]
    sound: tuple[tuple[Any, ...], ...]
    time_base: Fraction

    @classmethod
    def of(cls, path: Path) -> "_Encoding":
        with open_input(path) as source:
            video = video_stream(source, path)
            context, aspect = video.codec_context, fraction(video.sample_aspect_ratio) or 1
            picture = codec_name(video), context.width, context.height, aspect, context.extradata
            return cls(
                picture, tuple(map(_sound, source.streams.audio)), fraction(video.time_base) or Fraction(1, 1000)
            )


def _sound(track: AudioStream) -> tuple[Any, ...]:
    context = track.codec_context
    return codec_name(track), context.sample_rate, context.channels, context.extradata


def join_at(parts: Sequence[tuple[Fraction, Path]], path: Path) -> list[str]:
    """Copy pictures and sound of videos into one video, each from its own time on, with gaps where they leave any.

    Where two overlap, the earlier one ends when the later one begins.

    Args:
        parts: at least one start in seconds with a video written by `VideoWriter`, sorted by start; the first is 0.
        path: the file to write, `.mp4` or `.mkv`.

    Returns:
        Notices about sound that is left out, each a sentence.

    Raises:
        OutputError: the disk is full, or the file cannot be written for another reason.
        VideoError: a part cannot be read, or was encoded with other settings than the first.
    """
    encodings = [_Encoding.of(part) for _, part in parts]
    for (_, part), encoding in zip(parts, encodings, strict=True):
        if encoding.video != encodings[0].video:
            raise VideoError(
                f"{part}: encoded with other settings than {parts[0][1].name}, so they cannot be joined as they are",
                "Draw all of them with one --height and one encoder: --overwrite.",
            )
    scale = lcm(*(encoding.time_base.denominator for encoding in encodings))
    time_base = Fraction(1, scale) if scale <= MAX_TIMESCALE else encodings[0].time_base
    loudest = max(range(len(parts)), key=lambda number: len(encodings[number].sound))
    notices = []
    with Muxer(path, time_base) as muxer:
        with open_input(parts[0][1]) as first, open_input(parts[loudest][1]) as loud:
            copies = [_Copy(muxer.add_copy(video_stream(first, parts[0][1])), time_base)]
            for track in loud.streams.audio:
                copies.append(_Copy(muxer.add_sound(track), Fraction(1, track.codec_context.sample_rate)))
        ends = [start for start, _ in parts[1:]]
        for (start, part), end, encoding in zip(parts, [*ends, None], encodings, strict=True):
            fits = encoding.sound == encodings[loudest].sound[: len(encoding.sound)]
            notices += [] if fits else [f"sound of {part.name} is left out: it has another format"]
            with open_input(part) as source:
                video = video_stream(source, part)
                taken = [video, *(source.streams.audio if fits else ())]
                places = {stream.index: copy for stream, copy in zip(taken, copies, strict=False)}
                for packet in source.demux(*taken):
                    if packet.size and places[packet.stream_index].place(packet, start, end):
                        muxer.copy(packet, places[packet.stream_index].stream)
    return notices


class _Copy:
    """A stream of the joined file and the time that it has reached."""

    def __init__(self, stream: VideoStream | AudioStream, time_base: Fraction) -> None:
        self.stream = stream
        self._time_base = time_base
        self._reached: int | None = None

    def place(self, packet: Any, start: Fraction, end: Fraction | None) -> bool:
        """Move a packet of a part that begins at `start`; return False for one that has no place before `end`.

        `VideoWriter` encodes without reordering frames, so decoding order is time order.
        """
        seconds = start + (packet.dts if packet.pts is None else packet.pts) * packet.time_base
        ticks = round(seconds / self._time_base)
        if (end is not None and seconds >= end) or (self._reached is not None and ticks <= self._reached):
            return False
        duration = round((packet.duration or 0) * packet.time_base / self._time_base)
        packet.time_base = self._time_base
        packet.pts = packet.dts = self._reached = ticks
        packet.duration = duration
        return True
