"""The sound of one file, copied packet by packet into another."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from roadseg.video.container import codec_name, demux, fraction
from roadseg.video.timeline import Timeline

MP4_CODECS = ("aac", "mp3", "opus")
"""Sound formats that browsers play from MP4; Matroska holds any."""

OPUS_HEADER = 19
"""Bytes of an Opus identification header at least (RFC 7845, section 5.1)."""


class SoundCopy:
    """Copies sound packets unchanged, in step with the pictures that are written between them."""

    def __init__(self, source: InputContainer, target: OutputContainer) -> None:
        """Give `target` a stream for each sound track of `source` that it can hold."""
        self.notices: list[str] = []
        """Which tracks or parts of them are left out, each in a sentence; grows while sound is written."""
        self._target = target
        self._damaged = False
        self._streams: dict[int, tuple[AudioStream, Timeline]] = {}
        for track in source.streams.audio:
            codec, time_base = codec_name(track), fraction(track.time_base)
            if time_base is None or not _is_whole(track):
                self.notices.append(f"sound in {codec} is left out: it is damaged, or in a format that is not known")
                continue
            if target.format.name == "mp4" and codec not in MP4_CODECS:
                self.notices.append(f"sound in {codec} is left out: MP4 players may not take it; .mkv keeps it")
                continue
            # MP4 counts in samples: what is nearer together in the file would get the same time there.
            step = ceil(1 / (track.codec_context.sample_rate * time_base))
            self._streams[track.index] = target.add_stream_from_template(track), Timeline(time_base, step=step)
        tracks = [track for track in source.streams.audio if track.index in self._streams]
        self._packets = self._read(source, tracks) if tracks else iter(())
        self._next = next(self._packets, None)

    @property
    def waiting(self) -> bool:
        """Whether there are packets that were not written yet."""
        return self._next is not None

    def write_until(self, seconds: Fraction) -> None:
        """Write the packets that begin before `seconds`; later ones wait."""
        while self._next is not None and self._next[0] < seconds:
            try:
                self._target.mux(self._next[1])
            except (av.error.InvalidDataError, av.error.PatchWelcomeError):  # whose headers FFmpeg cannot take apart
                self._note_damage(self._next[0])
            self._next = next(self._packets, None)

    def _note_damage(self, seconds: Fraction) -> None:
        if not self._damaged:
            self.notices.append(f"damaged sound is left out, the first at {float(seconds):.1f} s")
        self._damaged = True

    def _read(self, source: InputContainer, tracks: list[AudioStream]) -> Iterator[tuple[Fraction, "Packet[Stream]"]]:
        """Packets, each with its beginning in seconds, addressed to its stream of the target."""
        try:
            for packet in demux(source, *tracks):
                if packet.size:
                    stream, timeline = self._streams[packet.stream_index]
                    packet.duration = timeline.plausible(packet.duration or 0)
                    # Sound is played in the order of decoding: where both times are there they are the same.
                    stamp = packet.dts if packet.pts is None else packet.pts
                    packet.pts = packet.dts = placed = timeline.place(stamp, packet.duration)
                    packet.stream = stream
                    yield placed * timeline.time_base, packet
        except av.error.FFmpegError as error:
            self.notices.append(f"sound ends early: {error.strerror}")


def _is_whole(track: AudioStream) -> bool:
    """Whether what decoders must be told beforehand is there."""
    context = track.codec_context
    if not context or not context.sample_rate:
        return False
    return context.codec.canonical_name != "opus" or len(context.extradata or b"") >= OPUS_HEADER
