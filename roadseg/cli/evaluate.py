"""`roadseg evaluate`: score a run, or published weights, on a labelled data set."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from roadseg.cli.compare import report
from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.options import (
    DEFAULT_PRIOR,
    AdaptBatchNorm,
    BatchNormPrior,
    BatchNormScenes,
    Device,
    Flip,
    Scales,
    Smooth,
    parse_scales,
    parse_size,
)
from roadseg.cli.tables import check_suffix


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of `roadseg adapt`, or with --recipe a file of weights.")],
    dataset: Annotated[str, typer.Argument(help="Kind of data set, see `roadseg datasets`.")],
    root: Annotated[Path, typer.Argument(help="Its folder.")],
    split: Annotated[str, typer.Option(help="Split to score; default: val, where the set has splits.")] = "",
    size: Annotated[str | None, typer.Option(help="Input size WxH; default: the one it was trained for.")] = None,
    resampling: Annotated[
        Literal["area", "bicubic"] | None, typer.Option(metavar="NAME", help="area or bicubic; default: the recipe's.")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(metavar="SPACE", help="Mean over the classes of a label space, e.g. synthia-13.")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="What a bare file of weights holds.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", callback=check_suffix, help="Save to FILE.md, .csv or .json.")
    ] = None,
    flip: Flip = False,
    scales: Scales = "1",
    smooth: Smooth = False,
    adapt_bn: AdaptBatchNorm = False,
    bn_prior: BatchNormPrior = DEFAULT_PRIOR,
    bn_scenes: BatchNormScenes = "",
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Score a run: IoU a class and mean IoU in percent, over the classes that the run and the data set share.

    [bold]Example:[/bold] roadseg evaluate runs/my-roads camvid data/camvid
    [bold]Example:[/bold] roadseg evaluate gta5.pth cityscapes data/cityscapes --recipe
    pipelines/gta5_cityscapes_multi_level.toml
    """
    from roadseg.adaptation.batch_norm import BatchNormAdaptation
    from roadseg.datasets.catalogue import open_dataset
    from roadseg.evaluation.score_tables import evaluation_table
    from roadseg.evaluation.scoring import load_published, load_run, score
    from roadseg.inference.smoothing import WEIGHT
    from roadseg.labels.catalogue import label_space
    from roadseg.models.tta import TTA
    from roadseg.runtime import start
    from roadseg.training.recipe import read_recipe, resolve

    reporter = Reporter(quiet=quiet, as_json=as_json)
    scored_classes = label_space(classes).name if classes else ""
    input_size = parse_size(size) if size else None
    smoothing = WEIGHT if smooth else 0.0
    tta = TTA(flip, parse_scales(scales))
    batch_norm = BatchNormAdaptation(bn_prior, bn_scenes) if adapt_bn else None
    images = open_dataset(f"{dataset}:{root}" + (f":{split}" if split else ""))
    candidate = load_published(run, resolve(read_recipe(recipe), origin=str(recipe))) if recipe else load_run(run)
    candidate = replace(
        candidate,
        input_size=input_size or candidate.input_size,
        resampling=resampling or candidate.resampling,
        scored_classes=scored_classes or candidate.scored_classes,
    )
    if candidate.report is not None:
        reporter.say(escape(str(candidate.report)))
    with reporter.bars("images") as bars:
        evaluation = score(
            candidate,
            images,
            start(device),
            tta=tta,
            smoothing=smoothing,
            batch_norm=batch_norm,
            on_progress=lambda done, total: bars.show("evaluating", done, total),
        )
    title = f"{run} on {evaluation.dataset}, {evaluation.images} images"
    record = {
        "run": str(run),
        **evaluation.as_dict(),
        "flip": tta.flip,
        "scales": tta.scales,
        "smoothing": smoothing,
        "batch_norm_prior": batch_norm.prior if batch_norm else None,
        "batch_norm_scenes": batch_norm.scenes if batch_norm else "",
    }
    report(reporter, [evaluation_table(evaluation, title)], record, out)
