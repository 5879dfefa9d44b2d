"""Steps on a toy: dividing a batch changes nothing, a checkpoint holds all, float16 skips steps that overflow."""

import copy
import io

import pytest
import torch
from helpers.states import same
from helpers.toy_segmenter import ADVERSARIAL, METHODS, Toy, toy_batch, toy_method
from torch.optim import SGD

from roadseg.errors import TrainingError
from roadseg.models.average import WeightAverage
from roadseg.models.build import build_model
from roadseg.runtime import start
from roadseg.training.build import build_method
from roadseg.training.meter import Meter
from roadseg.training.optimizers import (
    OptimizerOptions,
    RepeatedSGD,
    Schedule,
    auxiliary_optimizer,
    segmenter_optimizer,
    times_listed,
)
from roadseg.training.recipe import resolve
from roadseg.training.trainer import Trainer

GANS = ("vanilla", "least-squares")
VARIANTS = [(name, gan) for name in METHODS for gan in GANS if gan == "vanilla" or name in ADVERSARIAL]
SCHEDULE = Schedule(1000, 0.9)


def toy_trainer(name, *, optimizer="sgd", **options):
    method = toy_method(name, **options)
    optimizers = {"segmenter": segmenter_optimizer(method.segmenter, OptimizerOptions(optimizer, 0.1, 1.0, 1e-4))}
    for level, discriminator in method.auxiliary_networks.items():
        optimizers[level] = auxiliary_optimizer(discriminator.parameters(), 1e-3)
    return Trainer(method, optimizers, average=WeightAverage(method.segmenter, 0.9), seed=7, schedule=SCHEDULE)


def gan_options(name, gan):
    return {"gan": gan} if name in ADVERSARIAL else {}


def gradients(trainer):
    networks = [trainer.method.segmenter, *trainer.method.auxiliary_networks.values()]
    return [parameter.grad for network in networks for parameter in network.parameters()]


@pytest.mark.parametrize("balance", [0.0, 0.5])
@pytest.mark.parametrize(("name", "gan"), [variant for variant in VARIANTS if variant[0] != "self-training"])
def test_a_step_does_not_depend_on_how_its_batch_is_divided(name, gan, balance):
    def step(parts):
        trainer = toy_trainer(name, dtype=torch.float64, class_balance=balance, **gan_options(name, gan))
        trainer.accumulate_grad_batches = parts
        values = trainer.make_step(toy_batch(4))
        return gradients(trainer), {key: value.item() for key, value in values.items()}

    whole, whole_values = step(1)
    for parts in (2, 3, 4, 9):
        divided, values = step(parts)
        assert values == pytest.approx(whole_values, rel=1e-12)
        for a, b in zip(divided, whole, strict=True):
            assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)


def test_parts_differ_by_one_image_at_most_and_keep_their_places():
    parts = list(toy_batch(5).parts(3))
    assert sorted(len(part.source_images) for part in parts) == [1, 2, 2]
    assert [part.first for part in parts] == [0, *torch.tensor([len(p.source_labels) for p in parts]).cumsum(0)[:-1]]
    assert sum(part.share for part in parts) == pytest.approx(1.0)
    assert all(torch.equal(part.label_counts, toy_batch(5).label_counts) for part in parts)


def made(trainer, steps, accumulate):
    trainer.accumulate_grad_batches = accumulate
    for step in range(trainer.step, steps):
        trainer.make_step(toy_batch(4, seed=step))
    return trainer


