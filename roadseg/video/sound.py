"""Copy the sound of one file, packet by packet, into another."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from roadseg.video.clock import Clock
from roadseg.video.container import codec_name, demux, fraction
from roadseg.video.timeline import Timeline

MP4_CODECS = ("aac", "mp3", "opus")
"""Sound formats that browsers play from MP4; Matroska holds any."""

OPUS_HEADER = 19
"""Smallest size in bytes of an Opus identification header (RFC 7845, section 5.1)."""


class SoundCopy:
    """Copies sound packets unchanged, in step with the frames that are written between them."""

    def __init__(self, source: InputContainer, target: OutputContainer, clock: Clock) -> None:
        """Add a stream to `target` for each sound track of `source`, of this clock, that it can hold."""
        self.notices: list[str] = []
        """Tracks, or parts of them, that are left out, each in a sentence; grows while sound is written."""
        self._target = target
        self._clock = clock.reading()
        self._damaged = False
        self._streams: dict[int, tuple[AudioStream, Timeline]] = {}
        for track in source.streams.audio:
            codec, time_base = codec_name(track), fraction(track.time_base)
            if time_base is None or not _is_whole(track):
                self.notices.append(f"sound in {codec} is left out: it is damaged, or in an unknown format")
                continue
            if target.format.name == "mp4" and codec not in MP4_CODECS:
                self.notices.append(f"sound in {codec} is left out: MP4 players may not take it; .mkv keeps it")
                continue
            # MP4 counts in samples: packets that are nearer together in the file would get the same time there.
            step = ceil(1 / (track.codec_context.sample_rate * time_base))
            self._streams[track.index] = target.add_stream_from_template(track), Timeline(time_base, step=step)
        tracks = [track for track in source.streams.audio if track.index in self._streams]
        self._packets = self._read(source, tracks) if tracks else iter(())
        self._next = next(self._packets, None)

    @property
    def waiting(self) -> bool:
        """True while there are packets that have not been written."""
        return self._next is not None

    def write_until(self, seconds: Fraction) -> None:
        """Write the packets that begin before `seconds`."""
        while self._next is not None and self._next[0] < seconds:
            try:
                self._target.mux(self._next[1])
            except (av.error.InvalidDataError, av.error.PatchWelcomeError):  # FFmpeg cannot parse their headers
                self._note_damage(self._next[0])
            self._next = next(self._packets, None)

    def _note_damage(self, seconds: Fraction) -> None:
        if not self._damaged:
            self.notices.append(f"damaged sound is left out, the first at {float(seconds):.1f} s")
        self._damaged = True

    def _read(self, source: InputContainer, tracks: list[AudioStream]) -> Iterator[tuple[Fraction, "Packet[Stream]"]]:
        """Yield packets, each with its start in seconds, addressed to its stream of the target."""
        try:
            for packet in demux(source, *tracks):
                if packet.size:
                    self._clock.move(packet)
                    stream, timeline = self._streams[packet.stream_index]
                    packet.duration = timeline.plausible(packet.duration or 0)
                    # Sound is played in decoding order: where a packet has both times, they are equal.
                    stamp = packet.dts if packet.pts is None else packet.pts
                    packet.pts = packet.dts = placed = timeline.place(stamp, packet.duration)
                    packet.stream = stream
                    yield placed * timeline.time_base, packet
        except av.error.FFmpegError as error:
            self.notices.append(f"sound ends early: {error.strerror}")


def _is_whole(track: AudioStream) -> bool:
    """Return True if the track has the headers that decoders need."""
    context = track.codec_context
    if not context or not context.sample_rate:
        return False
    return context.codec.canonical_name != "opus" or len(context.extradata or b"") >= OPUS_HEADER
