"""Training steps on a GPU: they never wait for it, and agree with the CPU within a tolerance."""

import pytest
import torch
from helpers.gpu import METHODS, build_trainer, drawn_batches, refusing_to_wait, weights

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
