import numpy as np
import pytest
from helpers.tiny import SIZE, street, write_streets

from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.source_images import sample_images, source_images
from roadseg.errors import InputError


@pytest.mark.slow
def test_streets_are_rendered_and_differ():
    pictures = source_images("streets", (64, 48), 2)
    assert pictures.shape == (2, 48, 64, 3) and pictures.dtype == np.uint8
    assert not np.array_equal(pictures[0], pictures[1])


def test_images_of_a_folder_are_spread_over_it(tmp_path):
    root = write_streets(tmp_path / "set", 5)
    streets = dataset_kind("streets").open(root)
    three = sample_images(streets, SIZE, 3)
    assert all(np.array_equal(picture, street(index)[0]) for picture, index in zip(three, (0, 2, 4), strict=True))
    assert len(sample_images(streets, SIZE, 9)) == 5
    for source in (str(root), f"streets:{root}"):
        assert np.array_equal(source_images(source, SIZE, 3), three)


@pytest.mark.parametrize("source", ["streets:nowhere", "gta5:nowhere", "", "unheard-of:here"])
def test_a_source_that_is_not_there_is_told_with_what_to_do(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="images that the network was trained on") as caught:
        source_images(source, SIZE, 3)
    assert "--adapt-bn" in caught.value.remedy


@pytest.mark.slow
def test_scenes_are_those_of_streets_alone(tmp_path):
    size = (64, 48)
    assert not np.array_equal(source_images("streets", size, 1), source_images("streets", size, 1, "night"))
    for source, scenes, message in (("streets", "lunar", "no scenes called 'lunar'"), ("gta5:x", "night", "gta5:x")):
        with pytest.raises(InputError, match=message):
            source_images(source, size, 1, scenes)
