"""Networks of other programs as run folders: every form of input and output, and what is refused."""

import json
import shutil

import numpy as np
import pytest
from helpers.foreign_networks import CLASSES, IMAGENET, UNIT, images, nearest, nearest_colour, quicken_trials

from roadseg.errors import EngineError, InputError, OutputError, WeightsError
from roadseg.inference.engines import load_segmenter
from roadseg.inference.imported import load
from roadseg.inference.imported.card import CARD_FILE, NETWORK_FILE
from roadseg.inference.imported.classes import with_colours
from roadseg.inference.self_check import Outcome
from roadseg.jobs import import_network as job
from roadseg.jobs.import_network import import_network
from roadseg.labels.space import LabelSpace
from roadseg.models.weights import load_model

pytestmark = pytest.mark.extra("onnx", "onnxruntime")
SPACE = LabelSpace("four", CLASSES, ((128, 64, 128), (70, 70, 70), (107, 142, 35), (70, 130, 180)))
SIZE = (64, 48)


@pytest.fixture(autouse=True)
def quick_streets(monkeypatch):
    """Streets that are quickly drawn."""
    quicken_trials(monkeypatch)


def imported(tmp_path, *, labels=SPACE, normalization="imagenet", input_size=SIZE, output=None, **form):
    """Import a network of a form; return it and a segmenter for it by ONNX Runtime."""
    file = nearest_colour(tmp_path / "foreign.onnx", **form)
    found = import_network(
        file, tmp_path / "run", labels=labels, normalization=normalization, input_size=input_size, output=output
    )
    return found, load_segmenter(tmp_path / "run", device="cpu", engine="onnxruntime")


