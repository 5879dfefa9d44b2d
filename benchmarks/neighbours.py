"""Time and memory of the search for the neighbours of many images: `python benchmarks/neighbours.py [IMAGES ...]`.

Random vectors as long as those of `fast`, so many of each domain (10,000 by default); both directions at once.
"""

import resource
import sys
import time

import numpy as np
import torch

from roadseg.retrieval.neighbours import DESCRIPTORS, comparable
from roadseg.retrieval.search import centred, nearest_both_ways
from roadseg.retrieval.store import Embeddings
from roadseg.runtime import start

FEATURES, LAYOUT = 96 * 12, 19 * 48
NEIGHBOURS = 5


def domain(count: int, seed: int) -> Embeddings:
    vectors = np.random.default_rng(seed).random((count, FEATURES + LAYOUT), np.float32)
    return Embeddings(vectors[:, :FEATURES], vectors[:, FEATURES:], reused=0)


def main() -> None:
    device = start().device
    print(f"{device}, {torch.get_num_threads()} threads")
    for count in map(int, sys.argv[1:] or ["10000"]):
        source, target = domain(count, 0), domain(count, 1)
        for descriptor in DESCRIPTORS:
            begun = time.perf_counter()
            nearest_both_ways(
                *(centred(comparable(embeddings, descriptor)) for embeddings in (source, target)), NEIGHBOURS, device
            )
            seconds = time.perf_counter() - begun
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            print(f"{count} of each domain, {descriptor}: {seconds:.1f} s; peak resident memory {peak:.2f} GB")


if __name__ == "__main__":
    main()
