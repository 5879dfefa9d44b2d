"""Times of frames in AVI, which stores none."""

import av
from av.packet import Packet
from av.video.stream import VideoStream


class AviStamps:
    """Presentation times of the frames of one stream: they come out in order, each as a packet goes in.

    A decoder that reorders frames gives the first one some packets later; all move back by that delay.
    """

    def __init__(self) -> None:
        self.ticks = 0
        """Number of ticks up to the end of the last packet."""
        self._first: int | None = None
        self._delay: int | None = None
        self._last = self._step = 0

    def see(self, packet: "Packet[VideoStream]") -> None:
        """Take the next packet for the decoder."""
        if packet.dts is not None:
            self._first = packet.dts if self._first is None else self._first
            self.ticks = packet.dts + 1

    def of(self, frame: av.VideoFrame) -> int | None:
        """Return the time in ticks of the next frame that was decoded; None if no packet had a time."""
        if self._first is None:
            return None
        if frame.dts is None:  # one of the last, which the decoder held back
            stamp = self._last + self._step
        else:
            self._delay = frame.dts - self._first if self._delay is None else self._delay
            stamp = frame.dts - self._delay
        self._step, self._last = stamp - self._last, stamp
        return stamp
