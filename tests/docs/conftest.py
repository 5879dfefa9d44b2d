"""The files that the pages with Python take for granted."""

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


@pytest.fixture
def reader_folder(tmp_path):
    """A drive, an image, folders of images with and without labels, and a recipe, all rendered and small.

    The streets that `quicker` examples adapt from are there too: to paint their textures again would take seconds.
    """
    import roadseg
    from roadseg.training.build import STREETS_SEED, open_source
    from roadseg.training.recipe import resolve

    streets = [roadseg.render_street(STREETS_SEED, index, size=SIZE) for index in range(6)]
    source = resolve({"method": "source-only", "source_count": 2, "size": SIZE, "crop": (96, 96)}, origin="test")
    open_source(source, tmp_path / "data", roadseg.Callbacks())
    for name in ("images", "my-set/images", "my-set/masks"):
        (tmp_path / name).mkdir(parents=True)
    for index, (image, labels) in enumerate(streets[:2]):
        Image.fromarray(image).save(tmp_path / "images" / f"{index}.jpg")
        Image.fromarray(image).save(tmp_path / "my-set" / "images" / f"{index}.png")
        Image.fromarray(labels).save(tmp_path / "my-set" / "masks" / f"{index}.png")
    Image.fromarray(streets[0][0]).save(tmp_path / "street.jpg")
    (tmp_path / "my-recipe.toml").write_text(RECIPE)
    times = {"time_base": Fraction(1, 5), "duration": 1}
    frames = [roadseg.Frame.from_rgb(image, index=at, pts=at, **times) for at, (image, _) in enumerate(streets)]
    with roadseg.VideoWriter.like(tmp_path / "drive.mp4", frames[0]) as writer:
        for frame in frames:
            writer.write(frame)
    return tmp_path
