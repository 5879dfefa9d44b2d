"""Memory and processor time of the supervised pass of networks: forward, loss of both heads, backward; one image.

    OMP_NUM_THREADS=1 python benchmarks/networks.py fast fast-lite2 hf:FOLDER [--size WxH]

Weights are random; of hf:FOLDER the configuration alone is read.
"""

import argparse
import time

import torch
import torch.nn.functional as F
from training.measures import counting_saved_bytes

from roadseg.models.build import build_model
from roadseg.models.network import SegmentationNetwork

CLASSES = 19


def make_pass(network: SegmentationNetwork, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the processor time, in seconds, of all threads."""
    began = time.process_time()
    losses = [
        F.cross_entropy(F.interpolate(level, labels.shape[1:], mode="bilinear"), labels)
        for level in network(images).logits
    ]
    torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
    network.zero_grad()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--size", type=lambda text: tuple(map(int, text.split("x"))), default=(480, 272))
    options = parser.parse_args()
    width, height = options.size
    images, labels = torch.randn(1, 3, height, width), torch.randint(0, CLASSES, (1, height, width))
    for model in options.models:
        network = build_model(model, CLASSES, pretrained=False).train()
        own = [*network.parameters(), *network.buffers()]
        with counting_saved_bytes(own) as saved:
            make_pass(network, images, labels)
        seconds = make_pass(network, images, labels)
        count = sum(value.numel() for value in network.parameters()) / 1e6
        kept = saved.peak / 1e6
        print(f"{model}: {count:.1f} million parameters, {kept:.0f} MB kept for backward, {1000 * seconds:.0f} core-ms")


if __name__ == "__main__":
    main()