FORMS = {
    "1x1, stride 4, float, NCHW": {},
    "NHWC, uint8": {"layout": "NHWC", "dtype": "UINT8", "size": SIZE},
    "labels, one size, one image": {"answer": "labels", "size": SIZE, "batch": 1, "stride": 2},
    "flat labels of two images": {"answer": "flat labels", "batch": 2},
    "probabilities": {"answer": "probabilities"},
    "float16": {"dtype": "FLOAT16"},
    "an old opset": {"opset": 11, "answer": "labels"},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_labels_are_those_of_the_network(form, tmp_path):
    normalization = None if form.get("dtype") == "UINT8" else "imagenet"
    found, segmenter = imported(tmp_path, normalization=normalization, **form)
    stride = form.get("stride", 4)
    assert (found.label_stride, found.answer) == (stride, form.get("answer", "scores").removeprefix("flat "))
    assert found.any_size == ("size" not in form)
    pixels = np.repeat(np.repeat(images(3, (SIZE[0] // 8, SIZE[1] // 8)), 8, 1), 8, 2)  # 8 equal pixels a side
    labels = segmenter.labels_at(pixels, [SIZE] * 3)
    centres = [each[4::8, 4::8] for each in labels]
    assert (np.array(centres) == nearest(pixels[:, ::8, ::8])).mean() > 0.95  # between cells scores are interpolated


@pytest.mark.extra("openvino")
@pytest.mark.parametrize("form", [FORMS["1x1, stride 4, float, NCHW"], FORMS["labels, one size, one image"]])
def test_openvino_and_onnx_runtime_agree(form, tmp_path):
    _, segmenter = imported(tmp_path, **form)
    other = load_segmenter(tmp_path / "run", device="cpu")
    assert (segmenter.name, other.name) != (other.name, segmenter.name)
    assert "openvino" in other.name and "onnxruntime" in segmenter.name
    pixels = images(5, SIZE)
    assert (segmenter.segment(pixels) == other.segment(pixels)).mean() > 0.999


def test_scores_are_smoothed_and_views_averaged(tmp_path):
    _, segmenter = imported(tmp_path)
    pixels = images(2, SIZE)
    scores = segmenter.scores(pixels)
    assert scores.shape == (2, 4, 6, 8) and scores.max() <= 0
    np.testing.assert_allclose(np.exp(scores).sum(1), 1, atol=1e-5)
    assert segmenter.label(pixels[0], flip=True, scales=(0.5, 1.0)).shape == SIZE[::-1]


@pytest.mark.parametrize(
    ("normalization", "scaling", "blue_first"),
    [
        ("imagenet", IMAGENET, False),
        ("0..1", UNIT, False),
        ("-1..1", ((127.5,) * 3, (127.5,) * 3), False),
        ("none", ((0,) * 3, (1,) * 3), False),
        ("caffe-bgr", ((122.679, 116.669, 104.007), (1,) * 3), True),
    ],
)
def test_normalisations(normalization, scaling, blue_first, tmp_path):
    _, segmenter = imported(tmp_path, normalization=normalization, scaling=scaling, blue_first=blue_first, stride=1)
    pixels = images(1, SIZE)
    found = segmenter.scores(pixels).argmax(1)
    expected = load_segmenter(tmp_path / "run", device="cpu", engine="exact").segment(pixels)
    assert (expected == nearest(pixels, scaling)).mean() > 0.999
    assert found.shape == (1, 6, 8)


def test_mean_and_std_on_either_scale(tmp_path):
    file = nearest_colour(tmp_path / "foreign.onnx")
    options = {"labels": SPACE, "input_size": SIZE}
    import_network(file, tmp_path / "a", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), **options)
    import_network(file, tmp_path / "b", mean=IMAGENET[0], std=IMAGENET[1], **options)
    cards = [json.loads((tmp_path / run / CARD_FILE).read_text()) for run in "ab"]
    assert [card["normalization"] for card in cards] == ["imagenet"] * 2


def test_a_wrong_normalisation_shows(tmp_path, monkeypatch):
    """A network that wants 0..1, imported as if it wanted pixels: the notice names the right one."""
    right = nearest_colour(tmp_path / "right.onnx", scaling=UNIT)
    import_network(right, tmp_path / "usual", labels=SPACE, normalization="0..1", input_size=SIZE)
    other = load_segmenter(tmp_path / "usual", device="cpu", engine="onnxruntime")
    monkeypatch.setattr(job, "load_segmenter", lambda *args, **options: other)
    sound = import_network(right, tmp_path / "sound", labels=SPACE, normalization="0..1", input_size=SIZE)
    assert (sound.agreement, sound.notices) == (1.0, ())
    for given in ("none", None):
        wrong = import_network(right, tmp_path / f"wrong-{given}", labels=SPACE, normalization=given, input_size=SIZE)
        assert wrong.agreement < 0.6
        assert "--normalization 0..1 100 % would have it" in wrong.notices[-1]


def test_the_classes_are_taken_from_the_file(tmp_path):
    names = dict(enumerate(["Road", "building", "vegetation", "sky"]))
    file = nearest_colour(
        tmp_path / "yolo.onnx",
        scaling=UNIT,
        metadata={"names": str(names), "imgsz": "[48, 64]", "author": "Ultralytics"},
    )
    found = import_network(file, tmp_path / "run")
    assert (found.classes, found.normalization, found.input_size) == (CLASSES, "0..1", SIZE)
    assert found.notices == () or "check" in found.notices[0]
    other = nearest_colour(tmp_path / "other.onnx", metadata={"names": str(names), "author": "Somebody"})
    with pytest.raises(InputError, match="does not name its classes"):  # nothing is known of its scaling either
        import_network(other, tmp_path / "other")


def test_the_configuration_of_transformers_is_read(tmp_path):
    file = nearest_colour(tmp_path / "model.onnx", classes=5)
    (tmp_path / "config.json").write_text(json.dumps({"id2label": dict(enumerate([*CLASSES, "unheard of"]))}))
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "image_mean": [0.485, 0.456, 0.406],
                "image_std": [0.229, 0.224, 0.225],
                "rescale_factor": 1 / 255,
                "size": {"height": 48, "width": 64},
            }
        )
    )
    found = import_network(file, tmp_path / "run")
    assert (found.classes, found.normalization, found.input_size) == ((*CLASSES, "unheard of"), "imagenet", SIZE)
    space = load_segmenter(tmp_path / "run", device="cpu").label_space
    assert space.colours[0] == (128, 64, 128) and len(set(space.colours)) == 5


@pytest.mark.parametrize("content", ["{}", "[]", '{"id2label": 3}', '{"id2label": {"0": "road"}}', "nonsense"])
def test_a_configuration_that_says_nothing_is_passed_over(content, tmp_path):
    (tmp_path / "config.json").write_text(content)
    (tmp_path / "preprocessor_config.json").write_text(content)
    found, _ = imported(tmp_path)
    assert found.classes == CLASSES


def test_classes_of_a_file_of_names(tmp_path):
    classes = tmp_path / "mine.toml"
    classes.write_text('classes = ["road", "house", "tree", "sky"]\n[contains]\nbuilding = "house"\n')
    found, segmenter = imported(tmp_path, labels=classes)
    assert found.classes == ("road", "house", "tree", "sky")
    assert (segmenter.label_space.name, segmenter.label_space.counterpart("building")) == ("mine", "house")
    for text in ("classes = []", 'classes = ["a", "a", "b", "c"]', "colours = 3", "nonsense"):
        classes.write_text(text)
        with pytest.raises(InputError, match=r"mine\.toml"):
            imported(tmp_path, labels=classes)


@pytest.mark.parametrize("name", ["v0", "result of the network"])
def test_values_may_have_the_names_of_those_of_the_import(name, tmp_path):
    import onnx

    file = nearest_colour(tmp_path / "model.onnx", answer="probabilities")
    model = onnx.load(file)
    for node in model.graph.node:
        node.input[:] = ["result" if value == name else value for value in node.input]
        node.output[:] = ["result" if value == name else value for value in node.output]
    for output in model.graph.output:
        output.name = "result" if output.name == name else output.name
    onnx.save(model, file)
    found = import_network(file, tmp_path / "run", labels=SPACE, normalization="imagenet", input_size=SIZE)
    assert found.answer == "probabilities"


def test_weights_in_a_file_beside_it(tmp_path):
    import onnx

    file = nearest_colour(tmp_path / "plain.onnx")
    folder = tmp_path / "split"
    (folder / "weights").mkdir(parents=True)
    onnx.save(
        onnx.load(file), folder / "model.onnx", save_as_external_data=True, location="weights/all.bin", size_threshold=0
    )
    import_network(folder / "model.onnx", tmp_path / "run", labels=SPACE, normalization="imagenet", input_size=SIZE)
    shutil.rmtree(folder)
    pixels = images(1, SIZE)
    labels = load_segmenter(tmp_path / "run", device="cpu", engine="exact").segment(pixels)
    assert labels.shape == (1, *SIZE[::-1])


def with_weights_at(file, place):
    """Let a file keep one of its weights elsewhere."""
    import onnx

    model = onnx.load(file)
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, location=place)
    tensor.ClearField("raw_data")
    file.write_bytes(model.SerializeToString())
    return file


