from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest

from roadseg.errors import InputError
from roadseg.streets.classes import BUILDING, ROAD, SKY
from roadseg.streets.drive import SPEED, View, drive_frames, drive_path, frame_count

SIZE = (160, 120)
RATE = Fraction(24)


@pytest.fixture(scope="module")
def frames():
    return list(drive_frames(0, 1.25, size=SIZE, look="game", frame_rate=RATE))


@pytest.mark.slow
def test_a_drive_has_as_many_frames_as_its_length_says(frames):
    assert len(frames) == frame_count(1.25, RATE) == 30
    assert all(image.shape == (120, 160, 3) and label.shape == (120, 160) for image, label in frames)


@pytest.mark.slow
def test_labels_of_successive_frames_overlap_strongly(frames):
    agreement = [(one == other).mean() for (_, one), (_, other) in pairwise(frames)]
    assert min(agreement) > 0.75, "somebody passes close by"
    assert np.mean(agreement) > 0.85


@pytest.mark.slow
def test_the_camera_moves_on_in_every_frame(frames):
    assert all((one != other).any() for (_, one), (_, other) in pairwise(frames))
    assert (frames[0][1] != frames[-1][1]).mean() > 0.05


@pytest.mark.slow
def test_light_and_camera_stay_as_they_are(frames):
    """The sky's mean colour and the horizon stay constant; new objects may change the rest."""
    skies = np.array([image[: 120 // 3][label[: 120 // 3] == SKY].mean(0) for image, label in frames])
    assert np.abs(np.diff(skies, axis=0)).max() < 4
    roads = np.array([image[90:][label[90:] == ROAD].mean(0) for image, label in frames])
    assert np.median(np.abs(np.diff(roads, axis=0))) < 4


@pytest.mark.slow
def test_textures_move_smoothly():
    """Frames change less from frame to frame at twice the frame rate: nothing pops."""

    def change(rate):
        images = [
            image.astype(float) for image, _ in drive_frames(0, 1.0, size=SIZE, look="game", frame_rate=Fraction(rate))
        ]
        return np.mean([np.abs(one - other).mean() for one, other in pairwise(images)])

    assert change(40) < 0.75 * change(10)


@pytest.mark.slow
def test_a_facade_keeps_its_colours(frames):
    """Along the optical flow, houses look the same in the next frame."""
    for (one, label), (other, _) in list(pairwise(frames))[::6]:
        before, after = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (one, other))
        flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 3, 15, 3, 5, 1.2, 0)
        rows, columns = np.mgrid[0:120, 0:160].astype(np.float32)
        followed = cv2.remap(other, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR)
        houses = (label == BUILDING) & (columns > 8) & (columns < 152)
        assert houses.sum() > 2000
        assert np.abs(followed.astype(float) - one)[houses].mean() < 9


@pytest.mark.slow
def test_a_frame_is_a_pure_function_of_its_arguments():
    once = list(drive_frames(0, 0.5, size=SIZE, look="game", frame_rate=RATE))
    again = list(drive_frames(0, 0.5, size=SIZE, look="game", frame_rate=RATE))
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.slow
def test_seeds_give_other_streets():
    one, other = (next(drive_frames(seed, 1, size=SIZE)) for seed in (0, 1))
    assert (one[1] != other[1]).mean() > 0.1


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"seconds": 0.0}, "no frames"),
        ({"seconds": float("nan")}, "no frames"),
        ({"size": (8, 8)}, "too small"),
        ({"seed": -1}, "seed -1"),
        ({"look": "photo"}, "no look"),
        ({"frame_rate": 0}, "no frames"),
    ],
)
def test_what_cannot_be_rendered_is_refused_at_once(options, cause):
    with pytest.raises(InputError, match=cause):
        drive_frames(**{"seed": 0, "seconds": 1.0} | options)


@pytest.mark.slow
def test_the_path_is_the_way_of_the_camera(monkeypatch):
    seen = []

    class Noted(View):
        def __init__(self, camera, centre_line, size, *, s, nod):
            super().__init__(camera, centre_line, size, s=s, nod=nod)
            seen.append((float(centre_line.offset(np.array(s))), s))

    monkeypatch.setattr("roadseg.streets.drive.View", Noted)
    list(drive_frames(0, 1.0, size=(64, 48), look="game", frame_rate=4))
    path = drive_path(0, 1.0, look="game", frame_rate=4)
    assert path.shape == (4, 2) and path.tolist() == [list(place) for place in seen]
    assert path[0, 1] == 0 and SPEED[0] - 1 < np.diff(path[:, 1]).mean() * 4 < SPEED[1] + 1
