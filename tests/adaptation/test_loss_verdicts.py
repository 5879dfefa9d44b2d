"""Verdicts on losses at known values, and the kind of each loss of a method."""

import math

import pytest
import torch
import torch.nn.functional as F
from helpers.toy_segmenter import METHODS, toy_batch, toy_method

from roadseg.adaptation.adversarial import MAIN, Adversary, View
from roadseg.adaptation.loss_verdicts import FIRST_JUDGED, WINDOW, LossKind, judge, judge_all
from roadseg.adaptation.losses import adversarial_loss
from roadseg.adaptation.term import LABELS
from roadseg.training.optimizers import OptimizerOptions, Schedule, auxiliary_optimizer, segmenter_optimizer
from roadseg.training.trainer import Trainer

VANILLA = LossKind("discriminator")
LEAST_SQUARES = LossKind("discriminator", "squared-error")
FOUR_ANSWERS = LossKind("discriminator", answers=4, summed=2)
CLASSES = LossKind("classifier", answers=19)


def verdict(loss, kind=VANILLA):
    return judge([(FIRST_JUDGED, loss)], kind).verdict


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (0.0, "has won"),
        (0.04, "has won"),
        (0.1, "strong"),
        (0.21, "healthy"),
        (0.49, "healthy"),
        (0.6, "weak"),
        (math.log(2), "guessing"),
        (0.68, "guessing"),
        (0.75, "fooled"),
        (9.0, "fooled"),
    ],
)
def test_the_published_range_of_the_vanilla_loss(loss, expected):
    assert verdict(loss) == expected


@pytest.mark.parametrize(
    ("right", "expected"), [(0.99, "has won"), (0.9, "strong"), (0.7, "healthy"), (0.55, "weak"), (0.5, "guessing")]
)
def test_forms_of_the_loss_agree_on_a_discriminator_that_is_as_sure(right, expected):
    # As the code computes them, of scores that give the right answer this probability.
    logit = torch.full((2, 1, 3, 3), math.log((1 - right) / right))
    assert verdict(adversarial_loss(logit, 0.0, "vanilla").item()) == expected
    assert (
        verdict(adversarial_loss(torch.full((2, 1), 1 - right), 0.0, "least-squares").item(), LEAST_SQUARES) == expected
    )


def test_guessing_is_what_the_losses_give_for_equal_scores():
    zeros = torch.zeros(3, 4)
    assert VANILLA.guessing == pytest.approx(adversarial_loss(zeros, 1.0, "vanilla").item())
    assert LEAST_SQUARES.guessing == pytest.approx(adversarial_loss(zeros + 0.5, 1.0, "least-squares").item())
    told = F.cross_entropy(zeros, torch.tensor([0, 1, 3])).item()
    assert FOUR_ANSWERS.guessing == pytest.approx(2 * told)
    assert [verdict(kind.guessing, kind) for kind in (VANILLA, LEAST_SQUARES, FOUR_ANSWERS)] == ["guessing"] * 3
    assert verdict(2.0, FOUR_ANSWERS) == "weak" and verdict(1.2, FOUR_ANSWERS) == "healthy"
    assert VANILLA.healthy == pytest.approx((0.2, 0.5))
    assert LEAST_SQUARES.healthy == pytest.approx(((1 - math.exp(-0.2)) ** 2, (1 - math.exp(-0.5)) ** 2))


@pytest.mark.parametrize(
    ("ratio", "expected", "advice"),
    [(0.012, "starved", "raise lambda_adv"), (0.15, "balanced", "0.1 to 0.2"), (0.6, "drowns the labels", "lower")],
)
def test_adversarial_gradients_are_judged_by_their_share(ratio, expected, advice):
    kind = LossKind("gradient-ratio")
    judged = judge([(FIRST_JUDGED - 50, 0.004), (FIRST_JUDGED + 100, 2 * ratio), (FIRST_JUDGED + 150, 0.0)], kind)
    assert (judged.verdict, kind.guessing, kind.healthy) == (expected, None, (0.02, 0.5))
    assert advice in judged.advice and not judged.alarming


def test_nothing_is_judged_in_the_first_steps():
    assert judge([(FIRST_JUDGED - 1, math.log(2))], VANILLA).verdict == "too early to tell"
    assert not judge([(FIRST_JUDGED - 1, 0.0)], VANILLA).alarming
    assert judge([(10, 30.0)], CLASSES) is None


