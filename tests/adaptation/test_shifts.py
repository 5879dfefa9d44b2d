"""Sections of a video, found in descriptions of its frames."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from roadseg.adaptation.shifts import LEAST, MAX_SCENES, SEPARATION, describe, find_sections
from roadseg.errors import InputError
from roadseg.models.network import Normalisation
from roadseg.runtime import start


class OneLayer(nn.Module):
    """Batch norm on the pixels themselves, in front of a layer that must not run."""

    normalisation = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3, eps=0.0)
        self.norm.running_var.fill_(4.0)
        self.eval()

    def forward(self, x):
        self.norm(x)
        raise AssertionError("the layers behind are not needed")


def frames(*lights, scatter=0.02, channels=16, seed=0):
    """Descriptions: a (number of frames, brightness) each, scattered around it in all channels."""
    rng = np.random.default_rng(seed)
    rows = [np.full((count, channels), level) + rng.normal(0, scatter, (count, channels)) for count, level in lights]
    return (np.concatenate(rows) / np.sqrt(channels)).astype(np.float32)


def sections(rows, every=1.0):
    return [tuple(section) for section in find_sections(rows, [every * number for number in range(len(rows))])]


def test_an_image_is_described_by_mean_and_deviation_in_front_of_the_first_batch_norm():
    image = np.zeros((1, 4, 6, 3), np.uint8)
    image[:, :, ::2] = (20, 40, 80)
    described = describe(OneLayer(), np.concatenate([image, image // 2]), start("cpu"))
    mean, deviation = [10, 20, 40], [10, 20, 40]
    # In units of the deviation 2, and of the square root of 3 channels.
    expected = np.array([*mean, *deviation]) / 2 / np.sqrt(3)
    np.testing.assert_allclose(described, [expected, expected / 2], rtol=1e-5)


def test_describing_leaves_the_network_as_it_is():
    network = OneLayer()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    describe(network, np.full((1, 4, 4, 3), 9, np.uint8), start("cpu"))
    torch.testing.assert_close(network.state_dict(), before)
    assert not network.norm.training and "forward" not in vars(network.norm)


def test_without_batch_norm_nothing_can_be_described():
    with pytest.raises(InputError, match="no batch norm"):
        describe(nn.Conv2d(3, 3, 1), np.zeros((1, 4, 4, 3), np.uint8), start("cpu"))


def test_light_that_only_scatters_is_one_scene():
    assert sections(frames((200, 1.0))) == [(0, 200, 0)]


def test_a_tunnel_is_a_scene_and_the_day_behind_it_is_that_of_before():
    assert sections(frames((40, 1.0), (20, 0.3), (60, 1.0))) == [(0, 40, 0), (40, 60, 1), (60, 120, 0)]


def test_many_changes_are_no_scatter():
    found = sections(frames(*((6, 1.0 - 0.8 * (number % 2)) for number in range(9))))
    assert found == [(6 * number, 6 * number + 6, number % 2) for number in range(9)]


def test_dusk_belongs_to_day_or_night_which_stay_apart():
    dusk = [(1, 1.0 - share) for share in np.linspace(0, 0.3, 12)]
    (first, second) = sections(frames((50, 1.0), *dusk, (50, 0.7)))
    assert 50 <= first[1] == second[0] <= 62
    assert (first[2], second[2]) == (0, 1)


@pytest.mark.parametrize(("change", "scenes"), [(0.8, 1), (1.3, 2)])
def test_a_change_counts_from_the_smallest_distance_on(change, scenes):
    found = sections(frames((60, 1.0), (60, 1.0 + change * LEAST)))
    assert len({scene for _, _, scene in found}) == scenes


@pytest.mark.parametrize(("change", "scenes"), [(0.7, 1), (1.5, 2)])
def test_the_more_frames_scatter_the_larger_a_change_has_to_be(change, scenes):
    scatter = 0.5
    found = sections(frames((80, 2.0), (80, 2.0 + change * SEPARATION * scatter), scatter=scatter))
    assert len({scene for _, _, scene in found}) == scenes


@pytest.mark.parametrize("every", [1.0, 0.25])
@pytest.mark.parametrize("length", [4, 24])
def test_a_section_lasts_five_seconds_or_more(every, length):
    found = sections(frames((100, 1.0), (length, -1.0), (100, 1.0)), every)
    assert len(found) == 3
    assert all((end - first) * every >= 5 for first, end, _ in found)


def test_scenes_are_few_however_often_the_light_changes():
    found = sections(frames(*((20, float(level)) for level in range(MAX_SCENES + 4))))
    assert len({scene for _, _, scene in found}) == MAX_SCENES
    assert found[0][0] == 0 and found[-1][1] == 20 * (MAX_SCENES + 4)
    assert all(one[1] == other[0] and one[2] != other[2] for one, other in pairwise(found))


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_short_video_is_one_section(count):
    assert sections(frames((count, 1.0))) == [(0, count, 0)]
