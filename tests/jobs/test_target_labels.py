"""Labels of ten target frames help, against the same training without them."""

import shutil

import pytest

from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.rendered import render_dataset
from roadseg.evaluation.evaluate import evaluate
from roadseg.jobs.adapt import adapt

CAMVID_IN_CITYSCAPES = """\
ignore = 11
[classes]
sky = 0
building = 1
pole = 2
road = 3
sidewalk = 4
vegetation = 5
"traffic sign" = 6
fence = 7
car = 8
person = 9
rider = 10
"""
"""Classes of CamVid, and their nearest equivalents in Cityscapes."""
SIZE = (240, 176)


def ten_frames(camvid, root, shift):
    """Copy ten evenly spread frames of CamVid's train split to a data set in `root`."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    pictures = sorted((camvid / "train").iterdir())
    for place in range(10):
        picture = pictures[place * len(pictures) // 10 + shift]
        shutil.copy(picture, root / "images")
        shutil.copy(camvid / "trainannot" / f"{picture.stem}.png", root / "masks")
    (root / "labels.toml").write_text(CAMVID_IN_CITYSCAPES)
    return root


@pytest.mark.real_data
@pytest.mark.slow
def test_ten_labelled_frames_help_on_camvid(real_data, tmp_path):
    source, labelled = tmp_path / "source", ten_frames(real_data / "camvid", tmp_path / "labelled", 12)
    render_dataset(source, count=4, seed=0, size=SIZE, look="game")
    val = dataset_kind("camvid").open(real_data / "camvid", "val").every(6)
    values = {
        "method": "source-only",
        "source": str(source),
        "size": SIZE,
        "crop": [120, 96],
        "batch_size": 2,
        "steps": 30,
        "learning_rate": 2e-4,
        "ema_decay": 0.9,
        "seed": 1,
        "workers": 0,
        "device": "cpu",
    }

    def accuracy(name, **more):
        run = adapt(tmp_path / name, **values, **more).run
        return evaluate(run, val, device="cpu").pixel_accuracy

    # So short a training moves mIoU, which small classes decide, by chance; longer ones: docs/experiments.md.
    without = accuracy("without")
    assert accuracy("with", target_labels=str(labelled), target_labels_weight=2.0) > without + 0.3