@pytest.mark.parametrize("place", ["../secret.bin", "/etc/hostname", "link.bin", "missing.bin"])
def test_nothing_is_read_from_outside_its_folder(place, tmp_path):
    (tmp_path / "secret.bin").write_bytes(bytes(10_000))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    file = with_weights_at(nearest_colour(folder / "model.onnx"), place)
    with pytest.raises(WeightsError, match=r"outside its folder|are missing"):
        import_network(file, tmp_path / "run", labels=SPACE)
    assert not (tmp_path / "run").exists()


def test_operators_that_are_not_part_of_onnx_are_refused(tmp_path):
    from onnx import helper

    node = helper.make_node("Run", ["v0"], ["unused"], domain="my.company")
    file = nearest_colour(tmp_path / "model.onnx", extra=[node])
    with pytest.raises(WeightsError, match=r"not part of ONNX: my\.company\.Run"):
        import_network(file, tmp_path / "run", labels=SPACE)


def test_files_that_are_no_networks(tmp_path):
    whole = nearest_colour(tmp_path / "model.onnx").read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\x00" * 100, b"PK\x03\x04" + bytes(60)):
        (tmp_path / "cut.onnx").write_bytes(content)
        with pytest.raises(WeightsError, match=r"cut\.onnx: (not|has no network)"):
            import_network(tmp_path / "cut.onnx", tmp_path / "run", labels=SPACE)
    with pytest.raises(WeightsError, match="no such file"):
        import_network(tmp_path / "none.onnx", tmp_path / "run", labels=SPACE)


def test_classes_that_do_not_fit(tmp_path):
    with pytest.raises(InputError, match=r"no output is a map of the 19 classes .*\(1, 4, 12, 16\)"):
        imported(tmp_path, labels="cityscapes-19")
    three = LabelSpace("three", CLASSES[:3], SPACE.colours[:3])
    with pytest.raises(InputError, match="gives class 3, beyond the 3 of three"):
        imported(tmp_path, labels=three, answer="labels", stride=1)
    with pytest.raises(InputError, match="does not name its classes"):
        imported(tmp_path, labels=None)
    with pytest.raises(InputError, match="unknown label space 'cityscape'"):
        imported(tmp_path, labels="cityscape")


