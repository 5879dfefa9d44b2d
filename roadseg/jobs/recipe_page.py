"""Pages of finished runs: scores beside those of other runs, images before and after, and links to the files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roadseg.files import resolved
from roadseg.inputs.documents import read_json
from roadseg.jobs.adapt import recipe_of
from roadseg.jobs.compare import FinishedRuns, compare_finished
from roadseg.labels.catalogue import label_space
from roadseg.report.images import jpeg_file
from roadseg.report.pages import write_run_page
from roadseg.report.run_page import PAGE, ImageColumn, RunPage
from roadseg.training.recipe import AdaptRecipe
from roadseg.training.run_folder import RunFolder
from roadseg.training.samples import KeptSamples


def compare_and_write_pages(folders: Sequence[Path]) -> tuple[FinishedRuns, list[Path]]:
    """Compare finished runs by their scores, and write the page of each, which shows the comparison.

    Args:
        folders: run folders of finished runs.

    Returns:
        The comparison, of the runs whose recipe names a labelled data set; and the paths of the pages.

    Raises:
        InputError: a run is not finished, or a file of it cannot be read.
        OutputError: a page cannot be written.
    """
    recipes = {folder: recipe_of(folder) for folder in folders}
    scored = [folder for folder, recipe in recipes.items() if recipe.evaluation]
    finished = compare_finished(scored) if scored else FinishedRuns([], [])
    pages = []
    for folder, recipe in recipes.items():
        pages.append(folder / PAGE)
        write_run_page(pages[-1], _page(RunFolder(folder), recipe, finished))
    return finished, pages


def _page(run: RunFolder, recipe: AdaptRecipe, finished: FinishedRuns) -> RunPage:
    metrics = read_json(run.metrics)
    samples = KeptSamples.of(run.samples)
    looks = list(samples.labelled.items())
    shown = [looks[0], looks[-1]] if len(looks) > 1 else looks
    images = [ImageColumn("image", [jpeg_file(path) for path in samples.images])]
    for step, paths in shown:
        images.append(ImageColumn(f"after step {step:,}" if step else "before", [jpeg_file(path) for path in paths]))
    space = label_space(recipe.labels)
    files = {
        run.page: "curves and images of the training",
        run.model: f"the weights: roadseg overlay VIDEO --run {run.path}",
        run.recipe: "the recipe",
        run.metrics: "losses, scores and times",
        run.log: "losses by step",
    }
    return RunPage(
        name=resolved(run.path).name,
        facts=(recipe.method, recipe.model, f"{recipe.steps:,} steps"),
        lead=" ".join(_sentences(metrics)),
        images=images if looks else (),
        images_note=f"Images of the {samples.domain}, and the labels before and after the training.",
        legend=list(zip(space.classes, space.colours, strict=True)),
        tables=finished.tables(),
        made={
            "source": recipe.source or f"{recipe.source_count:,} rendered streets",
            "target": ", ".join(recipe.targets) or "none",
            "start": recipe.init,
            "seed": str(recipe.seed),
            "time": f"{metrics.get('seconds', 0):,.0f} s in the last call",
        },
        files={path.relative_to(run.path): what for path, what in files.items()},
    )


def _sentences(metrics: dict[str, Any]) -> list[str]:
    """Return the outcome in words: the score, and the verdict against the start."""
    sentences = []
    if metrics.get("evaluation"):
        sentences.append(f"Mean IoU {metrics['evaluation']['miou']:.1f} on {metrics['evaluation']['dataset']}.")
    if verdict := metrics.get("against_start"):
        words = {"better": "Better than the start", "worse": "Worse than the start"}
        outcome = words.get(verdict["verdict"], "Not clear whether it is better than the start")
        sentences.append(f"{outcome}, judged without labels.")
    if metrics.get("kept_start"):
        sentences.append("The run keeps the weights of the start.")
    return sentences
