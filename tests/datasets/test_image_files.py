"""The one reader of image files: orientation, formats, damage and limits."""

import io
import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from helpers.bombs import huge_png, png_chunk, sparse
from helpers.tiny import street
from helpers.tiny_sets import write_image
from PIL import Image, ImageOps

from roadseg.datasets.image_files import (
    IMAGE_SUFFIXES,
    decode_colours,
    read_colours,
    read_ids,
    read_ids_or_deep_red,
    read_red,
)
from roadseg.errors import DatasetError

IDS = np.arange(12, dtype=np.uint8).reshape(3, 4)


def save(path, image, orientation=1, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, exif=exif, **options)
    return path


def refused(read, path):
    """The error in its two lines."""
    with pytest.raises(DatasetError) as error:
        read(path)
    assert str(error.value).count("\n") == 1
    return error.value.cause


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_and_label_maps_are_turned_alike(tmp_path, orientation):
    picture = Image.fromarray(street(0)[0])
    for suffix in (".png", ".tif", ".webp", ".jpg"):
        options = {"lossless": True} if suffix == ".webp" else {}
        path = save(tmp_path / f"a{suffix}", picture, orientation, **options)
        with Image.open(path) as written:
            expected = np.asarray(ImageOps.exif_transpose(written).convert("RGB"))
        difference = np.abs(read_colours(path).astype(int) - expected)
        assert difference.max() <= (0 if suffix != ".jpg" else 12), suffix
    mask = save(tmp_path / "mask.png", Image.fromarray(IDS), orientation)
    with Image.open(mask) as written:
        assert np.array_equal(read_ids(mask), np.asarray(ImageOps.exif_transpose(written)))
    deep = save(tmp_path / "red.png", Image.fromarray(np.stack([IDS] * 3, axis=-1)), orientation)
    assert np.array_equal(read_red(deep), read_ids(mask))


def test_orientations_that_mean_nothing_turn_nothing(tmp_path):
    path = save(tmp_path / "a.png", Image.fromarray(IDS), 77)
    assert np.array_equal(read_ids(path), IDS)


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_every_format_shows_the_same_image(tmp_path, suffix):
    picture = street(0)[0]
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture).save(path, **({"lossless": True} if suffix == ".webp" else {}))
    assert np.abs(read_colours(path).astype(int) - picture).mean() <= (8 if suffix in (".jpg", ".jpeg") else 0)
    whole = path.read_bytes()
    for length in (0, 1, 30, len(whole) // 2, len(whole) * 9 // 10):
        path.write_bytes(whole[:length])
        assert f"a{suffix}: cannot be read as an image" in refused(read_colours, path)


def jpeg(**options):
    data = io.BytesIO()
    Image.fromarray(street(0)[0]).save(data, "JPEG", **options)
    return data.getvalue()


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 3}, {"subsampling": 0}], ids=lambda one: str(one)
)
def test_jpeg_data_that_are_broken_in_the_middle_are_refused(tmp_path, options):
    whole, path = jpeg(**options), tmp_path / "a.jpg"
    for behind in (b"", bytes(500), whole):
        assert decode_colours(whole + behind, path).shape == street(0)[0].shape
    middle = len(whole) * 2 // 3
    path.write_bytes(whole[:middle] + bytes([0xFF, 0x33] * 40) + whole[middle + 80 :])
    assert "its JPEG data are cut off or broken" in refused(read_colours, path)
    path.write_bytes(whole[:middle] + whole[-2:])  # what is missing would be grey
    assert "its JPEG data are cut off or broken" in refused(read_colours, path)


@pytest.mark.parametrize("mode", ["L", "CMYK", "YCbCr"])
def test_jpeg_of_other_colours_is_read(tmp_path, mode):
    for size in ((1, 1), (17, 9), (96, 64)):
        data = io.BytesIO()
        Image.new("RGB", size, (200, 100, 50)).convert(mode).save(data, "JPEG", subsampling=1)
        assert decode_colours(data.getvalue(), tmp_path / "a.jpg").shape == (size[1], size[0], 3)


