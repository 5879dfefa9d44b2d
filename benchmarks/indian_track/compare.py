"""Compare runs on a dashcam clip: scores on its labelled frames, steadiness in time, mixing of the domains, images.

    python benchmarks/indian_track/compare.py VIDEO LABELLED OUT RUN [RUN ...]

LABELLED is the output folder of make.py. OUT gets comparison.json, comparison.md and frames.png: some frames, labelled
by every run.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.source_images import source_images
from roadseg.evaluation.comparison.grid import OverlayColumns
from roadseg.evaluation.consistency import TemporalConsistency
from roadseg.evaluation.domain_mixing import domain_mixing
from roadseg.evaluation.evaluate import evaluate
from roadseg.evaluation.score_tables import ScoreTable, as_markdown
from roadseg.evaluation.trained import load_run
from roadseg.files import write_json, write_png, write_text
from roadseg.inference.engines import load_segmenter
from roadseg.models.domain_statistics import source_statistics
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import to_tensor
from roadseg.runtime import Runtime, start
from roadseg.video.reader import VideoReader
from roadseg.video.sample import sample_frames

STRETCHES, STRETCH = 12, 25
"""Number of evenly spread stretches of the video from which steadiness is computed, and frames in each."""
IMAGES = 96
"""Number of images of each domain whose mixing is measured."""
SCENES = "indian"
"""Streets that are like those of the clip."""
SHOWN = 6
BATCH_SIZE = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("labelled", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    arguments = parser.parse_args()
    labelled = dataset_kind("folder").open(arguments.labelled, "val")
    results = []
    for run in arguments.runs:
        trained, runtime = load_run(run), start()
        evaluation = evaluate(run, labelled)
        consistency = steadiness(run, arguments.video)
        mixing = domain_mixing(*embeddings(trained.network, arguments.video, trained.card.input_size, runtime))
        result = {
            "run": run.name,
            "miou": round(evaluation.miou, 1),
            "pixel_accuracy": round(evaluation.pixel_accuracy, 1),
            "consistency_miou": round(consistency.miou, 1),
            "changed_percent": round(consistency.changed, 2),
            "cross_domain_neighbours": round(mixing.neighbours, 3),
            "domain_classifier_accuracy": round(mixing.classifier_accuracy, 1),
            "iou": evaluation.as_dict()["iou"],
        }
        print(result, flush=True)
        results.append(result)
    write_json(arguments.out / "comparison.json", results)
    write_text(arguments.out / "comparison.md", as_markdown([table(results)]))
    segmenters = {run.name: load_segmenter(run) for run in arguments.runs}
    write_png(arguments.out / "frames.png", OverlayColumns.of(segmenters, labelled, SHOWN, width=320).sheet())


def steadiness(run: Path, video: Path) -> TemporalConsistency:
    """Return the steadiness of the labels of some stretches of the video."""
    segmenter = load_segmenter(run)
    with VideoReader(video) as reader:
        total = reader.info.frame_count or 0
    starts = np.linspace(0, total - STRETCH, STRETCHES).round().astype(int)
    wanted = {begin + offset: offset for begin in starts.tolist() for offset in range(STRETCH)}
    joint = TemporalConsistency(len(segmenter.label_space))
    with VideoReader(video) as reader:
        for frame in reader:
            if frame.index in wanted:
                if wanted[frame.index] == 0:
                    joint.cut()
                image = frame.to_rgb(segmenter.input_size)
                joint.add(frame.to_rgb(), segmenter.segment(np.stack([image]))[0])
    return joint


def embeddings(
    network: SegmentationNetwork, video: Path, size: tuple[int, int], runtime: Runtime
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean features of rendered streets and of frames, (N, F) each."""
    streets = source_images("streets", size, IMAGES, SCENES)
    with source_statistics(network):
        source = pooled_features(network, streets, runtime)
    return source, pooled_features(network, sample_frames(video, size, IMAGES), runtime)


@torch.inference_mode()
def pooled_features(network: SegmentationNetwork, images: NDArray[np.uint8], runtime: Runtime) -> NDArray[np.float32]:
    vectors = []
    for begin in range(0, len(images), BATCH_SIZE):
        batch = to_tensor(images[begin : begin + BATCH_SIZE], runtime.device)
        vectors.append(network(network.normalisation(batch)).features.mean((2, 3)).float().cpu().numpy())
    return np.concatenate(vectors)


def table(results: list[dict[str, Any]]) -> ScoreTable:
    columns = tuple(name for name in results[0] if name != "iou")
    rows = tuple(tuple(str(result[name]) for name in columns) for result in results)
    return ScoreTable("Runs on the Indian clip", columns, rows)


if __name__ == "__main__":
    main()
