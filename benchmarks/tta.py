"""Cost of the test-time options: an image of 640x480 labelled by the default weights, on one core.

    python benchmarks/tta.py

Times are processor seconds of one thread, in float32 as `roadseg evaluate` takes on a CPU; each choice in turn, the
fastest of several rounds, so that other work on the machine matters little.
"""

import time
from functools import partial
from pathlib import Path

import torch

from roadseg.adaptation.batch_norm import IMAGES, adapted_to, source_moments
from roadseg.datasets.source_images import source_images
from roadseg.models.predict import class_scores, labels_of, to_tensor
from roadseg.models.tta import NO_TTA, TTA, mean_probabilities
from roadseg.models.weights import load_model
from roadseg.runtime import start

ROUNDS = 5
SCALES = (0.75, 1.0, 1.3)
CHOICES = {
    "plain": NO_TTA,
    "--flip": TTA(flip=True),
    "--scales 0.75,1,1.3": TTA(scales=SCALES),
    "--flip --scales 0.75,1,1.3": TTA(flip=True, scales=SCALES),
}


def main() -> None:
    torch.set_num_threads(1)
    network, card = load_model(Path("default"))
    runtime = start("cpu")
    network = runtime.place(network)

    started = time.thread_time()
    images = source_images(card.source, card.input_size, IMAGES)
    rendered = time.thread_time()
    source = source_moments(network, images, runtime)
    measured = time.thread_time()
    adapted = adapted_to(network, source, images, runtime, IMAGES)
    done = time.thread_time()

    networks = dict.fromkeys(CHOICES, network) | {"--adapt-bn": adapted}
    best = dict.fromkeys(networks, float("inf"))
    for _ in range(ROUNDS):
        for name, some in networks.items():
            before = time.thread_time()
            scores = partial(class_scores, some, runtime=runtime)
            view = to_tensor(images[:1], runtime.device)
            labels_of(mean_probabilities(scores, view, (480, 360), CHOICES.get(name, NO_TTA)))
            best[name] = min(best[name], time.thread_time() - before)
    for name, seconds in best.items():
        print(f"{name:28} {1000 * seconds:7.1f} ms an image {seconds / best['plain']:6.2f} of plain")
    print(f"--adapt-bn, once: {rendered - started:.1f} s to render {IMAGES} streets,", end=" ")
    print(f"{measured - rendered:.1f} s to measure them; {done - measured:.1f} s for a video of as many frames")


if __name__ == "__main__":
    main()