def resumed(state, build):
    """A new trainer with a state that went through a file."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    trainer = build()
    torch.rand(3)  # whatever else drew from the generator meanwhile
    trainer.restore(torch.load(file, weights_only=True))
    return trainer


RESUMED = [
    *[(name, gan, accumulate, "float32", "sgd") for name, gan in VARIANTS for accumulate in (1, 2)],
    ("multi-level", "vanilla", 2, "float16", "sgd"),
    ("multi-level", "vanilla", 2, "bfloat16", "adamw"),
    ("single-level", "vanilla", 1, "float32", "published-sgd"),
]


@pytest.mark.parametrize(("name", "gan", "accumulate", "precision", "optimizer"), RESUMED)
def test_two_steps_and_three_more_equal_five_bit_for_bit(name, gan, accumulate, precision, optimizer):
    def build():
        options = {"precision": precision, "dropout": 0.3, **gan_options(name, gan)}
        return toy_trainer(name, optimizer=optimizer, **options)

    whole = made(build(), 5, accumulate).state()
    parts = made(resumed(made(build(), 2, accumulate).state(), build), 5, accumulate).state()
    assert same(whole, parts)
    assert not same(whole, build().state())


def warmed_up(precision="float32"):
    return toy_trainer("multi-level", optimizer="adamw", precision=precision, dropout=0.3, warmup_steps=3)


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_in_warm_up_only_discriminators_learn_and_then_the_segmenter_starts_at_its_full_rate(precision):
    trainer = warmed_up(precision)
    begun, before = warmed_up(precision).state(), copy.deepcopy(made(trainer, 3, 2).state())
    for network in ("segmenter", "average"):
        assert same(before["networks"][network], begun["networks"][network])
    assert not before["optimizers"]["segmenter"]["state"]
    for discriminator in ("main", "auxiliary"):
        assert not same(before["networks"][discriminator], begun["networks"][discriminator])
    made(trainer, 4, 2)
    assert not same(trainer.state()["networks"]["segmenter"], begun["networks"]["segmenter"])
    assert same(trainer.state()["networks"]["average"], trainer.state()["networks"]["segmenter"])
    assert [group["lr"] for group in trainer.optimizers["segmenter"].param_groups] == [0.1, 0.1]


@pytest.mark.parametrize("stop", [2, 4])
def test_a_run_resumed_in_or_after_warm_up_is_the_same_bit_for_bit(stop):
    whole = made(warmed_up(), 6, 2).state()
    assert same(whole, made(resumed(made(warmed_up(), stop, 2).state(), warmed_up), 6, 2).state())


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_gradients_are_compared_without_changing_training(name, precision, monkeypatch):
    def run():
        trainer = toy_trainer(name, precision=precision, dropout=0.3)
        return made(trainer, 3, 2).state(), trainer.make_step(toy_batch(4))

    state, values = run()
    monkeypatch.setattr("roadseg.training.trainer.RATIO_STEPS", 2)
    compared, ratios = run()
    assert same(state, compared)
    assert ratios.keys() - values.keys() == {f"gradient-ratio/{level}" for level in METHODS[name]}


def test_the_ratio_is_that_of_the_joint_batch_however_it_is_divided(monkeypatch):
    monkeypatch.setattr("roadseg.training.trainer.RATIO_STEPS", 1)
    method, batch = toy_method("multi-level", dtype=torch.float64), toy_batch(4)
    stem = list(method.segmenter.stem.parameters())
    supervised, fooling, *_ = method.terms(batch)

    def norm(loss):
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, stem, retain_graph=True)]).norm().item()

    by_hand = {name: norm(loss) / norm(supervised.loss) for name, loss in fooling.compared.items()}
    for parts in (1, 3):
        trainer = toy_trainer("multi-level", dtype=torch.float64)
        trainer.accumulate_grad_batches = parts
        values = trainer.make_step(batch)
        assert {key: values[key].item() for key in by_hand} == pytest.approx(by_hand, rel=1e-9)


def test_means_are_over_the_steps_that_had_the_loss():
    meter = Meter(start("cpu"))
    for values in ({"a/b": torch.tensor(1.0)}, None, {"a/b": torch.tensor(3.0), "c/d": torch.tensor(5.0)}):
        meter.add(values)
    report = meter.report(3)
    assert (report.losses, report.skipped) == ({"a/b": 2.0, "c/d": 5.0}, 1)


def scaled_by(trainer, scale):
    trainer.restore(trainer.state() | {"loss_scale": trainer.state()["loss_scale"] | {"scale": scale}})
    return trainer


def test_a_step_whose_gradients_overflow_is_skipped_and_the_next_is_scaled_by_less():
    trainer = scaled_by(toy_trainer("multi-level", precision="float16"), 2.0**60)
    before = {key: value.clone() for key, value in trainer.method.segmenter.state_dict().items()}
    assert trainer.make_step(toy_batch(4)) is None
    assert same(before, dict(trainer.method.segmenter.state_dict()))
    assert trainer.state()["loss_scale"]["scale"] == 2.0**59
    assert trainer.step == 1
    made_steps = [trainer.make_step(toy_batch(4)) is not None for _ in range(60)]
    assert made_steps.index(True) > 10
    assert not same(before, dict(trainer.method.segmenter.state_dict()))


def test_float16_comes_to_what_float32_comes_to():
    def losses(precision):
        trainer = toy_trainer("multi-level", precision=precision)
        for step in range(5):
            values = trainer.make_step(toy_batch(4, seed=step))
        return {key: value.item() for key, value in values.items()}

    assert losses("float16") == pytest.approx(losses("float32"), rel=5e-3)


def test_gradients_that_no_scale_saves_end_the_run():
    trainer = toy_trainer("single-level", precision="float16")
    torch.nn.init.constant_(trainer.method.segmenter.stem.bias, float("nan"))
    with pytest.raises(TrainingError, match="gradients are no longer finite"):
        for _ in range(100):
            trainer.make_step(toy_batch(2))


def test_repeated_sgd_is_sgd_with_each_step_made_several_times():
    ours, theirs = (torch.nn.Parameter(torch.arange(3.0)) for _ in range(2))
    repeated = RepeatedSGD([{"params": [ours], "lr": 0.1, "repeats": 3}], momentum=0.9, weight_decay=0.01)
    plain = SGD([theirs], lr=0.1, momentum=0.9, weight_decay=0.01)
    for gradient in (torch.ones(3), torch.tensor([0.0, -1.0, 2.0])):
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        repeated.step()
        for _ in range(3):
            plain.step()
        assert torch.equal(ours.grad, gradient)
        assert torch.allclose(ours, theirs, atol=1e-7)


def test_published_code_lists_weights_of_resnet101_up_to_four_times_and_those_of_vgg16_once():
    with torch.device("meta"):
        resnet, vgg = (build_model(name, 19, pretrained=False) for name in ("resnet101", "vgg16"))
    counts = {repeats: len(parameters) for repeats, parameters in times_listed(resnet.trunk()).items()}
    assert counts == {1: 1, 3: 33 * 3, 4: 4}
    assert list(times_listed(vgg.trunk())) == [1]


def test_what_is_kept_is_the_average_of_the_weights_of_all_steps():
    trainer = toy_trainer("multi-level")
    seen = weights_of_steps(trainer, 3)
    for kept, *weights in zip(trainer.result.parameters(), *seen, strict=True):
        assert torch.allclose(kept, torch.stack(weights).mean(0), atol=1e-6)


def test_a_teacher_is_an_average_with_a_decay_of_its_own():
    """0.999, which is the plain mean at first; what is kept forgets the first of three steps at 0.5."""
    trainer = toy_trainer("self-training")
    trainer.average.decay = 0.5
    for kept, taught, first, second, third in zip(
        trainer.result.parameters(),
        trainer.method.teacher.network.parameters(),
        *weights_of_steps(trainer, 3),
        strict=True,
    ):
        assert torch.allclose(taught, (first + second + third) / 3, atol=1e-6)
        assert torch.allclose(kept, (first + second) / 4 + third / 2, atol=1e-6)


def weights_of_steps(trainer, count):
    """Weights of the segmenter after each of `count` steps."""
    seen = []
    for step in range(count):
        trainer.make_step(toy_batch(seed=step))
        seen.append([parameter.detach().clone() for parameter in trainer.method.segmenter.parameters()])
    return seen


def test_without_an_average_the_weights_of_the_last_step_are_kept():
    trainer = toy_trainer("source-only")
    trainer.average = None
    assert trainer.result is trainer.method.segmenter


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_second_head_without_weight_is_neither_trained_nor_decayed(optimizer):
    keys = {"target": "x", "method": "single-level", "auxiliary_loss_weight": 0}
    segmenter = Toy()
    before = copy.deepcopy(segmenter.heads)
    method = build_method(resolve(keys, origin="test"), segmenter, start("cpu"))
    optimizers = {"segmenter": segmenter_optimizer(segmenter, OptimizerOptions(optimizer, 0.1, 1.0, 0.1))}
    optimizers["main"] = auxiliary_optimizer(method.auxiliary_networks["main"].parameters(), 1e-3)
    Trainer(method, optimizers, schedule=SCHEDULE).make_step(toy_batch())
    assert not same(segmenter.heads[0].state_dict(), before[0].state_dict())
    assert same(segmenter.heads[1].state_dict(), before[1].state_dict())


def test_the_rate_rises_and_falls():
    """Against the closed form: linear over the warm-up, poly throughout."""
    schedule = Schedule(100, 1.0, warmup_steps=10)
    factors = [schedule.factor(step) for step in range(100)]
    expected = [(1 - step / 100) * min(1, (step + 1) / 10) for step in range(100)]
    assert factors == pytest.approx(expected)
    assert Schedule(100, 0.9).factor(0) == 1.0
    assert Schedule(100, 0.9).factor(60, offset=20) == Schedule(80, 0.9).factor(40)


def test_auxiliary_networks_have_no_warm_up():
    trainer = toy_trainer("multi-level")
    trainer.schedule = Schedule(1000, 0.9, warmup_steps=100)
    trainer.make_step(toy_batch())
    segmenter, *auxiliary = [optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers.values()]
    assert segmenter == pytest.approx(0.1 / 100)
    assert auxiliary == [1e-3, 1e-3]
