"""The files that the pages with Python take for granted."""

import shutil
from fractions import Fraction

import pytest
from PIL import Image

SIZE = (160, 120)
RECIPE = """\
method = "single-level"
source_count = 2
target = "frames"
size = [160, 120]
crop = [96, 96]
batch_size = 1
workers = 0

[adversarial]
discriminator_width = 8
"""


@pytest.fixture(scope="session")
def rendered_folder(tmp_path_factory):
    """A drive, an image, folders of images with and without labels, and a recipe, all rendered and small.

    The streets that `quicker` examples adapt from are there too: to paint their textures again would take seconds.
    """
    import roadseg
    from roadseg.labels.catalogue import CITYSCAPES_19, INDIAN_20
    from roadseg.labels.space import conversion
    from roadseg.training.build import STREETS_SEED, open_source
    from roadseg.training.recipe import resolve

    folder = tmp_path_factory.mktemp("reader")
    streets = [roadseg.render_street(STREETS_SEED, index, size=SIZE) for index in range(6)]
    source = resolve({"method": "source-only", "source_count": 2, "size": SIZE, "crop": (96, 96)}, origin="test")
    open_source(source, folder / "data", roadseg.Callbacks())
    for name in ("images", "my-set/images", "my-set/masks"):
        (folder / name).mkdir(parents=True)
    for index, (image, labels) in enumerate(streets[:2]):
        Image.fromarray(image).save(folder / "images" / f"{index}.jpg")
        Image.fromarray(image).save(folder / "my-set" / "images" / f"{index}.png")
        Image.fromarray(conversion(INDIAN_20, CITYSCAPES_19)[labels]).save(folder / "my-set" / "masks" / f"{index}.png")
    Image.fromarray(streets[0][0]).save(folder / "street.jpg")
    (folder / "my-recipe.toml").write_text(RECIPE)
    times = {"time_base": Fraction(1, 5), "duration": 1}
    frames = [roadseg.Frame.from_rgb(image, index=at, pts=at, **times) for at, (image, _) in enumerate(streets)]
    with roadseg.VideoWriter.like(folder / "drive.mp4", frames[0]) as writer:
        for frame in frames:
            writer.write(frame)
    return folder


@pytest.fixture
def reader_folder(rendered_folder, tmp_path):
    """A copy of `rendered_folder` for a test to work in."""
    return shutil.copytree(rendered_folder, tmp_path, dirs_exist_ok=True)
