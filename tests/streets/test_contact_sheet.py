import numpy as np

from roadseg.labels.catalogue import INDIAN_20
from roadseg.streets.classes import CAR
from roadseg.streets.contact_sheet import contact_sheet


def test_a_sheet_shows_images_over_their_coloured_labels():
    image, label = np.full((30, 40, 3), 77, np.uint8), np.full((30, 40), CAR, np.uint8)
    sheet = contact_sheet([(image, label)] * 5, columns=3, width=20, gap=2)
    assert sheet.shape == (2 * (2 * 15 + 2) + 2, 3 * 20 + 2 * 2, 3)
    assert (sheet[:15, :20] == 77).all()
    assert (sheet[17:32, :20] == INDIAN_20.colours[CAR]).all()
    assert (sheet[36:, 46:] == 255).all(), "the sixth place stays empty"