@pytest.mark.parametrize(("file_format", "why"), [("JPEG", "blurs"), ("WEBP", "blurs"), ("TIFF", "is not read")])
def test_only_png_keeps_class_ids(tmp_path, file_format, why):
    path = tmp_path / "a.png"
    Image.fromarray(IDS).save(path, file_format)
    for read in (read_ids, read_red, read_ids_or_deep_red):
        assert f"a.png: holds {file_format} data, which {why}" in refused(read, path)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_numbers_of_few_bits_are_as_they_are_stored(tmp_path, bits):
    ids = np.arange(2**bits, dtype=np.uint8)[None]
    path = tmp_path / "a.png"
    for palette in (False, True):
        image = Image.fromarray(ids)
        if palette:
            image.putpalette([255 - level for level in range(48)])
            image.save(path, bits=bits)
        else:
            path.write_bytes(grey_png(ids, bits))
        assert path.read_bytes()[24] == bits
        stored = read_ids(path)
        assert (stored.dtype, stored.tolist()) == (np.uint8, ids.tolist())


def grey_png(ids, bits):
    """A grey PNG of 1, 2 or 4 bits, which Pillow writes of one bit only."""
    spread = ids[..., None] >> np.arange(bits - 1, -1, -1) & 1
    rows = np.packbits(spread.reshape(len(ids), -1), axis=1)
    header = struct.pack(">IIBBBBB", ids.shape[1], ids.shape[0], bits, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ids_in_red(tmp_path, channels, dtype):
    pixels = np.full((3, 4, channels), 9, dtype)
    pixels[..., 0] = IDS.astype(dtype) + (300 if dtype == np.uint16 else 0)
    bgr = pixels[..., [2, 1, 0, 3][:channels]]
    assert cv2.imwrite(str(tmp_path / "a.png"), bgr)
    assert np.array_equal(read_red(tmp_path / "a.png"), pixels[..., 0])
    write_image(tmp_path / "b.png", IDS)
    assert "b.png: its class ids should be in the red channel" in refused(read_red, tmp_path / "b.png")


@pytest.mark.parametrize("kind", [(8, 0), (16, 0), (16, 2), (1, 0)])
def test_images_that_would_take_all_memory_are_refused_by_their_header(tmp_path, kind):
    bits, colour_type = kind
    path = tmp_path / "a.png"
    path.write_bytes(huge_png(bits=bits, colour_type=colour_type))
    for read in (read_colours, read_ids, read_red, read_ids_or_deep_red):
        assert "a.png: too large to be read as" in refused(read, path)
    path.write_bytes(huge_png(side=8200))
    assert "a.png: 8200x8200 pixels, too large" in refused(read_ids, path)


def test_files_that_are_too_large_or_never_end_are_not_read(tmp_path):
    assert "a.png: cannot be read as an image (4,294,967,296 bytes" in refused(
        read_colours, sparse(tmp_path / "a.png", 1 << 32)
    )
    os.mkfifo(tmp_path / "b.png")
    assert "b.png: cannot be read as a label map (not a regular file)" in refused(read_ids, tmp_path / "b.png")
    (tmp_path / "c.png").mkdir()
    assert "c.png: cannot be read as an image (Is a directory)" in refused(read_colours, tmp_path / "c.png")


def test_a_deep_tiff_is_refused(tmp_path):
    assert cv2.imwrite(str(tmp_path / "a.tif"), np.full((4, 4), 40_000, np.uint16))
    assert "a.tif: a TIFF of more than 8 bits a colour" in refused(read_colours, tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("name", "what"), [("a.png", "an animation"), ("a.webp", "an animation"), ("a.tif", "several pages")]
)
def test_a_file_of_several_images_is_refused(tmp_path, name, what):
    first, second = (Image.fromarray(street(seed)[0]) for seed in (0, 1))
    first.save(tmp_path / name, save_all=True, append_images=[second])
    assert f"{name}: {what}, cannot be read as an image" in refused(read_colours, tmp_path / name)


def test_smaller_versions_in_a_tiff_are_no_further_images(tmp_path):
    picture = Image.fromarray(street(0)[0])
    thumbnail = picture.resize((8, 6))
    thumbnail.encoderinfo = {"tiffinfo": {0x00FE: 1}}
    picture.save(tmp_path / "a.tif", save_all=True, append_images=[thumbnail])
    with Image.open(tmp_path / "a.tif") as written:
        assert written.n_frames == 2
    assert np.array_equal(read_colours(tmp_path / "a.tif"), picture)
