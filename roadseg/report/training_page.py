"""HTML page of a training, from the files of its run folder."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import fsum
from pathlib import Path
from typing import Any

from roadseg.adaptation.loss_verdicts import RATIO_WINDOW, WINDOW, Judgement, LossKind, judge_all
from roadseg.errors import InputError
from roadseg.files import resolved
from roadseg.inputs.documents import read_json, read_toml
from roadseg.labels.catalogue import label_space
from roadseg.report.html import PLOTLY, css_colour, render, template_text
from roadseg.report.images import jpeg_file
from roadseg.training.log import RATE, Series, loss_series, machine_series, score_series
from roadseg.training.run_folder import RunFolder
from roadseg.training.samples import KeptSamples

POINTS = 1000
"""Most points of a line in a chart; more are averaged."""


def training_page(run: RunFolder) -> str:
    """Return the page of a run, finished or not, as HTML.

    Raises:
        InputError: a file is missing or cannot be read, or was written by another version.
    """
    recipe, metrics = _recipe(run.recipe), _metrics(run.metrics)
    records = run.read_log()
    kinds, losses = run.read_loss_kinds(), loss_series(records)
    health = judge_all(losses, kinds)
    scores = _with_final(score_series(records), metrics)
    samples = KeptSamples.of(run.samples)
    step = max([0, *(record["step"] for record in records), *samples.labelled])
    finished = metrics is not None and metrics["steps"] >= recipe["steps"]
    looks = [{"step": at, "images": [jpeg_file(path) for path in paths]} for at, paths in samples.labelled.items()]
    charts = training_charts(run)
    space = label_space(recipe["labels"])
    return render(
        "training.html",
        script=template_text("charts.js") + template_text("training.js"),
        own_style=template_text("training.css"),
        name=resolved(run.path).name,
        recipe=recipe,
        step=step,
        steps=recipe["steps"],
        finished=finished,
        logged=datetime.fromtimestamp(run.log.stat().st_mtime) if run.log.exists() else None,
        miou={name.partition("/")[2]: points[-1] for name, points in scores.items()},
        adversaries=[
            (name, judgement, kinds[name].healthy)
            for name, judgement in health.items()
            if kinds[name].role != "classifier"
        ],
        warmup=recipe.get("adversarial", {}).get("warmup_steps", 0),
        window=WINDOW,
        ratio_window=RATIO_WINDOW,
        against_start=(metrics or {}).get("against_start"),
        kept_start=(metrics or {}).get("kept_start", False),
        diverged=[(name, judgement) for name, judgement in health.items() if kinds[name].role == "classifier"],
        losses=[_row(name, points, health.get(name), kinds.get(name)) for name, points in losses.items()],
        samples=samples,
        originals=[jpeg_file(path) for path in samples.images],
        looks=looks,
        legend=[(name, css_colour(colour)) for name, colour in zip(space.classes, space.colours, strict=True)],
        charts=charts,
        plotly=PLOTLY,
        data={"step": step, "charts": charts, "looks": looks},
    )


def training_charts(run: RunFolder) -> list[dict[str, Any]]:
    """Return the charts of a run, finished or not, as the script of its page draws them: losses first.

    Raises:
        InputError: a file cannot be read, or was written by another version.
    """
    records = run.read_log()
    scores = _with_final(score_series(records), _metrics(run.metrics))
    losses = _loss_charts(loss_series(records), run.read_loss_kinds())
    return [*losses, *_other_charts(scores, machine_series(records))]


def thinned(points: Sequence[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """Return at most `most` points: means of equally many neighbours, at the step of the last of them."""
    size = max(1, -(-len(points) // most))
    groups = (points[start : start + size] for start in range(0, len(points), size))
    return [(group[-1][0], fsum(value for _, value in group) / len(group)) for group in groups]


def _with_final(scores: Series, metrics: Mapping[str, Any] | None) -> Series:
    """Return the scores of the log with the final ones, which are not in it."""
    if metrics is None or metrics["evaluation"] is None:
        return scores
    name = f"miou/{metrics['evaluation']['dataset']}"
    final = (metrics["steps"], metrics["evaluation"]["miou"])
    return scores | {name: [point for point in scores.get(name, []) if point[0] < final[0]] + [final]}


def _row(
    name: str, points: Sequence[tuple[int, float]], judgement: Judgement | None, kind: LossKind | None
) -> dict[str, Any]:
    return {
        "name": name,
        "first": points[0][1],
        "last": points[-1][1],
        "guessing": kind.guessing if kind else None,
        "judgement": judgement,
    }


def _loss_charts(losses: Series, kinds: Mapping[str, LossKind]) -> list[dict[str, Any]]:
    """Return a chart for each loss with a line for each level or domain: `segmentation/main` is a line of the first."""
    titles = list(dict.fromkeys(name.partition("/")[0] for name in losses))
    charts = []
    for title in titles:
        named = {name: points for name, points in losses.items() if name.partition("/")[0] == title}
        kind = next((kinds[name] for name in named if name in kinds), None)
        charts.append(
            _chart(
                "gradients, adversarial / supervised" if kind and kind.role == "gradient-ratio" else f"{title} loss",
                {name.partition("/")[2]: points for name, points in named.items()},
                healthy=kind.healthy if kind else None,
                guessing=kind.guessing if kind and kind.role == "discriminator" else None,
            )
        )
    return charts


def _other_charts(scores: Series, machine: Series) -> list[dict[str, Any]]:
    rates = {
        name.removesuffix("learning_rate").rstrip("_") or "trunk": points
        for name, points in machine.items()
        if name.endswith(RATE)
    }
    charts = [
        _chart("mean IoU, percent", {name.partition("/")[2]: points for name, points in scores.items()}, marked=True),
        _chart("learning rate", rates, digits=3),
    ]
    for name, title in (
        ("seconds_a_step", "seconds per step"),
        ("waiting", "share of time waiting for batches"),
        ("skipped", "steps skipped by float16"),
    ):
        if any(value for _, value in machine.get(name, [])):
            charts.append(_chart(title, {name: machine[name]}))
    return [chart for chart in charts if chart["lines"]]


def _chart(title: str, lines: Series, *, marked: bool = False, digits: int = 4, **levels: Any) -> dict[str, Any]:
    """Return a chart for the script: lines by name, perhaps marked points, and levels to compare with."""
    drawn = []
    for name, points in lines.items():
        steps, values = zip(*thinned(points, POINTS), strict=True)
        drawn.append({"name": name, "steps": steps, "values": [float(f"{value:.{digits}g}") for value in values]})
    return {"title": title, "lines": drawn, "marked": marked, "healthy": None, "guessing": None, **levels}


def _recipe(path: Path) -> dict[str, Any]:
    try:
        recipe = read_toml(path)
        texts = (recipe.get(key) for key in ("labels", "method", "model"))
        if not isinstance(recipe.get("steps"), int) or not all(isinstance(text, str) for text in texts):
            raise ValueError("not the whole recipe of a run")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})", "Give a run folder made by `roadseg adapt`.") from None
    return recipe


def _metrics(path: Path) -> dict[str, Any] | None:
    """Read the results that a run has once it is finished; None before."""
    if not path.exists():
        return None
    try:
        metrics = read_json(path)
        if not _is_result(metrics):
            raise ValueError("not the results of a run")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})", "Continue the run: roadseg adapt --resume") from None
    return dict(metrics)


def _is_result(metrics: Any) -> bool:
    if not isinstance(metrics, dict) or not isinstance(metrics.get("steps"), int):
        return False
    scores = metrics.get("evaluation", "")
    has_scores = isinstance(scores, dict) and "dataset" in scores and isinstance(scores.get("miou"), int | float)
    return scores is None or has_scores
