"""Frames of one form from what a decoder gives: upright, of one size, colour matrix and range, in 8 bits."""

from collections.abc import Callable

import av

from roadseg.video.colour import (
    ACCURATE,
    SWS_MATRIX,
    Matrix,
    Plane,
    deep_plane_views,
    plane_views,
    reformatter,
    sws_range,
)
from roadseg.video.fitting import fitted, on_black
from roadseg.video.frame import Frame, Moment
from roadseg.video.orientation import Orientation
from roadseg.video.probe import MATRICES, VideoInfo
from roadseg.video.tone import Transfer, tone_mapped

# The nearest of the three matrices that a `Frame` can have.
NEAREST_MATRIX: dict[str, Matrix] = {
    "rgb": "bt709",
    "bt709": "bt709",
    "fcc": "bt601",
    "bt470bg": "bt601",
    "smpte170m": "bt601",
    "smpte240m": "bt709",
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
}


def matrix_of(info: VideoInfo, on_notice: Callable[[str], None]) -> Matrix:
    """Return the colour matrix of a video, or one that is guessed by its size, with a notice."""
    stated = info.colour_matrix
    if stated in NEAREST_MATRIX:
        return NEAREST_MATRIX[stated]
    lines = min(info.width, info.height)
    guess: Matrix = "bt709" if lines >= 720 else "bt601"
    said = f"colour matrix {stated} cannot be converted, so colours are wrong" if stated else "colour matrix not stated"
    on_notice(f"{said}: {guess} assumed for {lines} lines")
    return guess


class FrameConverter:
    """Converter of the frames of one video, in their order.

    Args:
        info: facts about the video.
        matrix: colour matrix of the result.
        full_range: True if the result uses the full range of values.
        on_notice: called with a sentence about frames that differ from the first.
    """

    def __init__(self, info: VideoInfo, matrix: Matrix, full_range: bool, on_notice: Callable[[str], None]) -> None:
        self._info, self._matrix, self._full_range, self._on_notice = info, matrix, full_range, on_notice
        self._orientation = info.orientation
        self._sizes: set[tuple[int, int]] = set()

    def pass_over(self, frame: av.VideoFrame) -> None:
        """Note orientation and size of a frame that is not converted; later frames may keep its orientation."""
        self.turn(frame)
        self._note_size(frame)

    def frame(self, frame: av.VideoFrame, moment: Moment) -> Frame:
        """Return the frame at its time."""
        self.turn(frame)
        self._note_size(frame)
        planes = self._planes(frame)
        if planes[0].shape != self._stored_size[::-1]:
            planes = on_black(planes, self._stored_size, full_range=self._full_range)
        y, u, v = (self._orientation.upright(plane) for plane in planes)
        place = moment.index, moment.pts, moment.time_base, moment.duration
        return Frame(y, u, v, self._matrix, self._full_range, *place)

    def turn(self, frame: av.VideoFrame) -> None:
        """Take the orientation of a keyframe, which holds until the next."""
        if frame.key_frame and (orientation := Orientation.of(frame)) != self._orientation:
            self._orientation = orientation
            self._on_notice("the orientation changes: frames are turned upright, and fitted into the size of the first")

    def _planes(self, frame: av.VideoFrame) -> tuple[Plane, ...]:
        """Return Y', Cb and Cr of the video's matrix and range, as large as fits."""
        if not self._info.hdr:
            return plane_views(self._converted(frame, "yuv420p"))
        y, u, v = deep_plane_views(self._converted(frame, "yuv420p10le"))
        transfer: Transfer = "hlg" if self._info.colour_transfer == "hlg" else "pq"
        return tone_mapped(y, u, v, transfer, full_range=self._full_range)

    def _converted(self, frame: av.VideoFrame, pixel_format: str) -> av.VideoFrame:
        """Return the frame as 4:2:0 of the video's matrix and range, as large as fits; unchanged if it is that already.

        Args:
            frame: the frame.
            pixel_format: yuv420p, or yuv420p10le for 10 bits.
        """
        shown = self._stored_size
        stated = MATRICES.get(frame.colorspace, "")
        matrix = NEAREST_MATRIX.get(stated, self._matrix)
        is_rgb = frame.format.is_rgb or stated == "rgb"
        full_range = is_rgb or frame.format.name.startswith("yuvj") or frame.color_range == sws_range(True)
        if (frame.format.name in (pixel_format, pixel_format.replace("yuv420p", "yuvj420p"))) and (
            (frame.width, frame.height, matrix, full_range) == (*shown, self._matrix, self._full_range)
        ):
            return frame
        if (frame.width, frame.height) != shown:
            shown = fitted((frame.width, frame.height), into=shown)
        return reformatter().reformat(
            frame,
            *shown,
            pixel_format,
            src_colorspace=None if is_rgb else SWS_MATRIX[matrix],
            dst_colorspace=SWS_MATRIX[self._matrix],
            src_color_range=sws_range(full_range),
            dst_color_range=sws_range(self._full_range),
            interpolation=ACCURATE,
            threads=1,
        )

    @property
    def _stored_size(self) -> tuple[int, int]:
        """(width, height) of frames before they are turned upright."""
        size = self._info.width, self._info.height
        return size[::-1] if self._orientation.swaps_sides else size

    def _note_size(self, frame: av.VideoFrame) -> None:
        size, shown = (frame.width, frame.height), self._stored_size
        if size != shown and size not in self._sizes:
            self._sizes.add(size)
            self._on_notice(f"some frames have {size[0]}x{size[1]} pixels: fitted into {shown[0]}x{shown[1]}")
