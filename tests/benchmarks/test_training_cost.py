"""The measured step and the plain one do the same; the measurements add up."""

import pytest
import torch
from helpers.shallow import make_resnet_shallow
from torch import nn
from training.cost import STEP_PARTS, measure_training
from training.measures import Laps, counting_saved_bytes
from training.plain import PlainStep
from training.setting import build, draw_batches

from roadseg.datasets.sampling import load_batches
from roadseg.runtime import start

SIZE = (96, 64)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["fast", "vgg16", "resnet101"])
def test_both_kinds_of_step_have_the_same_losses_and_the_same_outcome(model, tmp_path, monkeypatch):
    make_resnet_shallow(monkeypatch)
    runtime = start("cpu")
    ours, other = build(model, runtime), build(model, runtime)
    plain = PlainStep(other, Laps(runtime.device))
    for batch in load_batches(draw_batches(tmp_path, SIZE), 0, 2, workers=0):
        losses = ours.make_step(batch)
        expected = plain.make_step(batch)
        assert {name: float(loss) for name, loss in losses.items()} == pytest.approx(expected, rel=1e-4)
    networks = [ours.method.segmenter, *ours.method.auxiliary_networks.values()]
    for mine, theirs in zip(networks, plain.networks, strict=True):
        for name, value in mine.state_dict().items():
            torch.testing.assert_close(value, theirs.state_dict()[name], rtol=1e-3, atol=3e-4, msg=name)


def test_saved_bytes_are_those_of_distinct_storages_held_at_one_time():
    layer = nn.Linear(10, 10, bias=False)
    x = torch.rand(5, 10)
    with counting_saved_bytes(layer.parameters()) as saved:
        for _ in range(2):
            y = layer(x).relu()
            (y * y).sum().backward()
    assert saved.peak == (x.numel() + y.numel()) * 4


@pytest.mark.slow
def test_all_parts_are_measured():
    progress = []
    cost = measure_training("fast", device="cpu", steps=1, size=SIZE, on_progress=lambda *of: progress.append(of))
    assert set(cost.ours.milliseconds) == {"data", *STEP_PARTS}
    assert set(cost.plain.milliseconds) == set(STEP_PARTS)
    assert sum(cost.ours.milliseconds[part] for part in STEP_PARTS) == pytest.approx(cost.ours.step_milliseconds, 0.01)
    assert 0 < cost.ours.saved_bytes < cost.plain.saved_bytes
    assert progress == [(1, 3), (2, 3), (3, 3)]
    assert cost.as_dict()["ratios"] == {"time": round(cost.time_ratio, 3), "saved_bytes": round(cost.saved_ratio, 3)}