def test_options_that_contradict_the_file(tmp_path):
    with pytest.raises(InputError, match="only images of 64x48"):
        imported(tmp_path, size=SIZE, input_size=(128, 96))
    with pytest.raises(InputError, match="scales itself"):
        imported(tmp_path, layout="NHWC", dtype="UINT8", normalization="0..1")
    with pytest.raises(WeightsError, match="opset 6"):
        imported(tmp_path, opset=6)
    with pytest.raises(InputError, match=r"has no output 'x'"):
        imported(tmp_path, output="x")
    for options in ({"mean": (0, 0, 0)}, {"mean": (0, 0), "std": (1, 1)}, {"mean": (0, 0, 0), "std": (1, 0, 1)}):
        with pytest.raises(InputError, match=r"mean|scaling"):
            import_network(tmp_path / "foreign.onnx", tmp_path / "run", labels=SPACE, **options)


def test_a_run_folder_is_never_overwritten(tmp_path):
    imported(tmp_path)
    before = (tmp_path / "run" / NETWORK_FILE).read_bytes()
    with pytest.raises(OutputError, match="not empty"):
        imported(tmp_path)
    assert (tmp_path / "run" / NETWORK_FILE).read_bytes() == before


def test_a_changed_network_is_noticed(tmp_path):
    imported(tmp_path)
    network = tmp_path / "run" / NETWORK_FILE
    network.write_bytes(network.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsError, match="damaged"):
        load_segmenter(tmp_path / "run")


def test_what_needs_weights_of_roadseg_says_so(tmp_path):
    _, segmenter = imported(tmp_path, answer="labels")
    with pytest.raises(WeightsError, match="neither be trained nor exported"):
        load_model(tmp_path / "run")
    shutil.copy(tmp_path / "run" / NETWORK_FILE, tmp_path / "any.onnx")
    with pytest.raises(WeightsError, match="not a run yet"):
        load_segmenter(tmp_path / "any.onnx")
    with pytest.raises(InputError, match="gives only labels"):
        segmenter.scores(images(1, SIZE))
    with pytest.raises(InputError, match="no batch norm"):
        segmenter.describe(images(1, SIZE))
    with pytest.raises(InputError, match="does not run on engine 'torch'"):
        load_segmenter(tmp_path / "run", engine="torch")
    with pytest.raises(InputError, match="only imported networks"):
        load_segmenter("default", engine="onnxruntime")


def test_the_size_that_one_asks_for(tmp_path):
    imported(tmp_path, size=SIZE)
    with pytest.raises(InputError, match="only images of 64x48"):
        load_segmenter(tmp_path / "run", input_size=(32, 32))


@pytest.mark.extra("openvino")
def test_openvino_is_replaced_where_it_computes_wrongly(tmp_path, monkeypatch):
    imported(tmp_path)
    monkeypatch.setattr(load, "remembered", lambda *args, **options: Outcome("computes wrongly: 3 %"))
    segmenter = load_segmenter(tmp_path / "run", device="cpu")
    assert "onnxruntime" in segmenter.name
    assert "ONNX Runtime is used instead" in segmenter.notices[0]
    with pytest.raises(EngineError, match="computes wrongly"):
        load_segmenter(tmp_path / "run", device="cpu", engine="openvino")


@pytest.mark.extra("openvino")
def test_openvino_is_replaced_where_it_cannot_run_the_network(tmp_path, monkeypatch):
    """A network for two images at once may not run for one, to which OpenVINO is set here."""

    def fails(*args):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr("roadseg.inference.imported.programs.compiled", fails)
    monkeypatch.setattr(load, "remembered", lambda key, device, program, check: check()[0])
    _, _ = imported(tmp_path, batch=2)
    segmenter = load_segmenter(tmp_path / "run", device="cpu")
    assert "onnxruntime" in segmenter.name and "shapes do not fit" in segmenter.notices[0]


@pytest.mark.parametrize("listed", [["CPUExecutionProvider"], ["CUDAExecutionProvider", "CPUExecutionProvider"]])
def test_cuda_is_never_silently_the_cpu(listed, tmp_path, monkeypatch):
    """ONNX Runtime without CUDA, and one that lists it although its libraries are missing."""
    import onnxruntime

    imported(tmp_path)
    usual = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda file, options, providers: usual(file, options, [providers[-1]])
    )
    monkeypatch.setattr(load, "start", lambda device: None)
    with pytest.raises(EngineError, match="no CUDA device"):
        load_segmenter(tmp_path / "run", device="cuda")


def test_colours_of_unknown_classes_differ():
    from roadseg.inference.imported.card import ClassList

    names = ClassList(classes=tuple(f"class {number}" for number in range(60)))
    assert len(set(with_colours(names).colours)) == 60
