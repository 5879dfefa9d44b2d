import hashlib
from functools import partial
from http.client import HTTPException
from urllib.request import Request

import numpy as np
import pytest
import torch
from helpers.servers import content, redirect, serving, status
from torch import nn

from roadseg.errors import FetchError, WeightsError
from roadseg.files import sha256
from roadseg.models import pretrained
from roadseg.models.build import build_model
from roadseg.models.network import Normalisation, Prediction, SegmentationNetwork
from roadseg.models.pretrained import TORCHVISION, absorb_normalisation, download, load_pretrained
from roadseg.models.weights import load_weights

BODY = b"not really weights" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()
NAME = f"/models/net-{DIGEST[:8]}.pth"


class Small(SegmentationNetwork):
    normalisation = Normalisation((104.0, 116.7, 122.7), (1.0, 2.0, 1.0), channels="bgr")
    feature_channels = 4

    def __init__(self, num_classes=2, *, bias=False):
        super().__init__(num_classes)
        layers = [nn.Conv2d(3, 4, 3, padding=1, bias=bias)] + ([] if bias else [nn.BatchNorm2d(4)])
        self.layers = nn.Sequential(*layers)
        self.head = nn.Conv2d(4, num_classes, 1)

    def trunk(self):
        return self.layers

    def forward(self, images):
        features = self.layers(images)
        return Prediction((self.head(features),), features)


@pytest.fixture
def site():
    with serving() as site:
        site.routes[NAME] = content(BODY, "application/octet-stream")
        yield site


def test_a_download_is_checked_and_kept(site, tmp_path):
    told = []
    path = download(site.url(NAME), tmp_path / "weights", on_progress=lambda *state: told.append(state))
    assert path.read_bytes() == BODY
    assert told[-1] == (len(BODY), len(BODY))
    assert download(site.url(NAME), tmp_path / "weights") == path
    assert len(site.requests(NAME)) == 1
    path.write_bytes(b"damaged since")
    assert download(site.url(NAME), tmp_path / "weights").read_bytes() == BODY


def test_a_checksum_may_stand_behind_the_address(site, tmp_path):
    site.routes["/plain.pth"] = content(BODY)
    assert download(site.url(f"/plain.pth#sha256={DIGEST}"), tmp_path).name == "plain.pth"
    for address in (site.url("/plain.pth"), f"file:///net-{DIGEST[:8]}.pth", f"ftp://nowhere/net-{DIGEST[:8]}.pth"):
        with pytest.raises(WeightsError, match="not an http address with a checksum"):
            download(address, tmp_path)


@pytest.mark.parametrize(
    ("route", "error", "message"),
    [
        (content(b"something else"), WeightsError, "its SHA-256 is"),
        (content(BODY, cut_at=5000), FetchError, "cannot be downloaded"),
        (status(404), FetchError, "404"),
    ],
)
def test_a_failed_download_leaves_nothing(site, tmp_path, route, error, message):
    site.routes[NAME] = route
    with pytest.raises(error, match=message):
        download(site.url(NAME), tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize("scheme", ["ftp", "file"])
def test_redirects_stay_on_the_web(site, tmp_path, scheme):
    site.routes[NAME] = redirect(f"{scheme}://127.0.0.1:9{NAME}")
    with pytest.raises(FetchError, match="Download the file yourself"):
        download(site.url(NAME), tmp_path / "weights")
    site.routes["/moved.pth"] = redirect(f"{NAME}#sha256={DIGEST}")
    site.routes[NAME] = content(BODY)
    assert download(site.url(f"/moved.pth#sha256={DIGEST}"), tmp_path).read_bytes() == BODY


def test_redirects_from_https_stay_encrypted():
    asked = Request("https://example.org/a.pth")
    follow = partial(pretrained.WebRedirects().redirect_request, asked, None, 302, "Found", {})
    with pytest.raises(HTTPException, match="from https to http"):
        follow("http://example.org/a.pth")
    assert follow("https://elsewhere.org/a.pth").full_url == "https://elsewhere.org/a.pth"


def test_an_unreachable_server_is_a_fetch_error(tmp_path):
    with serving() as gone:
        address = gone.url(NAME)
    with pytest.raises(FetchError, match="Download the file yourself"):
        download(address, tmp_path)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_the_first_layer_absorbs_a_change_of_normalisation(bias, channels):
    torch.manual_seed(0)
    trained_with = Normalisation(TORCHVISION.mean, TORCHVISION.std, channels)
    network = Small(bias=bias).eval()
    images = torch.randint(0, 256, (2, 3, 12, 16), dtype=torch.uint8)
    with torch.inference_mode():
        before = network(trained_with(images)).features
        absorb_normalisation(network, trained_with)
        after = network(network.normalisation(images)).features
    inside = np.s_[:, :, 1:-1, 1:-1]
    assert torch.allclose(before[inside], after[inside], atol=1e-4)


def torchvision_vgg16(network):
    """The trunk of `network` as torchvision would save it, with its classifier."""
    numbers = {"23": "24", "25": "26", "27": "28"}
    state = {}
    for name, value in network.features.state_dict().items():
        number, kind = name.split(".")
        state[f"features.{numbers.get(number, number)}.{kind}"] = value
    return state | {"classifier.0.weight": torch.zeros(8, 8), "classifier.6.weight": torch.zeros(10, 8)}


@pytest.mark.slow
def test_vgg16_starts_from_a_file_of_torchvision(site, tmp_path, monkeypatch):
    trained = build_model("vgg16", 19, pretrained=False).eval()
    path = tmp_path / "vgg.pth"
    torch.save(torchvision_vgg16(trained), path)
    digest = sha256(path)
    monkeypatch.setattr(pretrained, "TORCHVISION_DIGESTS", {digest[:8]})
    address = f"/vgg16-{digest[:8]}.pth"
    site.routes[address] = content(path.read_bytes())
    network = build_model("vgg16", 5, pretrained=False).eval()
    monkeypatch.setattr(type(network), "IMAGENET_URL", site.url(address))
    report = load_pretrained(network, "imagenet", tmp_path / "cache")
    assert len(report.loaded) == 26
    assert set(report.left_out) == {"classifier.0.weight", "classifier.6.weight"}
    assert "new: classifier.branches.0.weight" in str(report)
    images = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        theirs = trained.features[:1](TORCHVISION(images))
        ours = network.features[:1](network.normalisation(images))
    assert torch.allclose(theirs[..., 1:-1, 1:-1], ours[..., 1:-1, 1:-1], atol=1e-4)


def test_vgg16_keeps_only_the_heads_that_another_task_does_not_fill():
    other, network = build_model("vgg16", 21, pretrained=False), build_model("vgg16", 19, levels=1, pretrained=False)
    report = load_weights(network, other.state_dict(), heads_optional=True)
    assert {name.split(".")[0] for name in report.kept} == {"classifier"}
    assert {name.split(".")[0] for name in report.left_out} == {"classifier", "auxiliary"}
    assert torch.equal(network.fc6.weight, other.fc6.weight)


def test_what_cannot_be_started_from_is_refused(tmp_path):
    network = Small()
    with pytest.raises(WeightsError, match="no ImageNet weights to download"):
        load_pretrained(network, "imagenet", tmp_path)
    with pytest.raises(WeightsError, match="no such file"):
        load_pretrained(network, str(tmp_path / "none.pth"), tmp_path)
    (tmp_path / "page.pth").write_text("<html>not found</html>")
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        load_pretrained(network, str(tmp_path / "page.pth"), tmp_path)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="not a file of tensors by name"):
        load_pretrained(network, str(tmp_path / "list.pth"), tmp_path)
