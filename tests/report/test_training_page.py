"""The page of a training: its content, and its use in a real browser without a network."""

import json
import re

import pytest
from helpers.training_runs import KINDS, finish, write_training

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.errors import InputError
from roadseg.inference.label_free import EVIDENCE, LabelFreeVerdict, Measures
from roadseg.labels.catalogue import label_space
from roadseg.report.pages import find_runs, write_training_page
from roadseg.report.training_page import thinned, training_page

pytestmark = pytest.mark.timeout(120)
HOSTILE_NAME = "<img src=x onerror=document.title='owned'> \"'&amp; ü漢 100%41#?"
DRAWN = "() => [...document.querySelectorAll('.chart')].every(chart => chart.querySelector('.trace'))"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = write_training(tmp_path_factory.mktemp("runs") / HOSTILE_NAME, labels="cityscapes-19")
    write_training_page(run)
    return run


def data_of(page):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)[1])


def charts_of(page):
    return {chart["title"]: chart for chart in data_of(page)["charts"]}


def test_a_damaged_log_is_an_error_that_names_the_line(tmp_path):
    run = write_training(tmp_path / "run", labels="cityscapes-19")
    lines = run.log.read_text().splitlines()
    run.log.write_text("\n".join([lines[0], "\0" * 40, *lines[1:], ""]))
    with pytest.raises(InputError, match=r"log.jsonl: line 2 is not of the form"):
        training_page(run)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("metrics.json", text) for text in ("[]", "{}", "1e999", "[" * 200_000, '{"steps": 3, "evaluation": 5}')),
        *(("recipe.toml", text) for text in ("", "steps = 3", "labels = []\nsteps = 3")),
        *(("losses.json", text) for text in ("[" * 200_000, "null")),
    ],
)
def test_a_damaged_file_is_an_error_with_a_remedy(tmp_path, name, text):
    run = write_training(tmp_path / "run", made=0)
    (run.path / name).write_text(text)
    with pytest.raises(InputError, match=rf"{name}: (cannot be read|not written by this version).*\n\w"):
        training_page(run)


def test_charts_are_the_log(run):
    charts = charts_of(training_page(run))
    assert list(charts) == [
        *("segmentation loss", "adversarial loss", "discriminator loss", "mean IoU, percent"),
        *("learning rate", "seconds per step", "share of time waiting for batches"),
    ]
    main, auxiliary = charts["discriminator loss"]["lines"]
    assert (main["name"], auxiliary["name"]) == ("main", "auxiliary")
    assert main["steps"] == list(range(10, 301, 10)) and set(main["values"]) == {0.69}
    assert charts["discriminator loss"]["healthy"] == pytest.approx([0.2, 0.5])
    assert charts["discriminator loss"]["guessing"] == pytest.approx(0.6931, abs=1e-4)
    assert charts["segmentation loss"]["guessing"] is None
    (scores,) = charts["mean IoU, percent"]["lines"]
    assert (scores["steps"], scores["values"]) == ([100, 200, 300], [41.0, 42.0, 43.0])
    assert [line["name"] for line in charts["learning rate"]["lines"]] == ["trunk", "head"]


def test_verdicts_are_told_and_how_far_it_is(run):
    page = training_page(run)
    assert "step 300 of 400" in page and "finished" not in page
    assert re.search(r"<strong>0\.690</strong><em>guessing</em>.*discriminator_learning_rate", page, re.S)
    assert re.search(r"<strong>0\.400</strong><em>healthy</em>", page)
    assert page.count('class="verdict alarming"') == 1


def test_the_verdict_without_labels_comes_with_its_record(tmp_path):
    run = write_training(tmp_path / "run")
    finish(run, 300)
    shares = (1.0, *[0.0] * 18)
    before, after = (Measures(40, 0.2, shares, pixels) for pixels in (70, 73.5))
    verdict = LabelFreeVerdict(before, after, label_space("cityscapes-19"))
    metrics = json.loads(run.metrics.read_text()) | {"against_start": verdict.as_dict()}
    run.metrics.write_text(json.dumps(metrics))
    page = training_page(run)
    assert "Better than the start, judged without labels." in page
    assert f"agree in 73.5 % of the pixels (70.0 % before). {EVIDENCE['better']}" in page
    assert "keeps the weights of the start" not in page
    run.metrics.write_text(json.dumps(metrics | {"kept_start": True}))
    assert "So the run keeps the weights of the start" in training_page(run)


