"""`roadseg evaluate`: score a run, or published weights, on a labelled data set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from roadseg.adaptation.defaults import PRIOR
from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import (
    AdaptBatchNorm,
    BatchNormPrior,
    BatchNormScenes,
    Device,
    Flip,
    InputSize,
    Scales,
    ScoringEngine,
    Smooth,
    Threads,
    parse_scales,
    parse_size,
)
from roadseg.cli.tables import check_suffix, shown

if TYPE_CHECKING:
    from roadseg.evaluation.by_drive import ScoresByDrive


def evaluate(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="Run folder, `default`, `indian`, or with --recipe published weights.")
    ],
    datasets: Annotated[
        list[str],
        typer.Argument(
            metavar="KIND:ROOT[:SPLIT]...",
            help="Labelled data sets, see `roadseg datasets`; several are scored by drive.",
        ),
    ],
    input_size: InputSize = None,
    engine: ScoringEngine = "exact",
    classes: Annotated[
        str | None, typer.Option(metavar="SPACE", help="Mean over the classes of a label space, e.g. synthia-13.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recipe that describes a published file of weights.")
    ] = None,
    resampling: Annotated[
        Literal["area", "bicubic"] | None, typer.Option(help="How images are resized. Default: as in training.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Score this run, too: gain by drive, with intervals; of one set by class."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", callback=check_suffix, help="Save to FILE.md, .csv or .json."),
    ] = None,
    flip: Flip = False,
    scales: Scales = "1",
    smooth: Smooth = False,
    adapt_bn: AdaptBatchNorm = False,
    bn_prior: BatchNormPrior = PRIOR,
    bn_scenes: BatchNormScenes = "",
    device: Device = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Score a run: IoU by class and mean IoU in percent, over the classes that run and data set share.

    Several data sets make one table by drive and data set, with intervals and
    the mean over drives.

    [bold]Example:[/bold] roadseg evaluate runs/my-roads camvid:data/camvid:val
    [bold]Example:[/bold] roadseg evaluate runs/my-roads camvid:data/camvid:train+val folder:data/mine
    [bold]Example:[/bold] roadseg evaluate runs/my-roads folder:data/mine --against default
    [bold]Example:[/bold] roadseg evaluate gta5.pth cityscapes:data/cityscapes --recipe
    pipelines/gta5_cityscapes_multi_level.toml
    """
    size, factors = parse_size(input_size) if input_size else None, parse_scales(scales)
    from roadseg.evaluation.evaluate import evaluate as score
    from roadseg.evaluation.gains import comparable, gain_table, gains
    from roadseg.evaluation.score_tables import evaluation_table, write_tables
    from roadseg.evaluation.trained import scored_segmenter
    from roadseg.inference.smoothing import WEIGHT

    reporter = Reporter(quiet=quiet, as_json=as_json)

    def scored(scored_run: Path, description: str, published: Path | None) -> "ScoresByDrive":
        return score(
            scored_run,
            datasets,
            engine=engine,
            device=device,
            input_size=size,
            resampling=resampling,
            classes=classes,
            recipe=published,
            flip=flip,
            scales=factors,
            smooth=smooth,
            adapt_bn=adapt_bn,
            bn_prior=bn_prior,
            bn_scenes=bn_scenes,
            on_progress=lambda done, total: bars.show(description, done, total),
            on_load=lambda message: reporter.say(escape(message)),
        )

    with reporter.bars("images") as bars:
        if against and recipe is None:
            scored_segmenter(run, device=device, engine=engine, input_size=size)  # before minutes go to the other
        start = scored(against, f"evaluating {against}", None) if against else None
        scores = scored(run, "evaluating", recipe)
    notices = [notice for evaluation in scores.sets.values() for notice in evaluation.notices]
    if start is not None:
        scores, start, left_out = comparable(scores, start)
        notices += left_out
    for notice in dict.fromkeys(notices):
        reporter.warn(notice)
    evaluations = list(scores.sets.values())
    tables, result = [], scores.as_dict()
    if len(evaluations) == 1:
        (evaluation,) = evaluations
        title = f"{run} on {evaluation.dataset}, {evaluation.images} images"
        before = next(iter(start.sets.values())) if start else None
        tables.append(evaluation_table(evaluation, f"{title}; before: {against}" if start else title, before=before))
        result = evaluation.as_dict() | ({"rows": result["rows"]} if evaluation.drives else {})
    if start is not None:
        rows = gains(scores, start)
        tables.append(gain_table(rows, f"gain of {run} over {against}"))
        result |= {"against": {"run": str(against), "gains": [row.as_dict() for row in rows], **start.as_dict()}}
    elif len(scores.rows) > 1:
        tables.append(scores.table(f"{run} by drive"))
    record = {
        "run": str(run),
        **result,
        "flip": flip,
        "scales": sorted(factors),
        "smoothing": WEIGHT if smooth else 0.0,
        "batch_norm_prior": bn_prior if adapt_bn else None,
        "batch_norm_scenes": bn_scenes if adapt_bn else "",
    }
    reporter.result(shown(tables), record)  # first, since the file may fail
    if out is not None:
        write_tables(out, tables, record)
        reporter.say(f"written: {escape(str(out))}")
