"""Overlays of images: their files, table, failures and places."""

import csv
import re

import cv2
import numpy as np
import pytest
from helpers.drive_clips import TheUpperHalfIsSky
from helpers.tiny_sets import write_image

from roadseg.datasets.image_files import read_colours
from roadseg.errors import InputError
from roadseg.jobs.overlay_images import ImageFailure, ImageOverlay, holds_images, overlay_images

GREY, SKY, ROAD = 100, (128, 128, 128), (128, 64, 128)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photos" / "street.png"
    path.parent.mkdir()
    write_image(path, np.full((60, 81, 3), GREY, np.uint8))  # an odd width
    return path


def test_an_image_keeps_its_size_and_is_blended_with_the_colours_of_its_classes(photo, tmp_path):
    told = []
    (result,) = overlay_images(
        photo, tmp_path / "out", TheUpperHalfIsSky(), legend="none", on_result=lambda *result: told.append(result)
    )
    assert isinstance(result, ImageOverlay) and told == [(result, 1, 1)]
    assert (result.image, result.overlay, result.size) == (photo, tmp_path / "out" / "street.overlay.png", (81, 60))
    assert {name: share for name, share in result.shares.items() if share} == {"Sky": 0.5, "Road": 0.5}
    drawn = read_colours(result.overlay).astype(int)
    assert drawn.shape == (60, 81, 3)
    for row, colour in ((5, SKY), (54, ROAD)):
        assert np.abs(drawn[row] - (GREY + np.array(colour)) / 2).max() <= 3


def test_the_table_has_a_row_for_each_image_and_class(photo, tmp_path):
    overlay_images(photo, tmp_path / "out", TheUpperHalfIsSky())
    with (tmp_path / "out" / "images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 11 and {row["image"] for row in rows} == {str(photo)}
    assert rows[0] == {"image": str(photo), "width_px": "81", "height_px": "60", "class": "Sky", "fraction": "0.5"}


def test_blur_hides_what_the_labels_find(tmp_path):
    stripes = np.zeros((60, 80, 3), np.uint8)
    stripes[:, ::2] = 200
    write_image(tmp_path / "stripes.png", stripes)
    options = {"opacity": 0, "legend": "none", "blur": ["road"]}
    (result,) = overlay_images(tmp_path / "stripes.png", tmp_path / "out", TheUpperHalfIsSky(), **options)
    drawn = read_colours(result.overlay).astype(int)
    assert np.ptp(drawn[:26, :, 0]) > 180  # sky, beyond the margin of a block of two rows
    assert np.ptp(drawn[32:, :, 0]) < 10


def test_a_legend_below_makes_the_picture_higher(tmp_path):
    write_image(tmp_path / "wide.jpg", np.full((240, 320, 3), GREY, np.uint8))
    (result,) = overlay_images(tmp_path / "wide.jpg", tmp_path / "out", TheUpperHalfIsSky())
    height, width = read_colours(result.overlay).shape[:2]
    assert result.overlay.name == "wide.overlay.jpg" and width == 320 and 240 < height <= 240 * 1.12


def test_images_below_a_folder_keep_their_places_and_a_broken_one_stops_no_other(photo, tmp_path):
    folder = photo.parent
    (folder / "below").mkdir()
    (folder / "below" / "broken.jpg").write_bytes(b"no image")
    write_image(folder / "below" / "z.jpg", np.full((48, 64, 3), GREY, np.uint8))
    for _ in range(2):  # overlays in the folder itself are no images of a second call
        results = overlay_images(folder, folder, TheUpperHalfIsSky())
        assert [result.image.name for result in results] == ["broken.jpg", "z.jpg", "street.png"]
        assert isinstance(results[0], ImageFailure) and "not an image" in results[0].error.cause
    made = {str(path.relative_to(folder)) for path in folder.rglob("*.overlay.*")}
    assert made == {"below/z.overlay.jpg", "street.overlay.png"}


def test_overlays_of_one_name_are_refused_before_anything_is_written(photo, tmp_path):
    other = tmp_path / "street.png"
    other.write_bytes(photo.read_bytes())
    with pytest.raises(InputError, match="would become"):
        overlay_images([photo, other], tmp_path / "out", TheUpperHalfIsSky())
    assert not (tmp_path / "out").exists()
    assert len(overlay_images([photo, photo, photo.parent], tmp_path / "out", TheUpperHalfIsSky())) == 1


def test_a_folder_with_videos_is_one_of_videos(photo):
    assert holds_images(photo) and holds_images(photo.parent) and holds_images("no/such.JPG")
    (photo.parent / "drive.mp4").touch()
    assert not holds_images(photo.parent) and not holds_images(photo.parent / "drive.mp4")
    assert not holds_images("drives/**/*.mp4")


def test_a_photo_on_its_side_is_drawn_upright(tmp_path):
    path = tmp_path / "phone.jpg"
    pixels = cv2.imencode(".jpg", np.full((48, 64, 3), GREY, np.uint8))[1].tobytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # turn by 90 degrees
    path.write_bytes(pixels[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + pixels[2:])
    (result,) = overlay_images(path, tmp_path / "out", TheUpperHalfIsSky(), legend="none")
    assert result.size == (48, 64) and read_colours(result.overlay).shape == (64, 48, 3)


def test_one_image_may_go_to_a_file(photo, tmp_path):
    out = tmp_path / "shared" / "street.jpg"
    (result,) = overlay_images([photo], out, TheUpperHalfIsSky())
    assert result.overlay == out
    assert sorted(path.name for path in out.parent.iterdir()) == ["street.csv", "street.jpg"]
    with pytest.raises(InputError, match=r"street.jpg: there already\n.*--overwrite"):
        overlay_images(photo, out, TheUpperHalfIsSky())
    overlay_images(photo, out, TheUpperHalfIsSky(), overwrite=True)


@pytest.mark.parametrize(
    ("given", "out", "told"),
    [
        ("street.png", "street.png", "its overlay would replace it"),
        ("street.png", "street.mp4", "not a name for the overlay of an image\nEnd it in .png or .jpg or .jpeg"),
        ("", "all.png", "one file, but a folder is given"),
    ],
)
def test_files_that_are_no_place_for_an_overlay_are_refused(photo, given, out, told):
    before = photo.read_bytes()
    with pytest.raises(InputError, match=re.escape(told)):
        overlay_images(photo.parent / given, photo.parent / out, TheUpperHalfIsSky(), overwrite=True)
    assert [path.name for path in photo.parent.iterdir()] == ["street.png"] and photo.read_bytes() == before
