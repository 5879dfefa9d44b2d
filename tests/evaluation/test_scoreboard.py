"""Runs on one data set: the table, and the image of their labels."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.comparison_boards import CAR, ROAD, SIZE, SKY, SPACE, iou, make_board, misjudged, picture, truth
from helpers.tiny import write_streets

from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.dataset import ImageDataset
from roadseg.errors import DatasetError, WeightsError
from roadseg.evaluation.comparison.grid import comparison_grid
from roadseg.evaluation.comparison.groups import named_runs
from roadseg.evaluation.comparison.scoreboard import score_runs
from roadseg.evaluation.comparison.sheets import CAPTION, GAP, HEADING, LINE, MARGIN
from roadseg.evaluation.evaluate import evaluate, score
from roadseg.evaluation.score_tables import as_markdown
from roadseg.inference.engines import load_segmenter
from roadseg.labels.space import conversion
from roadseg.models.build import build_model
from roadseg.models.weights import MODEL_FILE, ModelCard, save_model

TOP = MARGIN + round(LINE * HEADING)
CAPTION_LINE = round(LINE * CAPTION)


def small_run(folder, seed=0, **card):
    """A run folder of random weights."""
    torch.manual_seed(seed)
    keys = {"labels": "cityscapes-19", "input_size": (96, 64), "method": "source-only", "source": "nothing", **card}
    full = ModelCard(model="fast", levels=1, target="", steps=0, seed=seed, **keys)
    folder.mkdir()
    save_model(folder / MODEL_FILE, build_model("fast", len(full.label_space), levels=1, pretrained=False), full)
    return folder


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    return dataset_kind("streets").open(write_streets(tmp_path_factory.mktemp("set") / "streets", 5))


@pytest.mark.slow
def test_scores_and_images_are_those_of_each_run_alone(tmp_path, streets):
    runs = named_runs([small_run(tmp_path / "one"), small_run(tmp_path / "two", 1, labels="synthia-13")])
    seen = []
    board = score_runs(runs, streets, 2, device="cpu", on_progress=lambda *done: seen.append(done))
    assert seen[:5] == [("one", done, 5) for done in range(1, 6)] and len(seen) == 10
    assert [one.name for one in board.shown] == [streets.samples[0].name, streets.samples[4].name]
    for name, path in runs.items():
        segmenter, labels = load_segmenter(path, device="cpu", engine="exact"), {}
        alone = score(
            segmenter,
            streets,
            on_image=lambda index, map_, _, labels=labels: labels.update({index: map_}),
        )
        assert np.array_equal(board.runs[name].evaluation.confusion, alone.confusion)
        to_space = conversion(segmenter.label_space, streets.label_space)
        for place, index in enumerate((0, 4)):
            prediction = board.runs[name].predictions[place]
            assert np.array_equal(prediction.labels, to_space[labels[index]])
            (only,) = (streets.every(4).part(place, 2),)
            assert prediction.iou == pytest.approx(iou(score(segmenter, only)), nan_ok=True)
    assert set(board.shared) == set(board.runs["two"].iou) < set(board.runs["one"].iou)


@pytest.mark.slow
def test_a_mean_over_all_classes_is_that_of_evaluate(tmp_path, streets):
    runs = named_runs([small_run(tmp_path / "one")])
    board = score_runs(runs, streets, 1, device="cpu")
    assert board.rows["mIoU"] == [pytest.approx(evaluate(tmp_path / "one", streets, device="cpu").miou)]
    other = score_runs(runs, streets, 1, device="cpu", input_size=(48, 32))
    assert other.runs["one"].input_size == (48, 32)
    assert other.rows["mIoU"] != board.rows["mIoU"]


def test_large_images_are_kept_small(tmp_path, streets, monkeypatch):
    monkeypatch.setattr("roadseg.evaluation.comparison.scoreboard.SHOWN_WIDTH", 48)
    board = score_runs(named_runs([small_run(tmp_path / "one")]), streets, 9, device="cpu")
    assert len(board.shown) == 5
    assert {one.image.shape for one in board.shown} == {(32, 48, 3)}
    assert {one.labels.shape for one in board.runs["one"].predictions} == {(32, 48)}


def test_what_cannot_be_compared_is_refused(tmp_path, streets):
    runs = named_runs([small_run(tmp_path / "one")])
    unlabelled = ImageDataset("mine", streets.samples)
    with pytest.raises(DatasetError, match="no label maps"):
        score_runs(runs, unlabelled, 1, device="cpu")
    began = []
    with pytest.raises(WeightsError, match="no trained model"):
        score_runs(
            {**runs, "none": tmp_path / "none"}, streets, 1, device="cpu", on_progress=lambda *done: began.append(done)
        )
    assert not began


def test_names_are_as_short_as_can_be(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a/run", "b/run", "c/mine"):
        (tmp_path / name).mkdir(parents=True)
    paths = [tmp_path / "c" / "mine" / MODEL_FILE, tmp_path / "c" / "mine", tmp_path / "a/run/../../b/run"]
    named = named_runs([*paths, tmp_path / "default"])
    assert list(named) == ["mine", "b/run", "default"]
    assert named["mine"] == paths[0]
    assert list(named_runs([tmp_path / "a/run", tmp_path / "b/run"])) == ["a/run", "b/run"]


def test_the_best_is_bold_and_differences_are_to_the_first():
    table = make_board({"baseline": 24, "adapted": 6, "same": 24}).table()
    assert table.header == ("class", "baseline", "adapted", "same")
    cells = {row[0]: row[1:] for row in table.rows}
    sky = 15 * 64 + 64 - 12 * 2  # the upper half but for the car's first two rows, in both images
    assert cells["sky"] == tuple(
        f"{100 * (1 - wrong * 16 / (16 * 64 - 12 * 2)):.2f}{more}"
        for wrong, more in ((24, ""), (6, f" ({100 * 18 * 16 / (16 * 64 - 24):+.2f})"), (24, " (+0.00)"))
    )
    assert sky == 16 * 64 - 24
    assert cells["car"] == ("100.00", "100.00 (+0.00)", "100.00 (+0.00)")
    assert cells["tree"] == ("-", "-", "-")
    bold = {table.rows[row][0]: column for row, column in table.bold}
    assert bold == {"sky": 2, "road": 2, "mIoU": 2}
    markdown = as_markdown([table])
    assert f"| **{cells['mIoU'][1]}** |" in markdown and f"| {cells['mIoU'][0]} |" in markdown
    turned = table.transposed()
    assert {(turned.rows[row][0], turned.header[column]) for row, column in turned.bold} == {
        ("adapted", "sky"),
        ("adapted", "road"),
        ("adapted", "mIoU"),
    }
    assert "difference to baseline" in table.notes[0]


def test_a_mean_is_over_what_all_are_scored_on():
    board = make_board({"all": 6, "few": 6}, classes={"few": (SKY, CAR)})
    assert board.shared == ("sky", "car")
    assert board.rows["mIoU"][0] == board.rows["mIoU"][1]
    table = board.table()
    assert [row[1:] for row in table.rows if row[0] == "road"] == [(table.rows[1][1], "-")]
    assert "mIoU is over the 2 classes that all runs are scored on." in table.notes


def test_json_tells_the_same():
    board = make_board()
    record = json.loads(json.dumps(board.as_dict(), allow_nan=False))
    first, second = record["runs"]
    assert (first["name"], first["run"], first["difference"]) == ("baseline", "runs/baseline", {})
    assert first["iou"]["tree"] is None and second["difference"]["tree"] is None
    assert second["difference"]["mIoU"] == pytest.approx(second["miou"] - first["miou"], abs=0.011)
    assert [one["name"] for one in record["shown"]] == ["first", "second"]
    assert record["shown"][0]["miou"]["adapted"] > record["shown"][0]["miou"]["baseline"]


def test_the_grid_shows_each_image_run_and_truth():
    board = make_board()
    sheet = comparison_grid(board, width=SIZE[0])
    rows, columns = 2, 4
    step = SIZE[0] + GAP, SIZE[1] + CAPTION_LINE + GAP
    assert sheet.shape[1] == 2 * MARGIN + columns * step[0] - GAP
    shown = [
        [sheet[TOP + row * step[1] :, MARGIN + column * step[0] :][: SIZE[1], : SIZE[0]] for column in range(columns)]
        for row in range(rows)
    ]
    for row, (image, baseline, adapted, true) in enumerate(shown):
        assert np.array_equal(image, picture(row))
        assert np.array_equal(baseline, SPACE.palette[misjudged(row, 24)])
        assert np.array_equal(adapted, SPACE.palette[misjudged(row, 6)])
        assert np.array_equal(true, SPACE.palette[truth(row)])
    written = [
        [(sheet[TOP + row * step[1] + SIZE[1] :, MARGIN + column * step[0] :][:CAPTION_LINE, : SIZE[0]] < 128).any()
         for column in range(1, columns)]
        for row in range(rows)
    ]  # fmt: skip
    assert written == [[True, True, False]] * rows, "scores are below predictions alone"
    legend = sheet[TOP + rows * step[1] :]
    for colour in [*SPACE.colours, (0, 0, 0)]:
        assert (legend == colour).all(-1).sum() >= 100
    assert (sheet[:MARGIN] == 255).all() and (sheet[:, -MARGIN:] == 255).all()


def test_images_of_unlike_sizes_keep_their_proportions():
    board = make_board()
    tall = np.zeros((3 * SIZE[1], SIZE[0], 3), np.uint8)
    maps = np.full(tall.shape[:2], ROAD, np.uint8)
    runs = {
        name: replace(run, predictions=(run.predictions[0], replace(run.predictions[1], labels=maps)))
        for name, run in board.runs.items()
    }
    shown = (board.shown[0], replace(board.shown[1], image=tall, truth=maps))
    sheet = comparison_grid(replace(board, shown=shown, runs=runs), width=SIZE[0])
    assert sheet.shape[0] == comparison_grid(board, width=SIZE[0]).shape[0] + 2 * SIZE[1]
