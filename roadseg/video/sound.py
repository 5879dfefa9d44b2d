"""The sound of one file, copied packet by packet into another."""

from collections.abc import Iterator
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from roadseg.video.container import fraction
from roadseg.video.timeline import Timeline

MP4_CODECS = ("aac", "mp3", "opus")
"""Sound formats that browsers play from MP4; Matroska holds any."""


class SoundCopy:
    """Copies sound packets unchanged, in step with the pictures that are written between them."""

    def __init__(self, source: InputContainer, target: OutputContainer) -> None:
        """Give `target` a stream for each sound track of `source` that it can hold; `notices` names the others."""
        self.notices: list[str] = []
        self._target = target
        self._streams: dict[int, tuple[AudioStream, Timeline]] = {}
        for track in source.streams.audio:
            codec = track.codec_context.codec.canonical_name
            time_base = fraction(track.time_base)
            if (target.format.name == "mp4" and codec not in MP4_CODECS) or time_base is None:
                self.notices.append(f"sound in {codec} is left out: MP4 players may not take it; .mkv keeps it")
                continue
            self._streams[track.index] = target.add_stream_from_template(track), Timeline(time_base)
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
            self._target.mux(self._next[1])
            self._next = next(self._packets, None)

    def _read(self, source: InputContainer, tracks: list[AudioStream]) -> Iterator[tuple[Fraction, "Packet[Stream]"]]:
        """Packets, each with its beginning in seconds, addressed to its stream of the target."""
        try:
            for packet in source.demux(tracks):
                if packet.size:
                    stream, timeline = self._streams[packet.stream_index]
                    stamp = packet.pts if packet.dts is None else packet.dts
                    placed = timeline.place(stamp, packet.duration or 0)
                    packet.pts = placed if packet.pts is None or stamp is None else packet.pts + placed - stamp
                    packet.dts = placed
                    packet.stream = stream
                    yield placed * timeline.time_base, packet
        except av.error.FFmpegError as error:
            self.notices.append(f"sound ends early: {error.strerror}")
