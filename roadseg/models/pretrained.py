"""Pretrained weights outside packages: a file, or a download that is checked and stored."""

import hashlib
import re
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import torch
from torch import nn

from roadseg.errors import FetchError, WeightsError
from roadseg.files import locked, sha256, writing
from roadseg.models.names import IMAGENET
from roadseg.models.network import Normalisation, SegmentationNetwork
from roadseg.models.weights import LoadReport, load_weights

TORCHVISION = Normalisation(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
TORCHVISION_DIGESTS = frozenset({"397923af", "63fe2227", "5d3b4d8f", "cd907fc2"})
"""First digits of the SHA-256 of VGG-16 and ResNet-101 files that were trained with `TORCHVISION` normalisation."""

TIMEOUT_SECONDS = 30
CHUNK_BYTES = 1 << 20
Progress = Callable[[int, int], None]
"""Called with (bytes received, total bytes or 0 if unknown)."""


def load_pretrained(
    network: SegmentationNetwork,
    source: str,
    cache: Path,
    *,
    on_progress: Progress = lambda done, total: None,
) -> LoadReport:
    """Fill the trunk of a network, and its heads where they fit.

    Files of torchvision are recognised by their content and adapted to the network's normalisation. Its ResNet-101 has
    the stride of a block on the second convolution instead of the first; training compensates for that.

    Args:
        network: filled in place.
        source: "imagenet", the path of a PyTorch file, or a URL as `download` takes it.
        cache: folder for downloads.
        on_progress: called with (bytes received, total bytes or 0) during a download.

    Returns:
        Names of the tensors that were loaded, kept and left out.

    Raises:
        WeightsError: the file does not fit, or has another checksum than requested.
        FetchError: the download failed.
    """
    place = network.IMAGENET_URL if source == IMAGENET else source
    if not place:
        raise WeightsError(
            f"{type(network).__name__.lower()} has no ImageNet weights to download: an installed package contains them"
        )
    path = download(place, cache, on_progress=on_progress) if "://" in place else Path(place)
    report = load_weights(network, path, heads_optional=True)
    if _checksum(path)[:8] in TORCHVISION_DIGESTS:
        absorb_normalisation(network, TORCHVISION)
    return report


@torch.no_grad()
def absorb_normalisation(network: SegmentationNetwork, trained_with: Normalisation) -> None:
    """Change the first layer so that weights trained with another normalisation fit the network's own.

    Exact except at the border, where zero padding then stands for another colour.

    Args:
        network: changed in place.
        trained_with: normalisation that the weights were trained with.
    """
    own = network.normalisation
    layers = list(network.trunk().modules())
    convolution = next(layer for layer in layers if isinstance(layer, nn.Conv2d))
    flipped = own.channels != trained_with.channels
    weight = convolution.weight.flip(1) if flipped else convolution.weight
    mean, std = (torch.tensor(x[::-1] if flipped else x).view(3, 1, 1) for x in (trained_with.mean, trained_with.std))
    own_mean, own_std = (torch.tensor(x).view(3, 1, 1) for x in (own.mean, own.std))
    # (value - mean) / std == scale * (value - own_mean) / own_std + offset
    scale, offset = own_std / std, (own_mean - mean) / std
    shift = (weight * offset).sum((1, 2, 3))
    convolution.weight.copy_(weight * scale)
    if convolution.bias is not None:
        convolution.bias += shift
    else:
        norm = next(layer for layer in layers if isinstance(layer, nn.BatchNorm2d))
        assert norm.running_mean is not None
        norm.running_mean -= shift


def download(url: str, folder: Path, *, on_progress: Progress = lambda done, total: None) -> Path:
    """Download a file into `folder`, unless it is already there. It appears only complete and with the right checksum.

    Args:
        url: http or https, with the first digits of the file's SHA-256 in its name, NAME-0123abcd.pth, or as a
            fragment, URL#sha256=0123abcd. Redirects from https lead to https alone, those from http to both.
        folder: created if it is missing.
        on_progress: called with (bytes received, total bytes or 0).

    Returns:
        Path of the file.

    Raises:
        WeightsError: the URL has no checksum, or the file has another.
        FetchError: the download failed.
        OutputError: the folder cannot be written to, or another process is writing there.
    """
    parts = urlsplit(url)
    path = folder / Path(parts.path).name
    found = re.search(r"^sha256=([0-9a-f]{8,64})$", parts.fragment) or re.search(r"-([0-9a-f]{8,64})$", path.stem)
    if found is None or parts.scheme not in ("http", "https"):
        raise WeightsError(
            f"{url}: not an http address with a checksum", "Append #sha256= and the beginning of the file's SHA-256."
        )
    if path.is_file() and _checksum(path).startswith(found[1]):
        return path
    with locked(folder), writing(path) as part:
        digest = hashlib.sha256()
        with part.open("wb") as file:
            for chunk in _body(url, on_progress):
                digest.update(chunk)
                file.write(chunk)
        if not digest.hexdigest().startswith(found[1]):
            raise WeightsError(
                f"{url}: its SHA-256 is {digest.hexdigest()[:16]}..., not {found[1]}", "Try again later."
            )
    return path


def _checksum(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits.

    Raises:
        WeightsError: it cannot be read.
    """
    try:
        return sha256(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error


class WebRedirects(HTTPRedirectHandler):
    """Redirects that stay on the web, and on encrypted connections where they begin on one."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        """Return the request to follow, as urllib asks for it."""
        scheme = urlsplit(newurl).scheme
        if scheme not in (("https",) if req.type == "https" else ("http", "https")):
            raise HTTPException(f"it redirects from {req.type} to {scheme}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _body(url: str, on_progress: Progress) -> Iterator[bytes]:
    done = 0
    try:
        with build_opener(WebRedirects).open(url, timeout=TIMEOUT_SECONDS) as response:
            total = int(response.headers.get("Content-Length", 0))
            while chunk := response.read(CHUNK_BYTES):
                done += len(chunk)
                on_progress(done, total)
                yield chunk
            if done < total:
                raise HTTPException(f"it ended after {done} of {total} bytes")
    except (OSError, HTTPException, ValueError) as error:
        raise FetchError(
            f"{url}: cannot be downloaded ({error})", "Download the file yourself and give its path."
        ) from error
