"""Engines against torch in float32: the same labels, whatever runs the network."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.shallow import make_resnet_shallow

from roadseg.adaptation.batch_norm import BatchNormAdaptation
from roadseg.bench.engines import compare_engines
from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.source_images import source_images
from roadseg.errors import InputError
from roadseg.inference import engine_segmenter, engines, openvino_engine
from roadseg.inference.batch_size import best_batch_size
from roadseg.inference.engines import choose, load_segmenter
from roadseg.inference.network_segmenter import NetworkSegmenter
from roadseg.inference.openvino_runtime import openvino_has_bfloat16
from roadseg.inference.torch_engine import TorchEngine
from roadseg.models.build import build_model
from roadseg.models.predict import class_scores, labels_of, predict, to_numpy, to_tensor
from roadseg.models.tta import TTA, mean_probabilities
from roadseg.models.weights import MODEL_FILE, load_model, save_model
from roadseg.runtime import cpu_has_bfloat16, start

CPU = start("cpu")
DEFAULT = Path("default")
SIZE = (162, 118)
"""(width, height): not multiples of any stride."""
TORCH = [
    ("torch", "float32"),
    *(pytest.param("torch", precision, marks=pytest.mark.slow) for precision in ("mixed", "bfloat16")),
]
OPENVINO = [
    pytest.param("openvino", precision, marks=pytest.mark.extra("openvino"))
    for precision in ("float32", "mixed", "bfloat16")
]
LEAST_AGREEMENT = {"float32": 0.9995, "mixed": 0.985, "bfloat16": 0.975}
"""Shares of pixels; rendered streets have much fine detail at this size."""


@pytest.fixture(scope="module")
def pictures():
    return source_images("streets", SIZE, 3)


@pytest.fixture(scope="module")
def reference():
    return segmenter("torch", "float32")


@cache
def segmenter(engine, precision):
    if engine == "openvino" and precision != "float32" and not openvino_has_bfloat16():
        pytest.skip("this processor has no bfloat16")
    return load_segmenter(DEFAULT, device="cpu", engine=engine, precision=precision, input_size=SIZE)


def agreement(one, other):
    assert one.shape == other.shape
    return (one == other).mean()


def test_torch_in_float32_is_the_plain_prediction(reference, pictures):
    network, _ = load_model(DEFAULT)
    labels = reference.segment(pictures)
    assert (labels.shape, labels.dtype) == ((3, 59, 81), np.uint8)
    assert agreement(labels, predict(network, pictures, (81, 59), CPU)) > 0.9999


@pytest.mark.parametrize(("engine", "precision"), [*TORCH, *OPENVINO])
def test_labels_and_scores_are_those_of_float32(reference, pictures, engine, precision):
    other = segmenter(engine, precision)
    parts = [other.segment(pictures[:1]), other.segment(pictures[1:])]
    labels = check_scores(other, precision, reference, pictures, TTA())
    assert labels.dtype == np.uint8
    for found in (labels, np.concatenate(parts)):
        assert agreement(found, reference.segment(pictures)) > LEAST_AGREEMENT[precision]


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "precision"), [TORCH[0], OPENVINO[0]])
def test_views_are_averaged_alike(reference, pictures, engine, precision):
    tta = TTA(flip=True, scales=(0.75, 1.0))
    network, _ = load_model(DEFAULT)
    scores = partial(class_scores, network, runtime=CPU)
    expected = to_numpy(labels_of(mean_probabilities(scores, to_tensor(pictures, CPU.device), (81, 59), tta)))
    assert agreement(segmenter(engine, precision).segment(pictures, tta), expected) > 0.9995
    assert agreement(expected, reference.segment(pictures)) < 0.99


@pytest.mark.parametrize(("engine", "precision"), [TORCH[0], OPENVINO[0]])
def test_scores_of_several_views_are_logarithms_of_probabilities_too(reference, pictures, engine, precision):
    check_scores(segmenter(engine, precision), precision, reference, pictures, TTA(flip=True))


def check_scores(other, precision, reference, pictures, tta):
    """Scores are logarithms of probabilities, from which the labels follow; return the labels."""
    scores, labels = other.scores(pictures, tta), other.segment(pictures, tta)
    assert (scores.shape, scores.dtype) == ((3, 19, 15, 21), np.float32)
    assert scores.max() <= 0 and np.isfinite(scores).all()
    np.testing.assert_allclose(np.exp(scores).sum(1), 1, atol=1e-4)
    # Of several views, `segment` averages probabilities after up-sampling.
    least = 0.999 if len(tta) == 1 else 0.96
    assert agreement(other.labels_from_scores(scores), labels) > least
    away = np.abs(np.exp(scores) - np.exp(reference.scores(pictures, tta))).mean()
    assert away < {"float32": 1e-5, "mixed": 5e-3, "bfloat16": 5e-3}[precision]
    return labels


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "precision"), [TORCH[0], OPENVINO[0]])
def test_an_adapted_segmenter_runs_the_adapted_network(reference, pictures, engine, precision):
    dark, adaptation = (pictures * 0.5).astype(np.uint8), BatchNormAdaptation(prior=0)
    other = segmenter(engine, precision)
    before = other.segment(dark)
    adapted = other.adapted_to(dark, adaptation).segment(dark)
    assert agreement(adapted, reference.adapted_to(dark, adaptation).segment(dark)) > 0.999
    assert agreement(adapted, before) < 0.95
    assert np.array_equal(other.segment(dark), before)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet101", "vgg16"])
@pytest.mark.extra("openvino")
def test_other_networks_run_in_openvino(monkeypatch, name):
    make_resnet_shallow(monkeypatch)
    torch.manual_seed(0)
    network = build_model(name, 5, pretrained=False).eval()
    pixels = torch.randint(0, 256, (2, 3, 33, 65), dtype=torch.uint8)
    expected = TorchEngine(network, CPU, "float32").scores(pixels, (32, 16))
    given = openvino_engine.OpenVinoEngine(network, "float32").scores(pixels, (32, 16))
    torch.testing.assert_close(given, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


@pytest.mark.slow
@pytest.mark.extra("openvino")
def test_names_tell_engines_precisions_and_weights_apart(tmp_path):
    chosen = [("torch", "float32"), ("torch", "mixed"), ("torch", "bfloat16"), ("openvino", "float32")]
    assert len({segmenter(*one).name for one in chosen}) == len(chosen)
    default = load_segmenter(DEFAULT, device="cpu").name
    assert default == load_segmenter(DEFAULT, device="cpu").name
    network, card = load_model(DEFAULT)
    next(network.parameters()).data[0] += 0.01
    save_model(tmp_path / "model.safetensors", network, card)
    assert default != load_segmenter(tmp_path, device="cpu").name


class Cramped(TorchEngine):
    """Has memory for two images at once; records how many it gets."""

    def __init__(self, network, room=2):
        super().__init__(network, CPU, "float32")
        self.room, self.shown = room, []

    def scores(self, images, size):
        self.shown.append(len(images))
        if len(images) > self.room:
            raise torch.OutOfMemoryError("tried to allocate a lot")
        return super().scores(images, size)


@pytest.mark.extra("openvino")
def test_in_openvino_an_image_has_its_labels_whatever_else_is_labelled(pictures):
    other = segmenter("openvino", None)
    alone = [other.segment(picture[None])[0] for picture in pictures]
    assert np.array_equal(other.segment(pictures), alone)
    with ThreadPoolExecutor(4) as threads:
        for labels in threads.map(other.segment, [pictures, pictures[::-1]] * 4):
            assert np.array_equal(labels, alone) or np.array_equal(labels, alone[::-1])


@pytest.mark.gpu
def test_on_a_gpu_labels_are_those_of_the_cpu_from_several_threads_too(reference, pictures):
    other = load_segmenter(DEFAULT, device="cuda", input_size=SIZE)
    expected = reference.segment(pictures)
    assert other.concurrency > 1 and 1 <= other.batch_size <= 32
    with ThreadPoolExecutor(other.concurrency) as threads:
        for labels in threads.map(other.segment, [pictures] * 8):
            assert agreement(labels, expected) > LEAST_AGREEMENT["mixed"]


@pytest.mark.parametrize(
    ("seconds", "room", "expected"),
    [
        ({1: 1, 2: 1.1, 4: 1.4, 8: 2.6, 16: 5.2, 32: 10.4}, 32, 8),  # 3.08 images a second
        ({1: 1, 2: 1.1, 4: 1.4, 8: 2.77, 16: 5.6, 32: 11.2}, 32, 4),  # 2.86 are nearly as many
        ({1: 1, 2: 2, 4: 4, 8: 8, 16: 16, 32: 32}, 32, 1),
        ({1: 1, 2: 1.1, 4: 1.4, 8: 3}, 4, 4),  # eight had to be done in two halves
    ],
)
def test_the_best_batch_size_is_the_smallest_of_nearly_the_highest_rate(seconds, room, expected):
    now = 0.0

    def label(count):
        nonlocal now
        now += seconds[count]
        return min(count, room)

    assert best_batch_size(label, clock=lambda: now) == expected


def test_where_an_engine_cannot_tell_its_batch_size_it_is_tried_out(monkeypatch):
    monkeypatch.setattr(engine_segmenter, "best_batch_size", lambda label: label(4))
    network, card = load_model(DEFAULT)
    engine = Cramped(network)
    engine.batch_size = None
    cramped = NetworkSegmenter(network, card.model_copy(update={"input_size": SIZE}), engine, "cramped")
    assert (cramped.batch_size, engine.shown) == (2, [4, 2, 2])
    assert (cramped.batch_size, engine.shown) == (2, [4, 2, 2])
    for _ in range(2):  # as for two videos of one shape
        assert cramped.fitted(16 / 9).batch_size == 2
    assert engine.shown == [4, 2, 2, 2, 2], "each input size is tried out once"


def test_batches_that_the_memory_cannot_hold_are_halved(reference, pictures):
    network, card = load_model(DEFAULT)
    engine = Cramped(network)
    many = np.concatenate([pictures, pictures[:2]])
    cramped = NetworkSegmenter(network, card.model_copy(update={"input_size": SIZE}), engine, "cramped")
    assert np.array_equal(cramped.segment(many), reference.segment(many))
    assert engine.shown == [5, 2, 2, 1]
    cramped.segment(many, TTA(flip=True))
    assert engine.shown[4:] == [2, 2, 2, 2, 1, 1]  # what did not fit is not tried again


def test_memory_too_small_for_one_image_is_told_with_what_to_do(pictures):
    network, card = load_model(DEFAULT)
    cramped = NetworkSegmenter(network, card, Cramped(network, room=0), "cramped")
    with pytest.raises(InputError, match=r"not enough memory on cpu for an image of 162x118 at scale 1\.5") as caught:
        cramped.segment(pictures, TTA(scales=(1, 1.5)))
    assert "--scales" in caught.value.remedy


def test_engines_are_chosen_by_what_is_there(monkeypatch):
    monkeypatch.setattr(engines, "openvino", lambda: None)
    assert choose("cpu", "auto")[1] == "torch"
    monkeypatch.setattr(engines, "openvino", lambda: sys)
    assert choose("cpu", "auto")[1] == "openvino"
    assert choose("cpu", "torch")[1] == "torch"
    assert choose("auto", "openvino")[0].device.type == "cpu"
    with pytest.raises(InputError, match="'openvino' does not run on 'cuda'"):
        choose("cuda", "openvino")


def test_an_engine_that_is_not_installed_is_told_with_what_to_type(monkeypatch):
    monkeypatch.setattr(openvino_engine, "openvino", lambda: None)
    with pytest.raises(InputError, match="'openvino' is not installed") as caught:
        load_segmenter(DEFAULT, engine="openvino")
    assert "pip install 'roadseg[openvino]'" in caught.value.remedy


def test_processors_without_bfloat16_take_float32(monkeypatch):
    monkeypatch.setattr(openvino_engine, "openvino", lambda: sys)
    monkeypatch.setattr(openvino_engine, "openvino_has_bfloat16", lambda: False)
    network, _ = load_model(DEFAULT)
    assert openvino_engine.OpenVinoEngine(network).name == "openvino float32"
    with pytest.raises(InputError, match="no mixed on this processor"):
        openvino_engine.OpenVinoEngine(network, "mixed")


@pytest.fixture(scope="module")
def in_its_own_process(tmp_path_factory):
    """The home folder and the lines of a process that uses OpenVINO, lets a thread drop it, and sends itself Ctrl-C."""
    code = (
        "import os, signal, sys, threading, torch; from roadseg.inference import openvino_runtime as door;"
        "signal.signal(signal.SIGINT, lambda *_: print('arrived'));"
        "kept = [door.compiled(door.converted(torch.nn.ReLU(), torch.zeros(1)), (1,), 'f32')];"
        "assert sys.modules['openvino_telemetry'] is None;"
        "thread = threading.Thread(target=kept.clear); thread.start(); thread.join();"
        "os.kill(os.getpid(), signal.SIGINT); print(*sys.modules)"
    )
    home = tmp_path_factory.mktemp("home")
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return home, done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.extra("openvino")
def test_signals_arrive_after_another_thread_let_the_last_network_go(in_its_own_process):
    _, (said, _) = in_its_own_process
    assert said == "arrived"


@pytest.mark.slow
@pytest.mark.extra("openvino")
def test_openvino_reports_to_nobody(in_its_own_process):
    """By itself OpenVINO would leave a client's id in the home folder and send events."""
    home, (_, modules) = in_its_own_process
    assert "openvino" in modules.split() and "openvino_telemetry.main" not in modules.split()
    assert list(home.iterdir()) == []


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.extra("openvino")
def test_what_is_chosen_by_itself_loses_next_to_nothing_on_real_images(real_data):
    a_few = dataset_kind("camvid").open(real_data / "camvid", "val").every(20)
    comparison = compare_engines(DEFAULT, a_few, device="cpu", batch_size=1, rounds=1)
    float32 = comparison.engines[0]
    chosen = [each for each in comparison.engines if each.chosen]
    by_itself = {each.name: each for each in comparison.engines if each.name in ("torch mixed", chosen[0].name)}
    assert len(chosen) == 1 and len(by_itself) == 1 + cpu_has_bfloat16()
    assert (float32.name, float32.agreement) == ("torch float32", 100)
    for each in by_itself.values():
        assert each.miou > float32.miou - 0.3
        assert each.agreement > 99


def test_packaged_weights_are_called_by_their_names(tmp_path):
    network, card = load_model("default")
    assert load_segmenter("default", device="cpu", engine="torch").name.startswith("default ")
    save_model(tmp_path / MODEL_FILE, network, card)
    assert load_segmenter(tmp_path, device="cpu", engine="torch").name.startswith(f"{card.model} {card.method} ")
