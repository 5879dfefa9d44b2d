"""Engines checked before their first use: what is wrong, dies or hangs is replaced, or an error where it was named."""

import pytest
import torch

from roadseg.errors import EngineError
from roadseg.inference import engines, self_check
from roadseg.inference.engines import load_segmenter
from roadseg.inference.openvino_engine import OpenVinoEngine, openvino_precisions
from roadseg.inference.self_check import check_engine
from roadseg.inference.torch_engine import TorchEngine
from roadseg.models.build import build_model
from roadseg.models.weights import load_model
from roadseg.runtime import start

CPU = start("cpu")


@pytest.fixture(autouse=True)
def forgetful(monkeypatch, tmp_path):
    """Nothing is remembered yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def network():
    return load_model("default")[0]


class Wrong(TorchEngine):
    """Computes in float32 and gives another class's score to every class; counts its calls."""

    def __init__(self, network, precision):
        super().__init__(network, CPU, "float32")
        self.name, self.calls = f"faulty {precision or 'mixed'}", 0

    def scores(self, images, size):
        self.calls += 1
        return super().scores(images, size).roll(1, 1)


@pytest.fixture
def faulty(monkeypatch):
    """In place of OpenVINO, an engine that computes wrongly."""

    def make(name, network, runtime, precision=None):
        return Wrong(network, precision) if name == "openvino" else TorchEngine(network, runtime, precision)

    monkeypatch.setattr(engines, "make_engine", make)
    monkeypatch.setattr(engines, "choose", lambda device, engine: (CPU, "openvino"))


@pytest.mark.slow
def test_an_engine_that_computes_wrongly_is_replaced_with_one_notice(faulty):
    segmenter = load_segmenter(device="cpu")
    assert segmenter.engine == "torch float32, half size"
    (notice,) = segmenter.notices
    assert "engine 'faulty mixed' on cpu computes wrongly: " in notice
    assert "engine 'faulty float32' on cpu computes wrongly: " in notice
    assert "'torch float32' on cpu is used instead" in notice and "roadseg doctor" in notice


@pytest.mark.slow
def test_an_engine_that_was_named_is_not_replaced(faulty):
    with pytest.raises(EngineError, match="'faulty float32' on cpu computes wrongly") as caught:
        load_segmenter(device="cpu", engine="openvino")
    assert "--engine" in caught.value.remedy


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("import os; os.abort()", "SIGABRT"),
        ("import time; time.sleep(60)", "gave no answer within 0.2 s"),
        (f"import sys; print('TypeError: None', file=sys.stderr); sys.exit({self_check.REFUSED})", "TypeError: None"),
    ],
)
@pytest.mark.extra("openvino")
def test_openvino_that_dies_hangs_or_refuses_is_replaced_and_not_tried_again(monkeypatch, program, problem):
    monkeypatch.setattr(self_check, "CHILD", program)
    monkeypatch.setattr(self_check, "PATIENCE", 0.2 if "sleep" in program else 60)
    segmenter = load_segmenter(device="cpu")
    assert segmenter.engine == "torch float32, half size"
    assert len(segmenter.notices) == 1 and problem in segmenter.notices[0]
    monkeypatch.setattr(self_check, "subprocess", None)
    assert load_segmenter(device="cpu").notices == segmenter.notices


@pytest.mark.slow
@pytest.mark.extra("openvino")
def test_openvino_agrees_with_torch(network):
    for precision in openvino_precisions():
        outcome = check_engine(OpenVinoEngine(network, precision), network, "weights")
        assert outcome.problem == ""
        assert outcome.labels > (0.999 if precision == "float32" else 0.95)


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "least"), [("mixed", 0.99), ("bfloat16", 0.97), ("float16", 0.99)])
def test_torch_in_reduced_precision_agrees_with_float32(network, precision, least):
    outcome = check_engine(TorchEngine(network, CPU, precision), network, "weights")
    assert outcome.problem == "" and outcome.labels > least and outcome.difference < 0.3


def test_weights_with_which_float16_overflows_are_found_out():
    torch.manual_seed(0)
    network = build_model("fast", 19, levels=1, pretrained=False).eval()
    assert check_engine(TorchEngine(network, CPU, "float16"), network, "weights").problem.startswith("computes wrongly")


def test_an_outcome_is_remembered_until_the_version_changes(network, monkeypatch):
    engine = Wrong(network, "mixed")
    first = check_engine(engine, network, "weights")
    assert check_engine(engine, network, "weights") == first and engine.calls == 1
    assert check_engine(engine, network, "others").problem and engine.calls == 2
    monkeypatch.setattr(self_check.torch, "__version__", "99.0")
    check_engine(engine, network, "weights")
    assert engine.calls == 3
    check_engine(engine, network, "weights", again=True)
    assert engine.calls == 4


def test_where_nothing_can_be_written_every_start_checks(network, monkeypatch, tmp_path):
    (tmp_path / "roadseg").write_text("a file where the folder should be")
    engine = Wrong(network, "mixed")
    for calls in (1, 2):
        assert check_engine(engine, network, "weights").problem and engine.calls == calls
