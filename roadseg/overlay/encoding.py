"""Encoding of drawn frames into the segments of an overlay, one or several at the same time."""

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from roadseg.cores import usable_cores
from roadseg.errors import InputError
from roadseg.inference.confidence import class_confidences
from roadseg.inference.label_frames import batches
from roadseg.inference.segmenter import Segmenter
from roadseg.overlay.device import draws_on_device
from roadseg.overlay.parts import SEGMENT_FRAMES, OverlayParts, Segment
from roadseg.overlay.stages import Drawn
from roadseg.video.codecs import try_encoder
from roadseg.video.container import default_threads
from roadseg.video.encoders import DEFAULT_ENCODER, ENCODERS, EncoderName
from roadseg.video.frame import Frame
from roadseg.video.pipeline import concurrently

ENCODE_BYTES = 4 * 10**9
"""Memory of the drawn frames of segments that are encoded at once, at most."""


def encoders_at_once(segmenter: Segmenter, frame: Frame, encoder: EncoderName = DEFAULT_ENCODER) -> int:
    """Return the number of segments to encode at once: several where a GPU gives frames faster than one encoder takes.

    Elsewhere the network leaves no processor to a second encoder. Encoders other than x264 are tried first.

    Raises:
        InputError: the encoder does not work here with such frames.
    """
    segment = SEGMENT_FRAMES * (frame.y.nbytes + frame.u.nbytes + frame.v.nbytes)
    wanted = max(1, min(usable_cores() // default_threads(), ENCODE_BYTES // segment - 1))
    wanted = wanted if draws_on_device(segmenter) else 1
    if encoder == DEFAULT_ENCODER:
        return wanted
    # A card may open fewer at once than wanted, since other programs use it too.
    for together in range(min(wanted, ENCODERS[encoder].at_once or wanted), 0, -1):
        problem = try_encoder(encoder, frame, together=together)
        if problem is None:
            return together
    raise _unusable(encoder, f"{frame.width}x{frame.height} pixels", problem)


def refuse_unusable(encoder: EncoderName) -> None:
    """Make sure, before work on videos begins, that an encoder works here.

    Raises:
        InputError: it does not.
    """
    if encoder != DEFAULT_ENCODER and (problem := try_encoder(encoder)):
        raise _unusable(encoder, "videos", problem)


def _unusable(encoder: EncoderName, what: str, problem: str | None) -> InputError:
    return InputError(f"{encoder} cannot encode {what} here: {problem}", "Use --encoder x264, which runs on every CPU.")


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
    segment.table.add(
        drawn.frame, drawn.counts, drawn.grid, decode_error=drawn.damaged, confidences=_by_class(segment, drawn)
    )
    if segment.masks is not None:
        segment.masks.add(drawn.frame, drawn.labels, drawn.confidence)
    segment.memory = drawn.memory


def _by_class(segment: Segment, drawn: Drawn) -> NDArray[np.float64] | None:
    if drawn.confidence is None:
        return None
    return class_confidences(drawn.labels, drawn.confidence, len(segment.table.label_space))