def test_the_mean_of_the_last_steps_is_judged():
    points = [(step, 0.69 if step <= 300 else 0.3 + 0.1 * (step % 20 > 0)) for step in range(10, 301 + WINDOW, 10)]
    judged = judge(points, VANILLA)
    assert (judged.verdict, judged.loss) == ("healthy", pytest.approx(0.36))
    assert judge(points[: 300 // 10], VANILLA).verdict == "guessing"


@pytest.mark.parametrize(
    ("by_fifty_steps", "expected"),
    [
        ([0.69, 0.58, 0.50, 0.58, 0.66], "matched"),
        ([0.69, 0.58, 0.50, 0.45, 0.68], "matched"),
        ([0.69, 0.68, 0.66, 0.66, 0.68], "guessing"),
        ([0.69, 0.67, 0.65, 0.63, 0.60], "weak"),
        ([0.69, 0.50, 0.40, 0.50, 0.52], "weak"),
        ([0.69, 0.50, 0.40, 0.50, 0.80], "fooled"),
    ],
)
def test_a_discriminator_that_knew_the_domains_and_no_longer_does_is_matched(by_fifty_steps, expected):
    points = [(step, by_fifty_steps[(step - 1) // 50]) for step in range(10, 251, 10)]
    assert judge(points, VANILLA).verdict == expected


def test_a_classifier_is_spoken_of_only_where_guessing_would_be_better():
    points = {"segmentation/main": [(500, 2.9)], "segmentation/auxiliary": [(500, 2.95)], "entropy/main": [(500, 9.0)]}
    judged = judge_all(points, {"segmentation/main": CLASSES, "segmentation/auxiliary": CLASSES})
    assert {name: one.verdict for name, one in judged.items()} == {"segmentation/auxiliary": "worse than guessing"}
    assert "learning_rate" in judged["segmentation/auxiliary"].advice


@pytest.mark.parametrize("name", METHODS)
def test_methods_name_losses_that_they_have(name):
    method = toy_method(name)
    values = {key for term in method.terms(toy_batch(2)) for key in term.values}
    kinds = method.loss_kinds
    compared = {key for term in method.terms(toy_batch(2)) for key in term.compared}
    ratios = {key for key, kind in kinds.items() if kind.role == "gradient-ratio"}
    assert kinds.keys() - ratios <= values
    assert ratios == compared - {LABELS} == {f"gradient-ratio/{level}" for level in METHODS[name]}
    discriminators = {key for key, kind in kinds.items() if kind.role == "discriminator"}
    expected = {f"discriminator/{level}" for level in METHODS[name]}
    assert discriminators == ({"discriminator/source", "discriminator/target"} if name == "lsd" else expected)
    assert all(kind.answers == 4 for kind in kinds.values() if kind.role == "classifier")


def trained(change, *, gan="vanilla", steps=FIRST_JUDGED, rate=0.02):
    """Verdict on the discriminator of a method after `steps`, and the trainer."""
    method = toy_method("single-level", gan=gan)
    adversary = method.adversaries["main"]
    method.adversaries["main"] = Adversary(adversary.view, adversary.discriminator, 0.0)
    change(method)
    optimizers = {
        "segmenter": segmenter_optimizer(method.segmenter, OptimizerOptions("sgd", 1e-4, 1.0, 0.0)),
        "main": auxiliary_optimizer(adversary.discriminator.parameters(), rate),
    }
    trainer = Trainer(method, optimizers, schedule=Schedule(10 * steps))
    points = []
    for step in range(1, steps + 1):
        values = trainer.make_step(toy_batch(2))
        points.append((step, values["discriminator/main"].item()))
    return judge(points, method.loss_kinds["discriminator/main"]).verdict


@pytest.mark.slow
@pytest.mark.parametrize("gan", ["vanilla", "least-squares"])
def test_a_discriminator_whose_input_tells_nothing_ends_at_guessing(gan):
    blind = View(MAIN.part, lambda maps: maps * 0)

    def show_nothing(method):
        adversary = method.adversaries["main"]
        method.adversaries["main"] = Adversary(blind, adversary.discriminator, 0.0)

    assert trained(show_nothing, gan=gan) == "guessing"


@pytest.mark.slow
@pytest.mark.parametrize("gan", ["vanilla", "least-squares"])
def test_a_discriminator_that_sees_the_domain_wins(gan):
    def tell_all(method):
        # A segmenter that calls every dark pixel, as target images are here, another class.
        with torch.no_grad():
            method.segmenter.stem.weight.fill_(10.0)
            method.segmenter.heads[0].weight.copy_(
                torch.tensor([[5.0], [-5.0], [0.0], [0.0]]).expand(4, 3)[..., None, None]
            )
        method.terms = lambda batch, terms=method.terms: terms(_dark(batch))

    assert trained(tell_all, gan=gan) == "has won"


def _dark(batch):
    batch.target_images.mul_(0)
    return batch
