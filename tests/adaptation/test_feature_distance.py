"""The distance to the features of the initial network, where it can be computed by hand."""

import pytest
import torch
from helpers.toy_segmenter import Toy, toy_batch, toy_method
from torch import nn

from roadseg.adaptation.feature_distance import DISTANCE, FeatureDistance, things_of
from roadseg.errors import RecipeError
from roadseg.labels.catalogue import CITYSCAPES_19, SYNTHIA_CAMVID_9
from roadseg.labels.space import LabelSpace
from roadseg.models.build import build_model
from roadseg.models.domain_statistics import keep_source_statistics


def distance_of(method, batch):
    *_, term = method.terms(batch)
    return term


def test_it_is_the_mean_length_over_cells_of_things():
    method, batch = toy_method("feature-distance"), toy_batch()
    moved = torch.full((3, 3, 1, 1), 0.1) @ torch.ones(1)  # how far every weight of the reference was moved
    pixels = method.segmenter.normalisation(batch.source_images)
    lengths = torch.nn.functional.conv2d(pixels, moved[..., None, None].view(3, 3, 1, 1)).norm(dim=1)
    things = (batch.source_labels == 2) | (batch.source_labels == 3)
    expected = torch.stack([lengths[image][things[image]].mean() for image in range(len(pixels))]).mean()
    term = distance_of(method, batch)
    assert term.values[DISTANCE].item() == pytest.approx(expected.item(), rel=1e-5)
    assert term.loss.item() == pytest.approx(0.5 * expected.item(), rel=1e-5)


def test_it_pulls_the_trunk_alone_and_not_its_reference():
    method = toy_method("feature-distance")
    distance_of(method, toy_batch()).loss.backward()
    assert method.segmenter.stem.weight.grad.abs().sum() > 0
    assert all(head.weight.grad is None for head in method.segmenter.heads)
    assert not any(parameter.requires_grad for parameter in method._reference.parameters())


def test_it_is_zero_at_the_start_and_without_things():
    toy = toy_method("source-only")
    assert distance_of(FeatureDistance(toy, [2, 3]), toy_batch()).loss.item() == 0
    moved = toy_method("feature-distance")
    moved._things = [9]
    assert distance_of(moved, toy_batch()).loss.item() == 0


class Normed(Toy):
    """The toy behind a batch norm."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3).eval()

    def forward(self, images):
        return super().forward(self.norm(images))


def test_it_is_zero_at_the_start_from_a_network_whose_batch_norm_was_adapted():
    toy = toy_method("source-only")
    toy.segmenter = Normed()
    keep_source_statistics(toy.segmenter)
    toy.segmenter.norm.running_mean.add_(1)
    assert distance_of(FeatureDistance(toy, [2, 3]), toy_batch()).loss.item() == 0


def test_cells_count_where_one_thing_covers_enough():
    labels = torch.zeros(1, 4, 8, dtype=torch.uint8)
    labels[0, :, :3] = 2  # three of four columns of the first cell
    labels[0, :2, 4:], labels[0, 2:, 4:] = 2, 3  # the second cell is shared by two things
    method = FeatureDistance(toy_method("source-only"), [2, 3])
    assert method._cells(labels, (1, 2)).tolist() == [[[1.0, 0.0]]]
    labels[0, 0, 0] = 0
    assert method._cells(labels, (1, 2)).tolist() == [[[0.0, 0.0]]]


def test_things_are_those_that_one_can_count():
    names = [CITYSCAPES_19.classes[train_id] for train_id in things_of(CITYSCAPES_19)]
    assert names[:4] == ["traffic light", "traffic sign", "person", "rider"] and len(names) == 10
    assert things_of(SYNTHIA_CAMVID_9)
    with pytest.raises(RecipeError, match="no class of things"):
        things_of(LabelSpace("two", ("road", "sky"), ((0, 0, 0), (1, 1, 1))))


@pytest.mark.slow
def test_the_encoder_is_the_pretrained_part():
    """Its map does not change with the layers that start at random."""
    network = build_model("fast", 19, pretrained=False).eval()
    images = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        before = network.encode(images)
        for group in network.parameter_groups()[1]:
            group.add_(1)
        assert torch.equal(network.encode(images), before)
    assert before.shape == (1, 320, 4, 6)
