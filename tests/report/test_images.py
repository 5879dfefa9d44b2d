"""Images inside pages."""

import numpy as np
from helpers.bombs import huge_png

from roadseg.files import write_png
from roadseg.report.images import image_file


def test_an_image_that_cannot_be_read_is_left_out(tmp_path):
    path = tmp_path / "a.png"
    assert image_file(path, 8) is None
    path.write_bytes(huge_png())
    assert image_file(path, 8) is None
    write_png(path, np.zeros((6, 8, 3), np.uint8))
    found = image_file(path, 8)
    assert found is not None and found.startswith("data:image/jpeg;base64,")
