import pickle

import numpy as np
import pytest
from helpers.tiny_sets import write_image, write_palette_png
from PIL import Image

from roadseg.datasets.camvid import ORIGINAL_LABELS
from roadseg.datasets.cityscapes import CITYSCAPES_LABELS
from roadseg.datasets.gta5 import GTA5_LABELS
from roadseg.datasets.image_files import read_ids
from roadseg.datasets.label_files import ColourLabels, ConvertedLabels, IdLabels, train_id_labels
from roadseg.datasets.synthia import SYNTHIA_LABELS
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import CAMVID_32, CITYSCAPES_19, SYNTHIA_16, SYNTHIA_22
from roadseg.labels.space import IGNORE, conversion

# As the published code maps them.
# fmt: off
GTA5_TO_19 = {
    7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10,
    24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18,
}
SYNTHIA_TO_19 = {
    3: 0, 4: 1, 2: 2, 21: 3, 5: 4, 7: 5, 15: 6, 9: 7, 6: 8, 16: 9, 1: 10,
    10: 11, 17: 12, 8: 13, 18: 14, 19: 15, 20: 16, 12: 17, 11: 18,
}
CITYSCAPES_TO_16 = {
    7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 23: 9, 24: 10,
    25: 11, 26: 12, 28: 13, 32: 14, 33: 15,
}
# fmt: on


def all_ids(labels):
    return np.array(sorted(labels.train_ids), np.uint8)


@pytest.mark.parametrize("labels", [GTA5_LABELS, CITYSCAPES_LABELS], ids=["gta5", "cityscapes"])
def test_ids_of_cityscapes_become_the_published_train_ids(labels):
    ids = all_ids(labels)
    assert labels.encode(ids).tolist() == [GTA5_TO_19.get(number, IGNORE) for number in ids]
    assert set(range(34)) < set(ids.tolist())


def test_ids_of_synthia_become_the_published_train_ids():
    ids = all_ids(SYNTHIA_LABELS)
    train_ids = conversion(SYNTHIA_22, CITYSCAPES_19)[SYNTHIA_LABELS.encode(ids)]
    assert train_ids.tolist() == [SYNTHIA_TO_19.get(number, IGNORE) for number in ids]
    assert ids.tolist() == list(range(23))


def test_ids_of_cityscapes_become_the_published_train_ids_of_the_sixteen_classes():
    ids = all_ids(CITYSCAPES_LABELS)
    train_ids = conversion(CITYSCAPES_19, SYNTHIA_16)[CITYSCAPES_LABELS.encode(ids)]
    assert train_ids.tolist() == [CITYSCAPES_TO_16.get(number, IGNORE) for number in ids]


def test_every_colour_of_camvid_becomes_its_class_and_void_is_ignored(tmp_path):
    colours = np.array([*CAMVID_32.colours, (0, 0, 0)], np.uint8)
    assert len(np.unique(colours, axis=0)) == 32
    write_image(tmp_path / "a.png", colours[None])
    assert ORIGINAL_LABELS(tmp_path / "a.png").tolist() == [[*range(31), IGNORE]]


def test_indices_are_read_and_not_the_colours_of_the_palette(tmp_path):
    ids = np.arange(12, dtype=np.uint8).reshape(3, 4)
    write_palette_png(tmp_path / "a.png", ids)
    assert np.array_equal(read_ids(tmp_path / "a.png"), ids)


def test_ids_of_sixteen_bits_are_read_whole(tmp_path):
    write_image(tmp_path / "a.png", np.array([[7, 300]], np.uint16))
    labels = IdLabels({7: 1, 300: 2})
    assert labels(tmp_path / "a.png").tolist() == [[1, 2]]
    assert labels.encode(np.array([7], np.uint8)).tolist() == [1]
    with pytest.raises(DatasetError, match=r"a\.png: label id 300 is unknown"):
        CITYSCAPES_LABELS(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("ids", "message"), [([[7, 34]], "label id 34 is unknown"), ([[90, 7, 91, 7, 90]], "label ids 90, 91 are unknown")]
)
def test_unknown_ids_are_named(tmp_path, ids, message):
    write_image(tmp_path / "a.png", np.array(ids, np.uint8))
    with pytest.raises(DatasetError, match=rf"a\.png: {message}"):
        CITYSCAPES_LABELS(tmp_path / "a.png")


def test_unknown_colours_are_named(tmp_path):
    pixels = np.array([[CAMVID_32.colours[0], (1, 2, 3), (255, 255, 255)]], np.uint8)
    write_image(tmp_path / "a.png", pixels)
    with pytest.raises(DatasetError, match=r"a\.png: 2 pixels have unknown colours; the first is RGB \(1, 2, 3\)"):
        ORIGINAL_LABELS(tmp_path / "a.png")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize("hurt", [cut, damage, lambda path: path.write_text("no picture"), lambda path: path.unlink()])
@pytest.mark.parametrize("labels", [GTA5_LABELS, SYNTHIA_LABELS, ORIGINAL_LABELS], ids=["ids", "16 bits", "colours"])
def test_broken_files_are_named(tmp_path, labels, hurt):
    path = tmp_path / "a.png"
    noise = np.random.default_rng(0).integers(0, 30, (40, 40, 3))
    write_image(path, noise[..., 0].astype(np.uint8) if labels is GTA5_LABELS else noise.astype(np.uint16))
    hurt(path)
    with pytest.raises(DatasetError, match=r"a\.png: cannot be read"):
        labels(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_colour_images_are_no_id_maps(tmp_path, mode):
    Image.new(mode, (4, 3)).save(tmp_path / "a.png")
    for labels in (CITYSCAPES_LABELS, SYNTHIA_LABELS):
        with pytest.raises(DatasetError, match=rf"a\.png: a label map has one channel of class ids.*{mode}"):
            labels(tmp_path / "a.png")


def test_files_of_train_ids_hold_no_id_beyond_the_classes():
    labels = train_id_labels(CITYSCAPES_19)
    assert labels.encode(np.array([0, 18, 255], np.uint8)).tolist() == [0, 18, IGNORE]
    with pytest.raises(DatasetError, match="label id 19 is unknown"):
        labels.encode(np.array([19], np.uint8))


def test_an_empty_label_map_stays_empty():
    assert CITYSCAPES_LABELS.encode(np.zeros((0, 4), np.uint8)).shape == (0, 4)


@pytest.mark.parametrize(
    "labels",
    [SYNTHIA_LABELS, ORIGINAL_LABELS, ConvertedLabels(GTA5_LABELS, tuple(range(256))), ColourLabels({(1, 2, 3): 0})],
)
def test_readers_travel_to_worker_processes(labels):
    assert pickle.loads(pickle.dumps(labels)) == labels
