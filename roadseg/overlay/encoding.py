"""Encoding of drawn frames into the segments of an overlay, one or several at the same time."""

from collections.abc import Iterator
from itertools import chain, islice

from roadseg.cores import usable_cores
from roadseg.inference.label_frames import batches
from roadseg.inference.segmenter import Segmenter
from roadseg.overlay.device import draws_on_device
from roadseg.overlay.parts import SEGMENT_FRAMES, OverlayParts, Segment
from roadseg.overlay.stages import Drawn
from roadseg.video.container import default_threads
from roadseg.video.frame import Frame
from roadseg.video.pipeline import concurrently

ENCODE_BYTES = 4 * 10**9
"""Memory of the drawn frames of segments that are encoded at once, at most."""


def encoders_at_once(segmenter: Segmenter, frame: Frame) -> int:
    """Return the number of segments to encode at once: several where a GPU gives frames faster than one encoder takes.

    Elsewhere the network leaves no processor to a second encoder.
    """
    if not draws_on_device(segmenter):
        return 1
    segment = SEGMENT_FRAMES * (frame.y.nbytes + frame.u.nbytes + frame.v.nbytes)
    return max(1, min(usable_cores() // default_threads(), ENCODE_BYTES // segment - 1))


def encode_segments(parts: OverlayParts, like: Frame, at_once: int, drawn: Iterator[Drawn]) -> Iterator[int]:
    """Write segments, `at_once` at the same time; yield the number of frames encoded so far."""
    encoded = 0
    if at_once == 1:
        for number, first in enumerate(drawn, parts.finished):
            with parts.segment(number, like) as segment:
                for item in chain([first], islice(drawn, SEGMENT_FRAMES - 1)):
                    _add(segment, item)
                    encoded += 1
                    yield encoded
        return

    def encode(numbered: tuple[int, list[Drawn]]) -> int:
        number, items = numbered
        with parts.segment(number, like) as segment:
            for item in items:
                _add(segment, item)
        return len(items)

    for count in concurrently(encode, at_once)(enumerate(batches(drawn, SEGMENT_FRAMES), parts.finished)):
        encoded += count
        yield encoded


def _add(segment: Segment, drawn: Drawn) -> None:
    segment.writer.write(drawn.frame)
    segment.table.add(drawn.frame, drawn.counts, drawn.grid, decode_error=drawn.damaged)
    segment.memory = drawn.memory
