"""Training steps on a GPU, or on the CPU in the way of a GPU: they agree within a tolerance, and never wait for it."""

import pytest
import torch
from helpers.gpu import METHODS, build_trainer, drawn_batches, refusing_to_wait, weights

from roadseg.models import frozen_norm
from roadseg.models.build import build_model
from roadseg.models.domain_statistics import batch_norms
from roadseg.models.network import freeze_batch_norm
from roadseg.runtime import start

STEPS = 3


def trained(method, folder, device):
    """Losses of each of some steps, and how far the weights moved."""
    trainer, losses = build_trainer(method, device), []
    for module in trainer.method.segmenter.modules():
        if isinstance(module, torch.nn.Dropout2d):
            module.p = 0.0  # devices draw other masks
    before = weights(trainer)
    for batch in drawn_batches(folder, STEPS, device):
        losses.append({name: value.item() for name, value in trainer.make_step(batch).items()})
    return losses, weights(trainer) - before


def norms_called(network, device):
    """The number of batch norms that a forward pass in training calls by themselves, not folded."""
    called = []
    for norm in batch_norms(network):
        norm.register_forward_hook(lambda *_: called.append(1))
    network.train()
    freeze_batch_norm(network)
    network(torch.rand(1, 3, 65, 97, device=device).contiguous(memory_format=torch.channels_last))
    return len(called)


@pytest.mark.parametrize(
    ("model", "device", "all_of_them"),
    [
        ("fast", "cpu", False),
        pytest.param("fast", "cuda", True, marks=pytest.mark.gpu),
        pytest.param("resnet101", "cuda", False, marks=pytest.mark.gpu),
    ],
)
def test_batch_norm_is_folded_in_training_but_where_kernels_are_small(model, device, all_of_them):
    network = start(device).place(build_model(model, 5, pretrained=False))
    assert norms_called(network, device) == (len(batch_norms(network)) if all_of_them else 0)


def test_steps_that_normalise_after_convolving_are_those_of_folded_ones(tmp_path, monkeypatch):
    for name in ("folded", "in turn"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr("helpers.gpu.SIZE", (96, 64))
    expected, moved = trained("multi-level", tmp_path / "folded", "cpu")
    maps = []
    monkeypatch.setattr(frozen_norm, "_in_turn", lambda x: maps.append(x.shape) or True)
    losses, moved_in_turn = trained("multi-level", tmp_path / "in turn", "cpu")
    assert len(maps) > 100
    for step, reference in zip(losses, expected, strict=True):
        assert step == pytest.approx(reference, rel=1e-5)
    assert (moved - moved_in_turn).norm() < 1e-4 * moved.norm()


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS)
def test_a_step_never_waits_for_the_gpu(method, tmp_path):
    trainer = build_trainer(method, "cuda")
    first, *others = drawn_batches(tmp_path, STEPS, "cuda")
    trainer.make_step(first)
    with refusing_to_wait():
        values = [trainer.make_step(batch) for batch in others]
    assert all(torch.isfinite(value).item() for step in values for value in step.values())


@pytest.mark.gpu
def test_steps_on_a_gpu_are_those_of_the_cpu_but_for_rounding(tmp_path):
    for name in ("first", "second", "cpu"):
        (tmp_path / name).mkdir()
    first, moved = trained("multi-level", tmp_path / "first", "cuda")
    second, moved_again = trained("multi-level", tmp_path / "second", "cuda")
    expected, moved_on_cpu = trained("multi-level", tmp_path / "cpu", "cpu")
    for step, repeated, reference in zip(first, second, expected, strict=True):
        assert step == pytest.approx(repeated, rel=1e-4)
        assert step == pytest.approx(reference, rel=1e-3)
    assert (moved - moved_again).norm() < 0.01 * moved.norm()
    assert (moved - moved_on_cpu).norm() < 0.02 * moved_on_cpu.norm()
