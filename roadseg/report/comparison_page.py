"""HTML page of a comparison: two layers of each image with an edge to drag between them, and the scores."""

from collections.abc import Mapping
from typing import Any

from roadseg import __version__
from roadseg.evaluation.comparison.grid import IMAGE, TRUTH, legend
from roadseg.evaluation.comparison.scoreboard import Scoreboard, best, difference
from roadseg.evaluation.score_tables import score_text
from roadseg.report.html import css_colour, render, template_text
from roadseg.report.images import jpeg, label_png


def comparison_page(board: Scoreboard, options: Mapping[str, str]) -> str:
    """Return the page as HTML with all images inside it.

    Args:
        board: scores with at least one shown image.
        options: options of the comparison, for people to read.
    """
    runs = list(board.runs)
    means = board.rows["mIoU"]
    right = max(range(1, len(runs)), key=lambda column: means[column] or 0.0, default=0)
    return render(
        "comparison.html",
        script=template_text("comparison.js"),
        dataset=board.dataset,
        images=board.images,
        classes=len(board.shared),
        leader=_leader(board),
        runs=[
            {"name": name, "path": str(run.path), "input_size": run.input_size, "engine": run.evaluation.engine}
            for name, run in board.runs.items()
        ],
        layers=[IMAGE, *runs, TRUTH],
        left=1 if len(runs) > 1 else 0,  # the first run beside the best of the others; a single run beside the image
        right=1 + right,
        legend=[(name, css_colour(colour)) for name, colour in legend(board.label_space)],
        shown=[_image(board, place) for place in range(len(board.shown))],
        rows=_rows(board),
        notes=board.notes(),
        options=options,
        version=__version__,
    )


def _leader(board: Scoreboard) -> dict[str, str] | None:
    """Return the best of several runs; None where several are best."""
    means = board.rows["mIoU"]
    leaders = best(means)
    if len(leaders) != 1:
        return None
    change = difference(means, leaders[0]) if leaders[0] else None
    return {
        "name": list(board.runs)[leaders[0]],
        "miou": score_text(means[leaders[0]]),
        "change": "" if change is None else f"{change:+z.2f}",
    }


def _image(board: Scoreboard, place: int) -> dict[str, Any]:
    """Return an image with its layers, in the order of the choices, and the score of each run in it."""
    shown, palette = board.shown[place], board.label_space.palette
    predictions = [run.predictions[place] for run in board.runs.values()]
    means = [board.miou(prediction.iou) for prediction in predictions]
    badges = ["" if mean is None else f"{mean:.1f}" for mean in means]
    return {
        "name": shown.name,
        "width": shown.image.shape[1],
        "height": shown.image.shape[0],
        "layers": [
            {"source": jpeg(shown.image), "badge": ""},
            *(
                {"source": label_png(prediction.labels, palette), "badge": badge}
                for prediction, badge in zip(predictions, badges, strict=True)
            ),
            {"source": label_png(shown.truth, palette), "badge": ""},
        ],
        "runs": [
            {"name": name, "miou": badge or score_text(None), "best": column in best(means)}
            for column, (name, badge) in enumerate(zip(board.runs, badges, strict=True))
        ],
    }


def _rows(board: Scoreboard) -> list[dict[str, Any]]:
    """Return the rows of the table: classes with their colours, then means without a colour."""
    colours = dict(zip(board.label_space.classes, board.label_space.colours, strict=True))
    return [
        {
            "name": name,
            "colour": css_colour(colours[name]) if name in colours else "",
            "cells": [_cell(values, column) for column in range(len(values))],
        }
        for name, values in board.rows.items()
    ]


def _cell(values: list[float | None], column: int) -> dict[str, Any]:
    change = difference(values, column) if column else None
    text = "" if change is None else f"{change:+z.2f}"
    return {
        "score": score_text(values[column]),
        "best": column in best(values),
        "change": text,
        "kind": "" if not text.strip("+-0.") else "gain" if text.startswith("+") else "loss",
    }
