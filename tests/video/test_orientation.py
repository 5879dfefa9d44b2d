"""Frames are shown as the display matrix of their file says."""

import struct
from itertools import product

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from helpers.clips import make_clip

from roadseg.video.orientation import Orientation
from roadseg.video.reader import VideoReader

ONE = 1 << 16
IDENTITY = struct.pack(">9i", ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
MATRICES = [(x, 0, 0, y) for x, y in product((1, -1), repeat=2)] + [(0, x, y, 0) for x, y in product((1, -1), repeat=2)]


def with_matrix(path, a, b, c, d):
    """Replace the matrix in the track header of an MP4 file."""
    data = path.read_bytes()
    at = data.index(IDENTITY, data.index(b"tkhd"))
    path.write_bytes(data[:at] + struct.pack(">6i", a * ONE, b * ONE, 0, c * ONE, d * ONE, 0) + data[at + 24 :])


def shown(image, a, b, c, d):
    """Every pixel of (H, W) at the place to which the matrix takes it."""
    rows, columns = np.indices(image.shape)
    x, y = a * columns + c * rows, b * columns + d * rows
    x, y = x - x.min(), y - y.min()
    result = np.zeros((y.max() + 1, x.max() + 1), image.dtype)
    result[y, x] = image
    return result


@pytest.mark.parametrize("matrix", MATRICES)
def test_all_eight_ways_are_shown_as_the_matrix_says(tmp_path, matrix):
    clip = make_clip(tmp_path / "clip.mp4", pts=range(2))
    with VideoReader(clip.path) as video:
        stored = next(iter(video)).y.copy()
    with_matrix(clip.path, *matrix)
    with VideoReader(clip.path) as video:
        frame = next(iter(video))
        assert (video.info.height, video.info.width) == frame.y.shape
    assert np.array_equal(frame.y, shown(stored, *matrix))
    assert frame.u.shape == tuple(side // 2 for side in frame.y.shape)


def test_a_matrix_between_two_ways_counts_as_the_nearest(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", pts=range(2))
    data = clip.path.read_bytes()
    at = data.index(IDENTITY, data.index(b"tkhd"))
    turned = [round(ONE * value) for value in (0.34, 0.94, 0, -0.94, 0.34)]
    clip.path.write_bytes(data[:at] + struct.pack(">5i", *turned) + data[at + 20 :])
    with VideoReader(clip.path) as video:
        assert video.info.orientation == Orientation(270)


@pytest.mark.parametrize(("degrees", "shown_width"), [(180, 64), (90, 36)])
def test_recordings_of_two_orientations_that_were_joined(tmp_path, degrees, shown_width):
    clip = make_clip(tmp_path / "clip.h264", pts=range(4))
    with av.open(str(clip.path)) as container:
        turning = f"h264_metadata=display_orientation=insert:rotate={degrees}"
        turn = BitStreamFilterContext(turning, container.streams.video[0])
        turned = b"".join(bytes(part) for packet in container.demux(video=0) for part in turn.filter(packet))
    both = tmp_path / "both.h264"
    both.write_bytes(clip.path.read_bytes() + turned)
    with VideoReader(both) as video:
        frames = list(video)
    assert sum("the orientation changes" in notice for notice in video.events.notices) == 1
    assert {frame.y.shape for frame in frames} == {(48, 64)}
    for frame, width, is_low, is_right in (
        (frames[3], 64, False, False),
        (frames[-1], shown_width, True, degrees == 180),
    ):
        rows, columns = np.argwhere(frame.v > 160).mean(axis=0)  # the red quarter
        assert (rows > 12, columns > 16) == (is_low, is_right)
        assert np.ptp(np.nonzero(frame.y[40] > 30)) == pytest.approx(width, abs=3)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cases/m_hflip_tkhd.mp4", Orientation(0, mirrored=True)),
        ("cases/m_vflip_tkhd.mp4", Orientation(180, mirrored=True)),
        ("cases/m_vflip_sei.mp4", Orientation(180, mirrored=True)),
        ("video/odd/video_90.mov", Orientation(270)),
        ("video/odd/video_270.mov", Orientation(90)),
    ],
)
def test_files_of_other_makers(real_data, name, expected):
    with VideoReader(real_data / name) as video:
        assert video.info.orientation == expected
        frame = next(iter(video))
    assert (frame.height, frame.width) == (video.info.height, video.info.width)
