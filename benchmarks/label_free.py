"""Comparison of agreement between views with mIoU: `python benchmarks/label_free.py SET... [--run RUN] [--images N]`.

SET is a labelled data set, KIND:ROOT[:SPLIT]. On each, the run is scored as it is and with batch norm adapted to 32 of
the images from each kind of rendered streets; N images (30) of the set are scored, 16 are looked at without labels.
"""

import argparse
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from roadseg.adaptation.batch_norm import IMAGES, BatchNormAdaptation
from roadseg.datasets.catalogue import open_dataset
from roadseg.datasets.source_images import sample_images
from roadseg.evaluation.evaluate import score
from roadseg.inference.engines import load_segmenter
from roadseg.inference.label_free import IMAGES as JUDGED
from roadseg.inference.label_free import Measures
from roadseg.streets.presets import PRESETS

START, ALL = "start", ""
BOUNDS = (0.0, 0.5, 1.0, 1.5, 2.0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare agreement between views with mIoU.")
    parser.add_argument("sets", nargs="+", metavar="SET")
    parser.add_argument("--run", default="default")
    parser.add_argument("--images", type=int, default=30)
    options = parser.parse_args()
    start = load_segmenter(options.run)
    scores: dict[str, dict[str, tuple[float, float, float]]] = {}
    for name in options.sets:
        dataset = open_dataset(name)
        target = sample_images(dataset, start.input_size, IMAGES)
        for scenes in (START, ALL, *PRESETS):
            segmenter = start if scenes == START else start.adapted_to(target, BatchNormAdaptation(scenes=scenes))
            measures = Measures.of(segmenter, target[:: -(-len(target) // JUDGED)])
            miou = score(segmenter, dataset.evenly_spread(options.images)).miou
            scores.setdefault(name, {})[scenes] = (miou, measures.agreement, measures.entropy)
            figures = f"mIoU {miou:.1f}, agreement {measures.agreement:.1f}, entropy {measures.entropy:.3f}"
            print(f"{name}, {scenes or 'all kinds'}: {figures}", flush=True)
    summarise(scores)


def summarise(scores: dict[str, dict[str, tuple[float, float, float]]]) -> None:
    for name, by_scenes in scores.items():
        miou, agreement, entropy = np.array(list(by_scenes.values())).T
        chosen = max(by_scenes, key=lambda scenes: by_scenes[scenes][1])
        print(
            f"{name}: rank correlation with mIoU of agreement {rank_correlation(agreement, miou):.2f}, of low entropy "
            f"{rank_correlation(-entropy, miou):.2f}; chosen {chosen or 'all kinds'}, {by_scenes[chosen][0]:.1f} of "
            f"{miou.min():.1f} to {miou.max():.1f}"
        )
    changes = np.array(
        list(
            chain.from_iterable(
                [np.subtract(by_scenes[scenes], by_scenes[START]) for scenes in by_scenes if scenes != START]
                for by_scenes in scores.values()
            )
        )
    )
    gain, agreement, _ = changes.T
    print(f"{len(gain)} changes: rank correlation {rank_correlation(agreement, gain):.2f}")
    for bound in BOUNDS:
        better, worse = agreement >= bound, agreement <= -bound
        print(
            f"from {bound} points on: better {better.sum()} times, of which mIoU rose {(gain[better] > 0).sum()}; "
            f"worse {worse.sum()} times, of which it fell {(gain[worse] < 0).sum()}"
        )


def rank_correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    ranks = [values.argsort().argsort() for values in (x, y)]
    return float(np.corrcoef(*ranks)[0, 1])


if __name__ == "__main__":
    main()
