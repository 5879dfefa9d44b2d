"""Verdicts without labels on trained runs, compared with mIoU.

    python benchmarks/trained_verdicts.py FILE [SET ...] [--runs RUN ...] [--target KIND] [--images N] [--scored N]

RUN is a run folder of benchmarks/gpu_methods.py: start-SEED, or METHOD-BATCHNORM-SEED, which is compared with the start
of its seed beside it. SET is a labelled data set, KIND:ROOT[:SPLIT]; each drive of it counts as a set. What is measured
is added to FILE as JSON lines, and what FILE has already is not measured again; then its figures are summed up, those
of KIND, which the runs were trained on without labels, apart from the others.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from label_free import rank_correlation
from numpy.typing import NDArray

from roadseg.datasets.catalogue import open_dataset
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.transforms import resized_image
from roadseg.evaluation.consistency import TemporalConsistency
from roadseg.evaluation.evaluate import score
from roadseg.inference.engines import load_segmenter
from roadseg.inference.label_free import LabelFreeVerdict, Measures
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import label_space
from roadseg.labels.confusion import confusion_matrix, intersection_over_union

SPACE = label_space("cityscapes-19")
BOUNDS = (0.5, 1.0, 2.0)
MEASURES = ("agreement", "pixel_agreement", "darker", "steadiness")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare verdicts without labels with mIoU.")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("sets", nargs="*", metavar="SET")
    parser.add_argument("--runs", nargs="*", type=Path, default=[], metavar="RUN")
    parser.add_argument("--target", default="camvid", metavar="KIND")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--scored", type=int, default=124)
    options = parser.parse_args()
    options.file.touch()
    sets = {name: drive for kind in options.sets for name, drive in drives(kind)}
    known = {(row["run"], row["set"]) for row in rows_of(options.file)}
    for run in options.runs:
        segmenter = load_segmenter(run)
        for name, dataset in sets.items():
            if (run.name, name) not in known:
                row = {"run": run.name, "set": name} | measured(segmenter, dataset, options.images, options.scored)
                with options.file.open("a") as file:
                    print(json.dumps(row), file=file)
    changes = list(changes_of(rows_of(options.file)))
    for title, some in (
        (f"{options.target}, trained on", [one for one in changes if one.set.startswith(options.target)]),
        ("other sets", [one for one in changes if not one.set.startswith(options.target)]),
        ("all", changes),
    ):
        if some:
            summarise(title, some)
    if changes:
        leaving_out(changes)


def drives(name: str) -> Iterator[tuple[str, ImageDataset]]:
    """Yield the drives of a data set with their names."""
    dataset = open_dataset(name)
    kind = name.split(":")[0]
    for drive in dict.fromkeys(sample.drive for sample in dataset.samples):
        samples = [sample for sample in dataset.samples if sample.drive == drive]
        yield f"{kind} {drive or Path(name.split(':')[1]).name}", replace(dataset, samples=samples)


def rows_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def measured(segmenter: Segmenter, dataset: ImageDataset, count: int, scored: int) -> dict[str, Any]:
    """Measure with and without labels; images without labels are pairs of neighbours where the set is a video."""
    if dataset.is_video:
        firsts = np.linspace(0, len(dataset) - 2, count // 2).round().astype(int)
        judged = [int(index) for first in firsts for index in (first, first + 1)]
    else:
        judged = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int).tolist()
    images = [dataset.image(index) for index in judged]
    segmenter = segmenter.fitted(images[0].shape[1] / images[0].shape[0])
    pixels = np.stack([resized_image(image, segmenter.input_size) for image in images])
    measures = Measures.of(segmenter, pixels)
    row = {
        "miou": score(segmenter, dataset.evenly_spread(scored)).miou,
        "agreement": measures.agreement,
        "pixel_agreement": measures.pixel_agreement,
        "entropy": measures.entropy,
        "shares": measures.shares,
        "darker": agreement_with_darker(segmenter, pixels),
    }
    return row | ({"steadiness": steadiness(segmenter, pixels)} if dataset.is_video else {})


def agreement_with_darker(segmenter: Segmenter, images: NDArray[np.uint8]) -> float:
    """Mean IoU between the labels of images and those of the images at gamma 2, in percent."""
    classes = len(segmenter.label_space)
    counts = np.zeros((classes, classes), np.int64)
    for image in images:
        dark = (255 * (image / 255.0) ** 2).round().astype(np.uint8)
        labels, of_dark = (segmenter.scores(one[None]).argmax(1).astype(np.uint8) for one in (image, dark))
        counts += confusion_matrix(of_dark, labels, classes)
    return 100 * float(np.nanmean(intersection_over_union(counts)))


def steadiness(segmenter: Segmenter, pairs: NDArray[np.uint8]) -> float:
    """Temporal consistency of pairs of neighbours, in percent."""
    consistency = TemporalConsistency(len(segmenter.label_space))
    for index, image in enumerate(pairs):
        if index % 2 == 0:
            consistency.cut()
        consistency.add(image, segmenter.segment(image[None])[0])
    return consistency.miou


@dataclass(frozen=True)
class Change:
    """A trained run against its start, on one set."""

    run: str
    set: str
    before: dict[str, Any]
    after: dict[str, Any]

    def of(self, measure: str) -> float:
        """Return the change of a measure; NaN where it was not taken."""
        return float(self.after.get(measure, np.nan) - self.before.get(measure, np.nan))

    @property
    def verdict(self) -> LabelFreeVerdict:
        before, after = (
            Measures(row["agreement"], row["entropy"], tuple(row["shares"]), row["pixel_agreement"])
            for row in (self.before, self.after)
        )
        return LabelFreeVerdict(before, after, SPACE)


def changes_of(rows: Sequence[dict[str, Any]]) -> Iterator[Change]:
    by_name = {(row["run"], row["set"]): row for row in rows}
    for (run, name), row in by_name.items():
        start = (f"start-{run.rsplit('-', 1)[1]}", name)
        if run != start[0] and start in by_name:
            yield Change(run, name, by_name[start], row)


def leaving_out(changes: Sequence[Change]) -> None:
    """Choose measure and bound on the other sets, a wrong verdict costing as much as three right ones bring."""
    rules = [(measure, bound) for measure in ("agreement", "pixel_agreement", "darker") for bound in BOUNDS]
    gain, sets = np.array([one.of("miou") for one in changes]), np.array([one.set for one in changes])
    better, worse = np.zeros(len(gain), bool), np.zeros(len(gain), bool)
    for name in np.unique(sets):
        worth = {}
        for measure, bound in rules:
            change = np.array([one.of(measure) for one in changes])
            right = ((change >= bound) & (gain > 0)) | ((change <= -bound) & (gain < 0))
            wrong = ((change >= bound) & (gain <= 0)) | ((change <= -bound) & (gain >= 0))
            worth[measure, bound] = (right & (sets != name)).sum() - 3 * (wrong & (sets != name)).sum()
        measure, bound = max(worth, key=lambda rule: worth[rule])
        print(f"chosen without {name}: {measure} from {bound:g} on")
        change = np.array([one.of(measure) for one in changes])
        better |= (sets == name) & (change >= bound)
        worse |= (sets == name) & (change <= -bound)
    print(f"chosen leaving out the set: {told(gain, better, worse)}")


def summarise(title: str, changes: Sequence[Change]) -> None:
    gain = np.array([one.of("miou") for one in changes])
    print(f"\n{title}: {len(gain)} changes, mIoU rose in {(gain > 0).sum()}, {gain.min():+.1f} to {gain.max():+.1f}")
    values = {measure: np.array([one.of(measure) for one in changes]) for measure in MEASURES}
    values["low entropy"] = np.array([-one.of("entropy") for one in changes])
    values["low drift"] = np.array([-one.verdict.drift for one in changes])
    for measure, change in values.items():
        there = np.isfinite(change)
        if there.sum() > 2:
            correlation = rank_correlation(change[there], gain[there])
            print(f"rank correlation with mIoU, {measure}: {correlation:.2f} ({there.sum()} changes)")
    for measure in ("agreement", "pixel_agreement"):
        for bound in BOUNDS:
            better, worse = values[measure] >= bound, values[measure] <= -bound
            print(f"{measure} from {bound:g} points on: {told(gain, better, worse)}")
    outcomes = np.array([one.verdict.outcome for one in changes])
    print(f"the verdict: {told(gain, outcomes == 'better', outcomes == 'worse')}")


def told(gain: NDArray[np.float64], better: NDArray[np.bool_], worse: NDArray[np.bool_]) -> str:
    """Say how often verdicts are right, and how far mIoU moved the other way where they are wrong."""
    false_better, false_worse = gain[better & (gain <= 0)], gain[worse & (gain >= 0)]
    return (
        f"better {better.sum()}, wrong {len(false_better)} (lost up to {-min(false_better, default=0):.1f}); "
        f"worse {worse.sum()}, wrong {len(false_worse)} (gained up to {max(false_worse, default=0):.1f})"
    )


if __name__ == "__main__":
    main()
