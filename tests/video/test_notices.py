"""What a reader leaves out or changes is said."""

from fractions import Fraction

import av
import numpy as np
import pytest
from helpers.clips import make_clip, picture
from helpers.flashes import make_flash_clip

from roadseg.errors import VideoError
from roadseg.video.reader import VideoReader


def read(path):
    with VideoReader(path) as video:
        return list(video), video.events


def test_a_second_video_track(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", size=(128, 96), second_size=(64, 48))
    frames, events = read(clip.path)
    assert (frames[0].width, frames[0].height) == (128, 96)
    assert events.notices[-1] == "2 video tracks: number 1, 128x96, is read; --track chooses another"


def test_frames_of_another_size_keep_their_proportions(tmp_path):
    wide = make_clip(tmp_path / "wide.h264", size=(96, 48))
    square = make_clip(tmp_path / "square.h264", size=(96, 96))
    both = tmp_path / "both.h264"
    both.write_bytes(wide.path.read_bytes() + square.path.read_bytes())
    frames, events = read(both)
    assert {frame.y.shape for frame in frames} == {(48, 96)} and {frame.u.shape for frame in frames} == {(24, 48)}
    assert "some frames have 96x96 pixels: fitted into 96x48" in events.notices
    last = frames[-1].to_rgb()
    assert last[:, :23].max() < 8 and last[:, -23:].max() < 8
    assert abs(last[30:46, 50:70].astype(int) - picture(11, 96, 48)[30:46, 50:70]).mean() < 6
    assert last[5:20, 30:44, 0].min() > 150 > 100 > last[5:20, 30:44, 1].max(), "the red quarter is at the upper left"


def make_interlaced(path):
    """Frames of two fields, between which a bright block moves by two pixels."""
    options = {"crf": "5", "flags": "+ildct+ilme", "x264-params": "interlaced=1"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for index in range(12):
            image = np.full((96, 128, 3), 40, np.uint8)
            for field in (0, 1):
                left = 10 + 4 * index + 2 * field
                image[field::2][10:40, left : left + 20] = 220
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("name", ["clip.mp4", "clip.ts", "clip.avi"])
def test_interlaced_video_is_deinterlaced(tmp_path, name):
    frames, events = read(make_interlaced(tmp_path / name))
    assert events.notices[-1] == "12 frames are interlaced: deinterlaced, one frame of two fields"
    assert len(frames) == 12
    assert np.diff([frame.seconds for frame in frames]) == pytest.approx(0.04)
    combs = [abs(frame.y[1::2].astype(int) - frame.y[::2])[12:38].mean() for frame in frames]
    assert max(combs) < 2, "the fields of a moving block differ by 5"


def test_an_avi_with_fewer_frames_than_it_declares_is_cut(tmp_path):
    clip = make_clip(tmp_path / "clip.avi", pts=range(30), codec="mjpeg", options={}, pixel_format="yuvj420p")
    frames, events = read(clip.path)
    assert (len(frames), events.truncated_seconds) == (30, 0)
    data = clip.path.read_bytes()
    clip.path.write_bytes(data[: len(data) // 2])
    frames, events = read(clip.path)
    assert events.truncated_seconds == pytest.approx((30 - len(frames)) / 25)
    assert 10 < len(frames) < 20


def test_an_avi_of_more_ticks_than_frames_is_whole(tmp_path):
    clip = make_clip(tmp_path / "clip.avi", pts=range(0, 120, 4), time_base=Fraction(1, 100), options={"bf": "2"})
    frames, events = read(clip.path)
    assert (len(frames), events.truncated_seconds, events.timestamps_repaired) == (30, 0, 0)


def test_matroska_that_begins_late_or_whose_sound_is_longer_is_whole(tmp_path):
    late = make_clip(tmp_path / "late.mkv", pts=range(175, 200))
    longer = make_flash_clip(tmp_path / "longer.mkv", frames=40, sound_seconds=2.4)
    assert [read(path)[1].truncated_seconds for path in (late.path, longer)] == [0, 0]


def test_tracks_that_are_neither_pictures_nor_sound(tmp_path):
    clip = make_clip(tmp_path / "clip.ts", sound="flac", options={"bf": "0"})  # for FLAC, MPEG-TS has no number
    assert "1 data track is left out: GPS, time code or unknown" in read(clip.path)[1].notices


def test_raw_motion_jpeg_is_a_video_and_a_jpeg_is_not(tmp_path):
    clip = make_clip(tmp_path / "clip.mjpeg", codec="mjpeg", options={}, pixel_format="yuvj420p")
    frames, events = read(clip.path)
    assert len(frames) == 12
    assert any("no timestamps" in notice for notice in events.notices)
    av.VideoFrame.from_ndarray(picture(0, 64, 48), "rgb24").to_image().save(tmp_path / "image.jpg")
    (tmp_path / "image.jpg").rename(tmp_path / "image.mjpeg")
    with pytest.raises(VideoError, match="not a video but an image"):
        VideoReader(tmp_path / "image.mjpeg")


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "frames", "said"),
    [
        ("t_twovideo.mp4", 30, "2 video tracks: number 1, 160x90, is read; --track chooses another"),
        ("r_reschange.ts", 30, "some frames have 240x240 pixels: fitted into 320x180"),
        ("y_chapters.mp4", 30, "subtitles are left out"),
        ("y_chapters.mp4", 30, "chapters are left out"),
        (
            "y_ycgco.mp4",
            5,
            "colour matrix ycgco cannot be converted, so colours are wrong: bt601 assumed for 180 lines",
        ),
    ],
)
def test_files_of_other_makers(real_data, name, frames, said):
    found, events = read(real_data / "cases" / name)
    assert len(found) == frames
    assert said in events.notices


@pytest.mark.real_data
def test_a_cut_avi_and_raw_motion_jpeg_of_other_makers(real_data):
    frames, events = read(real_data / "cases" / "q_trunc.avi")
    assert (len(frames), events.truncated_seconds) == (18, pytest.approx(0.4))
    frames, _ = read(real_data / "cases" / "x_raw2.mjpeg")
    assert len(frames) == 5
