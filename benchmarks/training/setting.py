"""Setting of the measured training step: the published multi-level one, on images drawn at random."""

from pathlib import Path

import cv2
import numpy as np

from roadseg.adaptation.adversarial import AUXILIARY, MAIN, Adversarial, Adversary, View
from roadseg.adaptation.supervision import Supervision
from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.sampling import AdaptationBatches
from roadseg.datasets.transforms import CropTransform
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.models.build import build_model
from roadseg.models.discriminator import PatchDiscriminator
from roadseg.runtime import Runtime, seed_everything
from roadseg.training.optimizers import OptimizerOptions, Schedule, auxiliary_optimizer, segmenter_optimizer
from roadseg.training.trainer import Trainer

SIZES = {"resnet101": (321, 161), "vgg16": (321, 161)}
"""(width, height) of the images by network, where it is not `USUAL_SIZE`: a quarter of the side at which the networks
of the paper were trained."""
USUAL_SIZE = (480, 272)
"""An eighth of a megapixel, for video."""
IMAGES = 4
SEGMENTATION_WEIGHTS = (1.0, 0.1)
ADVERSARIAL_WEIGHTS = (0.001, 0.0002)
LEARNING_RATE, SCHEDULE = 2.5e-4, Schedule(250_000, 0.9)
CLASSES = len(CITYSCAPES_19)


def build(model: str, runtime: Runtime) -> Trainer:
    """Networks of two levels with random weights, the same at each call, and their optimizers."""
    seed_everything(0)
    segmenter = runtime.place(build_model(model, CLASSES, pretrained=False))

    def adversary(view: View, weight: float) -> Adversary:
        return Adversary(view, runtime.place(PatchDiscriminator(CLASSES)), weight)

    main, auxiliary = ADVERSARIAL_WEIGHTS
    method = Adversarial(
        segmenter,
        runtime,
        Supervision(SEGMENTATION_WEIGHTS, 0.0, segmenter.align_corners),
        {"main": adversary(MAIN, main), "auxiliary": adversary(AUXILIARY, auxiliary)},
    )
    options = OptimizerOptions("sgd", LEARNING_RATE, head_lr_multiplier=10, weight_decay=5e-4)
    optimizers = {"segmenter": segmenter_optimizer(segmenter, options)}
    for name, trained in method.auxiliary_networks.items():
        optimizers[f"auxiliary/{name}"] = auxiliary_optimizer(trained.parameters(), 1e-4)
    segmenter.train()
    return Trainer(method, optimizers, schedule=SCHEDULE)


def draw_batches(folder: Path, size: tuple[int, int]) -> AdaptationBatches:
    """Draw images and label maps of `size` = (width, height) into `folder`; return a loader of whole images."""
    width, height = size
    rng = np.random.default_rng(0)
    for name, values in (("images", (256, 3)), ("labels", (CLASSES, 1))):
        (folder / name).mkdir()
        for index in range(IMAGES):
            blocks = rng.integers(0, values[0], (height // 16, width // 16, values[1]), np.uint8)
            image = cv2.resize(blocks, size, interpolation=cv2.INTER_NEAREST)
            cv2.imwrite(str(folder / name / f"{index}.png"), image)
    (folder / "dataset.toml").write_text('kind = "streets"\nlabel_space = "cityscapes-19"\n')
    whole = CropTransform(size, size, scale=(1.0, 1.0), jitter=0.0, horizontal_flip=False)
    return AdaptationBatches(
        source=dataset_kind("streets").open(folder),
        targets=(dataset_kind("frames").open(folder / "images"),),
        batch_size=1,
        source_transform=whole,
        target_transform=whole,
        seed=0,
    )
