"""Three steps of our engine, method and optimizers give the losses and weights of the published training loop.

In float64, where rounding explains nothing. The published optimizer counts most weights three or four times, as our
`published-sgd` does; for `sgd`, the numbers are those of the same loop with every weight counted once.
"""

import pytest
from helpers.parity_bundle import discriminator, images, in_float64, labels, published_state, read_json, segmenter, size

from roadseg.adaptation.adversarial import AUXILIARY, MAIN, Adversarial, Adversary
from roadseg.adaptation.supervision import Supervision
from roadseg.datasets.sampling import Batch
from roadseg.runtime import start
from roadseg.training.optimizers import OptimizerOptions, Schedule, auxiliary_optimizer, segmenter_optimizer
from roadseg.training.trainer import Trainer

pytestmark = [pytest.mark.parity, pytest.mark.slow]

STEPS = 3
SCHEDULE = Schedule(250_000, 0.9)
LEVELS = {"main": MAIN, "auxiliary": AUXILIARY}
GAN = {"Vanilla": "vanilla", "LS": "least-squares"}
COLUMNS = {
    "loss_seg1": "segmentation/auxiliary",
    "loss_seg2": "segmentation/main",
    "loss_adv_target1": "adversarial/auxiliary",
    "loss_adv_target2": "adversarial/main",
    "loss_D1": "discriminator/auxiliary",
    "loss_D2": "discriminator/main",
    "loss_seg": "segmentation/main",
    "loss_adv": "adversarial/main",
    "loss_D": "discriminator/main",
}


def trained(tag, levels, *, optimizer, head_lr_multiplier, segmentation_weights, gan):
    """Losses of every step, and the method after the last; `levels` are tags of discriminators with lambda_adv."""
    adversaries = {
        name: Adversary(view, in_float64(discriminator(level_tag)), weight)
        for (name, view), (level_tag, weight) in zip(LEVELS.items(), levels.items(), strict=False)
    }
    network = in_float64(segmenter(tag)).train()
    supervision = Supervision(segmentation_weights, 0.0, network.align_corners)
    method = Adversarial(network, start("cpu"), supervision, adversaries, Adversarial.Options(gan=gan))
    sgd = OptimizerOptions(optimizer, 2.5e-4, head_lr_multiplier=head_lr_multiplier, weight_decay=5e-4)
    optimizers = {"segmenter": segmenter_optimizer(method.segmenter, sgd)}
    for name, network in method.auxiliary_networks.items():
        optimizers[f"discriminator/{name}"] = auxiliary_optimizer(network.parameters(), 1e-4)
    trainer = Trainer(method, optimizers, schedule=SCHEDULE)
    return [trainer.make_step(batch(step)) for step in range(STEPS)], method


def batch(step):
    height, width = size("train")
    source, target = (images(f"{domain}{step}", 1, height, width) for domain in ("src", "tgt"))
    return Batch.whole(source, labels(f"src{step}", 1, height, width), target)


def check_losses(history, columns, reference):
    for step, (ours, theirs) in enumerate(zip(history, reference, strict=True)):
        expected = dict(zip((COLUMNS[column] for column in columns), theirs, strict=True))
        ours = {name: value.item() for name, value in ours.items()}
        assert ours == pytest.approx(expected, rel=1e-9 if step == 0 else 1e-7), f"step {step}"


def check_weights(network, tag, reference):
    start_state = published_state(tag)
    names = network.own_names(start_state)
    state = network.state_dict()
    for key, expected in reference.items():
        if names[key] not in state:
            assert network.superfluous(names[key])
            assert expected["delta_abs_sum"] == 0, key
            continue
        now = state[names[key]].double()
        change = (now - start_state[key].double()).abs().sum().item()
        assert change == pytest.approx(expected["delta_abs_sum"], rel=1e-6), key
        assert now.flatten()[:3].tolist() == pytest.approx(expected["first3"], abs=1e-9), key


def published_run(name):
    """Columns and numbers of a run of resnet101, and the optimizer that it was made with."""
    if name == "multi_legacy_sgd":
        run = read_json("train3_multi_legacy_sgd.json")
        return run["columns"], run, "published-sgd"
    bundle = read_json("train3.json")
    return bundle["columns"], bundle["runs"][name], "sgd"


@pytest.mark.parametrize("name", ["single_ls_dedup", "multi_legacy_sgd"])
def test_resnet101(name):
    """Between them: both levels, both losses, both optimizers.

    Single-level runs are published as multi-level ones with weights of zero: the second head decays, D1 learns.
    """
    columns, run, optimizer = published_run(name)
    given = dict(zip(run["args"][::2], run["args"][1::2], strict=True))
    history, method = trained(
        "multi",
        {"D2": float(given["--lambda-adv-target2"]), "D1": float(given["--lambda-adv-target1"])},
        optimizer=optimizer,
        head_lr_multiplier=10,
        segmentation_weights=(1.0, float(given["--lambda-seg"])),
        gan=GAN[given.get("--gan", "Vanilla")],
    )
    check_losses(history, columns, run["f64"])
    check_weights(method.segmenter, "multi", run["weights_after3_f64"]["G"])
    for level, tag in (("main", "D2"), ("auxiliary", "D1")):
        check_weights(method.auxiliary_networks[level], tag, run["weights_after3_f64"][tag])


@pytest.mark.parametrize(("name", "optimizer"), [("vgg_single", "published-sgd"), ("vgg_single_ls", "sgd")])
def test_vgg16(name, optimizer):
    """The published code lists the weights of VGG-16 once, so both optimizers are the same."""
    bundle = read_json("train3_vgg.json")
    run = bundle["runs"][name]
    history, method = trained(
        "vgg",
        {"D1": run["lambda_adv"]},
        optimizer=optimizer,
        head_lr_multiplier=1,
        segmentation_weights=(1.0,),
        gan=GAN[run["gan"]],
    )
    check_losses(history, bundle["columns"], run["f64"])
    for network, tag, key in ((method.segmenter, "vgg", "G"), (method.auxiliary_networks["main"], "D1", "D1")):
        check_weights(network, tag, run["weights_after3_f64"][key])
