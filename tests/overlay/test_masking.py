"""Masks from their files or from the video to overlay, table and summary."""

import hashlib
import json
from fractions import Fraction

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.bombs import huge_png
from helpers.drive_clips import TheUpperHalfIsSky, make_drive
from helpers.fixed_to_camera import bare_drive, with_bonnet

from roadseg.errors import InputError, OutputError
from roadseg.files import write_png
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.job import overlay_video
from roadseg.overlay.masking import AUTO, mask_of, read_mask
from roadseg.overlay.summary import OverlayOptions
from roadseg.positions.options import PositionChoice
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter

pytestmark = pytest.mark.timeout(60)


def lower_quarter(height=48, width=64):
    mask = np.zeros((height, width), np.uint8)
    mask[-height // 4 :] = 255
    return mask


@pytest.fixture
def drawn(tmp_path):
    write_png(tmp_path / "drawn.png", lower_quarter())
    return tmp_path / "drawn.png"


def picture_of(path):
    with VideoReader(path) as video:
        return next(iter(video)).to_rgb().astype(int)


def shares(summary):
    return {entry.name: entry.share for entry in summary.classes if entry.share}


@pytest.fixture(scope="module")
def bonnet_clip(tmp_path_factory):
    """A drive as H.264 behind a bonnet, and where that is."""
    pictures, bonnet = with_bonnet(bare_drive("highway"))
    path = tmp_path_factory.mktemp("clip") / "bonnet.mp4"
    with VideoWriter(path, width=480, height=270, time_base=Fraction(1)) as writer:
        for index, picture in enumerate(pictures):
            writer.write(Frame.from_rgb(picture, index=index, pts=index, time_base=Fraction(1), duration=1))
    return path, bonnet


def test_what_is_masked_is_neither_counted_nor_drawn_on(tmp_path, drawn):
    clip, out = make_drive(tmp_path / "clip.mp4"), tmp_path / "out"
    options = OverlayOptions(appearance=Appearance(opacity=1, legend="none"), mask=read_mask(drawn))
    summary = overlay_video(clip, TheUpperHalfIsSky(), out, options)
    assert shares(summary) == {"Sky": pytest.approx(2 / 3), "Road": pytest.approx(1 / 3)}
    assert summary.masked_share == 0.25
    table = pq.read_table(out / "clip.frames.parquet")
    assert set(table["pixels_Sky"].to_pylist()) == {64} and set(table["pixels_Road"].to_pylist()) == {32}
    assert set(table["pixels_unlabelled"].to_pylist()) == {0}
    before, after = picture_of(clip), picture_of(out / "clip.overlay.mp4")
    assert np.abs(after[38:] - before[38:]).max() < 8
    assert np.abs(after[:34] - before[:34]).min(axis=(0, 1)).max() > 30


def test_what_has_no_class_is_still_counted_where_it_is_seen(tmp_path, drawn):
    class KnowsNothing(TheUpperHalfIsSky):
        def segment(self, images, tta=None):
            return np.full((len(images), 8, 16), 255, np.uint8)

    options = OverlayOptions(mask=read_mask(drawn))
    summary = overlay_video(make_drive(tmp_path / "clip.mp4"), KnowsNothing(), tmp_path / "out", options)
    assert shares(summary) == {"unlabelled": 1}


def test_the_job_tells_which_mask_it_was(tmp_path, drawn):
    clip, out = make_drive(tmp_path / "clip.mp4"), tmp_path / "out"
    options = OverlayOptions(mask=read_mask(drawn))
    overlay_video(clip, TheUpperHalfIsSky(), out, options)
    summary = json.loads((out / "clip.summary.json").read_text())
    assert summary["job"]["mask"] == "sha256:" + hashlib.sha256(drawn.read_bytes()).hexdigest()
    assert overlay_video(clip, TheUpperHalfIsSky(), out, OverlayOptions(mask=read_mask(drawn))).skipped
    write_png(drawn, 255 - lower_quarter())
    for other in (None, AUTO, read_mask(drawn)):
        with pytest.raises(OutputError, match="made with another choice of --mask"):
            overlay_video(clip, TheUpperHalfIsSky(), out, OverlayOptions(mask=other))


@pytest.mark.slow
def test_a_bonnet_is_found_in_a_clip_and_shown(tmp_path, bonnet_clip):
    clip, bonnet = bonnet_clip
    summary = overlay_video(clip, TheUpperHalfIsSky(), tmp_path / "out", OverlayOptions(mask=AUTO))
    assert summary.job.mask == "auto" and not [notice for notice in summary.notices if "mask" in notice]
    mask = cv2.imread(str(tmp_path / "out" / "bonnet.mask.png"), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (270, 480) and set(np.unique(mask)) == {0, 255}
    assert ((mask > 0) & bonnet).sum() / ((mask > 0) | bonnet).sum() > 0.9
    assert summary.masked_share == pytest.approx((mask > 0).mean())
    assert shares(summary)["Sky"] == pytest.approx(0.5 / (1 - bonnet.mean()), abs=0.06)
    preview = cv2.imread(str(tmp_path / "out" / "bonnet.mask.preview.png")).astype(int)
    magenta = np.minimum(preview[..., 0], preview[..., 2]) - preview[..., 1]
    assert preview.shape == (270, 480, 3)
    assert magenta[mask > 0].mean() > magenta[mask == 0].mean() + 40
    # What was found can be given back.
    again = read_mask(tmp_path / "out" / "bonnet.mask.png")
    assert np.array_equal(again.left_out, mask > 0)


def test_where_nothing_is_found_the_job_goes_on_and_says_so(tmp_path):
    clip, out = make_drive(tmp_path / "clip.mp4"), tmp_path / "out"
    out.mkdir()
    for name in ("clip.mask.png", "clip.mask.preview.png"):
        (out / name).write_text("of an earlier search")
    wrong = OverlayOptions(mask=AUTO, position=PositionChoice(str(out / "clip.mask.png")))
    with pytest.raises(InputError, match="not a format of positions"):  # before anything of the results is touched
        overlay_video(clip, TheUpperHalfIsSky(), out, wrong)
    assert len(list(out.glob("*.png"))) == 2
    summary = overlay_video(clip, TheUpperHalfIsSky(), out, OverlayOptions(mask=AUTO))
    assert [notice for notice in summary.notices if notice.startswith("no mask: only 0 of 5 frames differ")]
    assert summary.masked_share == 0 and shares(summary)["Sky"] == 0.5
    assert not list(out.glob("*.png"))


def test_a_search_that_fails_is_a_notice(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    paths = tmp_path / "mask.png", tmp_path / "preview.png"
    mask, notices = mask_of(tmp_path / "text.mp4", AUTO, (64, 48), *paths)
    assert mask is None and len(notices) == 1 and notices[0].startswith(f"no mask: {tmp_path}/text.mp4: not a video")


@pytest.mark.slow
def test_a_mask_edited_in_place_is_used_and_kept(tmp_path, bonnet_clip):
    out = tmp_path / "out"
    overlay_video(bonnet_clip[0], TheUpperHalfIsSky(), out, OverlayOptions(mask=AUTO))
    write_png(out / "bonnet.mask.png", lower_quarter(270, 480))
    before = (out / "bonnet.mask.png").read_bytes()
    options = OverlayOptions(mask=read_mask(out / "bonnet.mask.png"), overwrite=True)
    assert overlay_video(bonnet_clip[0], TheUpperHalfIsSky(), out, options).masked_share == pytest.approx(
        0.25, abs=0.01
    )
    assert (out / "bonnet.mask.png").read_bytes() == before


@pytest.mark.parametrize(
    ("stored", "flags"),
    [
        (lower_quarter(), [cv2.IMWRITE_PNG_BILEVEL, 1]),
        (lower_quarter(), []),
        (lower_quarter().astype(np.uint16) * 257, []),
        (np.repeat(lower_quarter()[..., None], 3, axis=2), []),
        (np.dstack([*[lower_quarter()] * 3, np.full((48, 64), 255, np.uint8)]), []),
    ],
    ids=["1 bit", "grey", "16 bits", "RGB", "opaque RGBA"],
)
def test_black_and_white_in_any_form(tmp_path, stored, flags):
    path = tmp_path / "mask.png"
    path.write_bytes(cv2.imencode(".png", stored, flags)[1].tobytes())
    assert np.array_equal(read_mask(path).left_out, lower_quarter() > 0)


@pytest.mark.parametrize(
    ("stored", "cause"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "not an image"),
        (b"no picture", "not an image"),
        (cv2.blur(lower_quarter(), (1, 5)), "256 of its pixels are neither black nor white"),
        (np.dstack([lower_quarter(), lower_quarter() * 0, lower_quarter()]), "768 of its pixels are neither"),
        (np.dstack([lower_quarter()] * 4), "partly transparent"),
        (huge_png(), "too large to be read as a mask"),
        (np.zeros((8, 8), np.uint8), "leaves out nothing"),
        (np.full((8, 8), 255, np.uint8), "leaves out everything"),
    ],
    ids=["missing", "empty", "text", "soft edge", "magenta", "transparent", "huge", "black", "white"],
)
def test_a_wrong_file_is_refused(tmp_path, stored, cause):
    path = tmp_path / "mask.png"
    if isinstance(stored, bytes):
        path.write_bytes(stored)
    elif stored is not None:
        path.write_bytes(cv2.imencode(".png", stored)[1].tobytes())
    with pytest.raises(InputError) as caught:
        read_mask(path)
    assert f"{path}: " in caught.value.cause and cause in caught.value.cause and caught.value.remedy


@pytest.mark.parametrize("size", [(64, 48), (16, 12), (1280, 960)])
def test_a_mask_is_scaled(tmp_path, size):
    write_png(tmp_path / "mask.png", lower_quarter(size[1], size[0]))
    seen = read_mask(tmp_path / "mask.png").seen_at((24, 32))
    assert seen[:18].all() and not seen[18:].any()


@pytest.mark.parametrize(
    ("mask", "notice"),
    [
        (lower_quarter(60, 60), "the mask of 60x60 pixels was stretched to 64x48"),
        (255 - lower_quarter(), "the mask leaves out 75% of the frame: white is left out, black is kept"),
        (lower_quarter(), None),
    ],
)
def test_a_mask_that_may_be_a_mistake_is_told(tmp_path, mask, notice):
    write_png(tmp_path / "mask.png", mask)
    clip = make_drive(tmp_path / "clip.mp4")
    options = OverlayOptions(mask=read_mask(tmp_path / "mask.png"))
    notices = overlay_video(clip, TheUpperHalfIsSky(), tmp_path / "out", options).notices
    assert [text for text in notices if "mask" in text] == ([notice] if notice else [])


def test_a_mask_that_leaves_nothing_to_see_is_an_error(tmp_path):
    mask = np.full((480, 640), 255, np.uint8)
    mask[0, 0] = 0
    write_png(tmp_path / "mask.png", mask)
    clip = make_drive(tmp_path / "clip.mp4")
    with pytest.raises(InputError, match="the mask leaves nothing of the frame"):
        overlay_video(
            clip, TheUpperHalfIsSky(), tmp_path / "out", OverlayOptions(mask=read_mask(tmp_path / "mask.png"))
        )


def test_summaries_from_before_there_were_masks_still_count(tmp_path):
    clip, out = make_drive(tmp_path / "clip.mp4"), tmp_path / "out"
    overlay_video(clip, TheUpperHalfIsSky(), out)
    path = out / "clip.summary.json"
    summary = json.loads(path.read_text())
    del summary["job"]["mask"], summary["masked_share"]
    path.write_text(json.dumps(summary))
    assert overlay_video(clip, TheUpperHalfIsSky(), out).skipped
