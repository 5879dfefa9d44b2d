"""Copy the sound of one file, packet by packet, into another."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from roadseg.video.clock import Clock
from roadseg.video.container import codec_name, demux, fraction
from roadseg.video.timeline import Timeline

TimedPacket = tuple[Fraction, "Packet[Any]"]
"""A packet and when it begins, in seconds."""

MP4_CODECS = ("aac", "mp3", "opus")
"""Sound formats that browsers play from MP4; Matroska holds more, but not all."""

AAC_BITS_PER_CHANNEL = 80_000
"""Bits per second and channel of sound that is encoded again."""

MAX_SHIFT = Fraction(1, 25)
"""Seconds by which sound that is encoded again may be off before silence fills a gap or an overlap is dropped."""

MAX_LEAD = Fraction(1, 10)
"""Seconds of sound before 0 that are kept, since decoders need what comes before the first sound that is heard. Players
leave them out, but Matroska begins there, and would shift the frames by as much."""

OPUS_HEADER = 19
"""Smallest size in bytes of an Opus identification header (RFC 7845, section 5.1)."""


class SoundCopy:
    """Copies sound packets unchanged, in step with the frames that are written between them.

    Sound in a format that MP4 players may not take (PCM, AC-3, MP2 and others) is encoded as AAC there. So is, in
    Matroska, what it cannot hold (ADPCM, AMR and others).
    """

    def __init__(
        self, source: InputContainer, target: OutputContainer, clock: Clock, *, start: Fraction = Fraction(0)
    ) -> None:
        """Add a stream to `target` for each sound track of `source`, of this clock, that can be read.

        Args:
            source: the file with the sound.
            target: the file that is written.
            clock: clock of `source`.
            start: seconds of `source` that become 0 in `target`.
        """
        self.notices: list[str] = []
        """Tracks, or parts of them, that are left out or changed, each in a sentence; grows while sound is written."""
        self._target = target
        self._clock = clock.reading()
        self._start = start
        self._damaged = False
        self._tracks: dict[int, _Copy | _Encoding] = {}
        for track in source.streams.audio:
            codec, time_base = codec_name(track), fraction(track.time_base)
            if time_base is None or not _is_whole(track):
                self.notices.append(
                    f"sound in {codec} is left out: it is damaged, begins late, or is in an unknown format"
                )
            elif target.format.name == "mp4" and codec not in MP4_CODECS:
                self.notices.append(f"sound in {codec} is encoded as AAC: MP4 players may not take it")
                self._tracks[track.index] = _Encoding(track, time_base, target)
            else:
                self._tracks[track.index] = self._copied(track, time_base)
        tracks = [track for track in source.streams.audio if track.index in self._tracks]
        self._packets = self._read(source, tracks) if tracks else iter(())
        self._next = next(self._packets, None)

    def _copied(self, track: AudioStream, time_base: Fraction) -> "_Copy | _Encoding":
        """Return the copy of a track; encoded where the container has no way to hold its codec."""
        try:
            return _Copy(track, time_base, self._target)
        except ValueError:
            self.notices.append(f"sound in {codec_name(track)} is encoded as AAC: the file format cannot hold it")
            return _Encoding(track, time_base, self._target)

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
            self.notices.append(f"damaged sound is left out, the first at {float(seconds + self._start):.1f} s")
        self._damaged = True

    def _read(self, source: InputContainer, tracks: list[AudioStream]) -> Iterator[TimedPacket]:
        """Yield packets, each with its start in seconds, addressed to its stream of the target."""
        try:
            for packet in demux(source, *tracks):
                if packet.size:
                    self._clock.move(packet)
                    yield from self._written(packet)
        except av.error.FFmpegError as error:
            self.notices.append(f"sound ends early: {error.strerror}")
        for track in self._tracks.values():
            yield from track.end()

    def _written(self, packet: "Packet[Any]") -> Iterator[TimedPacket]:
        track = self._tracks[packet.stream_index]
        packet.duration = track.timeline.plausible(packet.duration or 0)
        # Sound is played in decoding order: where a packet has both times, they are equal.
        stamp = packet.dts if packet.pts is None else packet.pts
        tick = track.timeline.time_base
        packet.pts = packet.dts = track.timeline.place(stamp, packet.duration) - round(self._start / tick)
        seconds = packet.pts * tick
        if seconds + packet.duration * tick < -MAX_LEAD:
            return
        try:
            yield from track.take(packet, seconds)
        except av.error.FFmpegError:
            self._note_damage(seconds)


class _Copy:
    """A track whose packets are copied."""

    def __init__(self, track: AudioStream, time_base: Fraction, target: OutputContainer) -> None:
        # MP4 counts in samples: packets that are nearer together in the file would get the same time there.
        self.timeline = Timeline(time_base, step=ceil(1 / (track.codec_context.sample_rate * time_base)))
        self._stream = target.add_stream_from_template(track)
        self._stream.metadata.update(_kept(track))

    def take(self, packet: "Packet[Any]", seconds: Fraction) -> Iterator[TimedPacket]:
        packet.stream = self._stream
        yield seconds, packet

    def end(self) -> Iterator[TimedPacket]:
        return iter(())


class _Encoding:
    """A track that is decoded and encoded as AAC, without gaps."""

    def __init__(self, track: AudioStream, time_base: Fraction, target: OutputContainer) -> None:
        self.timeline = Timeline(time_base)
        rate = track.codec_context.sample_rate
        rates = av.Codec("aac", "w").audio_rates or [rate]
        channels = min(track.codec_context.channels, 2)
        self._stream = target.add_stream(
            "aac", rate=min(rates, key=lambda each: abs(each - rate)), layout="mono" if channels == 1 else "stereo"
        )
        self._stream.bit_rate = AAC_BITS_PER_CHANNEL * channels
        self._stream.metadata.update(_kept(track))
        self._rate = rate
        self._next: int | None = None

    def take(self, packet: "Packet[AudioStream]", seconds: Fraction) -> Iterator[TimedPacket]:
        for frame in packet.decode():
            if frame.pts is not None:  # later than its packet where the codec begins with samples to skip
                seconds = frame.pts * (fraction(frame.time_base) or self.timeline.time_base)
            yield from self._encoded(frame, seconds)
            seconds += Fraction(frame.samples, self._rate)

    def end(self) -> Iterator[TimedPacket]:
        if self._next is not None:
            yield from map(self._timed, self._stream.encode(None))

    def _encoded(self, frame: av.AudioFrame, seconds: Fraction) -> Iterator[TimedPacket]:
        start = round(seconds * self._rate)
        if self._next is None:
            self._next = start
        missing = start - self._next
        if missing < -MAX_SHIFT * self._rate:
            return
        parts = [frame]
        while missing > MAX_SHIFT * self._rate:
            parts.insert(0, _silence_like(frame, min(missing, self._rate)))
            missing -= parts[0].samples
        for part in parts:
            part.pts, part.time_base, part.sample_rate = self._next, Fraction(1, self._rate), self._rate
            self._next += part.samples
            yield from map(self._timed, self._stream.encode(part))

    def _timed(self, packet: "Packet[AudioStream]") -> TimedPacket:
        return (packet.pts or 0) * Fraction(packet.time_base), packet


def _silence_like(frame: av.AudioFrame, samples: int) -> av.AudioFrame:
    """Return so many samples of silence in the format of a frame."""
    silence = av.AudioFrame(frame.format.name, frame.layout.name, samples)
    middle = 128 if frame.format.name.startswith("u8") else 0
    for plane in silence.planes:
        plane.update(bytes([middle]) * plane.buffer_size)
    return silence


def _kept(track: AudioStream) -> dict[str, str]:
    """Return the language and the title of a track, where it has them; MP4 calls the title a name."""
    found = {
        "language": track.metadata.get("language"),
        "title": track.metadata.get("title", track.metadata.get("name")),
    }
    return {key: value for key, value in found.items() if value}


def _is_whole(track: AudioStream) -> bool:
    """Return True if the track has the headers that decoders need."""
    context = track.codec_context
    if not context or not context.sample_rate:
        return False
    return context.codec.canonical_name != "opus" or len(context.extradata or b"") >= OPUS_HEADER