def test_a_ratio_of_gradients_has_a_chart_and_a_verdict_and_warm_up_a_line(tmp_path):
    run = write_training(tmp_path / "run", adversarial={"warmup_steps": 150})
    run.write_loss_kinds(KINDS | {"gradient-ratio/main": LossKind("gradient-ratio")})
    run.append_log({"step": 300, "learning_rate": 1e-4, "gradient-ratio/main": 0.15})
    page = training_page(run)
    chart = charts_of(page)["gradients, adversarial / supervised"]
    assert (chart["healthy"], chart["guessing"], chart["lines"][0]["values"]) == ([0.02, 0.5], None, [0.15])
    assert re.search(r"gradient-ratio/main</span><strong>0\.150</strong><em>balanced</em>", page)
    assert "the first 150 train the discriminators alone" in page


def test_a_finished_run_has_its_final_score(tmp_path):
    run = write_training(tmp_path / "run", steps=300)
    finish(run, 300)
    page = training_page(run)
    assert "300 steps, finished" in page and "mIoU 55.5 on camvid" in page and "Reload" not in page
    (line,) = charts_of(page)["mean IoU, percent"]["lines"]
    assert line["values"] == [41.0, 42.0, 55.5]


def test_a_run_of_an_earlier_version_and_one_that_has_just_begun_have_pages(tmp_path):
    run = write_training(tmp_path / "run")
    run.loss_kinds.unlink()
    page = training_page(run)
    assert charts_of(page)["discriminator loss"]["healthy"] is None and "Balance of the adversaries" not in page
    begun = write_training(tmp_path / "begun", made=0)
    begun.log.unlink(missing_ok=True)
    assert "Nothing is logged yet" in training_page(begun)
    run.loss_kinds.write_text('{"a/b": {"colour": 3}}')
    with pytest.raises(InputError, match=r"losses\.json: not written by this version"):
        training_page(run)
    run.metrics.write_text("{")
    run.loss_kinds.unlink()
    with pytest.raises(InputError, match=r"metrics\.json: cannot be read"):
        training_page(run)


def test_a_diverged_classifier_is_told(tmp_path):
    run = write_training(tmp_path / "run")
    run.append_log({"step": 360, "learning_rate": 1e-4, "segmentation/main": 9.0})
    assert re.search(r"segmentation/main 9\.000: worse than guessing\.", training_page(run))
    assert KINDS["segmentation/main"].guessing < 3


def test_long_runs_are_thinned_to_means():
    points = [(step, float(step)) for step in range(10, 25_001, 10)]
    few = thinned(points, 1000)
    assert len(few) == 834 and few[0] == (30, 20.0) and few[-1] == (25_000, 25_000.0)
    assert thinned(points[:5], 1000) == points[:5] and thinned([], 3) == []


def test_runs_are_found_at_any_depth_once(tmp_path):
    run = write_training(tmp_path / "sweep" / "a=1")
    (tmp_path / "log.jsonl").write_text("")  # of something else
    found = find_runs([tmp_path, tmp_path / "sweep"])
    assert [one.path for one in found] == [run.path]


@pytest.mark.slow
def test_the_page_draws_its_charts_and_loads_nothing(open_offline, run):
    page = open_offline(run.page)
    page.wait_for_function(DRAWN)
    assert page.title() == f"{HOSTILE_NAME} · training · roadseg"
    assert page.locator("h1").inner_text() == HOSTILE_NAME
    assert page.locator(".chart").count() == 7
    band, line = page.locator("[data-chart='2'] .shapelayer path").all()
    assert band.bounding_box()["height"] > 20 > line.bounding_box()["height"]


@pytest.mark.slow
def test_the_slider_shows_the_images_of_a_step_by_keyboard(open_offline, run):
    page = open_offline(run.page)
    image = page.locator("[data-image='1']")
    last = image.get_attribute("src")
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    assert page.locator("#look-step").inner_text() == "0"
    first = image.get_attribute("src")
    page.keyboard.press("ArrowRight")
    assert (page.locator("#look-step").inner_text(), slider.get_attribute("aria-valuetext")) == ("40", "step 40")
    assert len({first, image.get_attribute("src"), last}) == 3
    page.keyboard.press("End")
    assert image.get_attribute("src") == last


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_both_schemes(open_offline, run, scheme):
    page = open_offline(run.page, viewport={"width": 375, "height": 700}, color_scheme=scheme)
    page.wait_for_function(DRAWN)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 375
    ground, text = page.evaluate(
        """() => [getComputedStyle(document.body).backgroundColor,
                  getComputedStyle(document.querySelector('.chart .xtick text')).fill]
                 .map(colour => Number(colour.match(/\\d+/)[0]))"""
    )
    assert (ground > 230 and text < 130) if scheme == "light" else (ground < 40 and text > 130)
