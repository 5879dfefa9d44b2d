"""Whole frames from interlaced video, whose two fields show two moments."""

from collections.abc import Iterator
from fractions import Fraction

import av
from av.filter import Graph

FILTER = "bwdif"
"""FFmpeg's filter: w3fdif of the BBC where there is motion, weighted by yadif."""


class Deinterlacer:
    """Makes one frame of each interlaced frame; others pass unchanged. Frames come out in order, one later."""

    def __init__(self, time_base: Fraction) -> None:
        """Begin before the first frame.

        Args:
            time_base: seconds per tick of the frames.
        """
        self.frames = 0
        """Number of interlaced frames so far."""
        self._time_base = time_base
        self._graph: Graph | None = None
        self._form: tuple[int, int, str] | None = None

    def take(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Yield the frames that are ready after `frame`."""
        self.frames += frame.interlaced_frame
        form = frame.width, frame.height, frame.format.name
        if self._graph is None and not frame.interlaced_frame:
            yield frame
            return
        if form != self._form:
            yield from self.end()
            self._graph, self._form = self._built(frame), form
        assert self._graph is not None
        self._graph.push(frame)
        yield from self._ready(self._graph)

    def end(self) -> Iterator[av.VideoFrame]:
        """Yield the frames that are still held back."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._ready(self._graph)
            self._graph = None

    def _built(self, frame: av.VideoFrame) -> Graph:
        graph = Graph()
        graph.link_nodes(
            graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=self._time_base),
            graph.add(FILTER, "mode=send_frame:deint=interlaced"),
            graph.add("buffersink"),
        ).configure()
        return graph

    def _ready(self, graph: Graph) -> Iterator[av.VideoFrame]:
        while True:
            try:
                frame = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(frame, av.VideoFrame)
            # The filter counts in half ticks.
            if frame.pts is not None and frame.time_base:
                frame.pts = round(frame.pts * frame.time_base / self._time_base)
            yield frame
