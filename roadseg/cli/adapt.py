"""`roadseg adapt`: train a segmenter on labelled source streets and adapt it to unlabelled images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from roadseg.adaptation.methods import METHODS
from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import Threads
from roadseg.cli.progress import TOO_EARLY, training_progress, verdict_line
from roadseg.models.names import MODEL_NAMES

if TYPE_CHECKING:
    from roadseg.jobs.adapt import Outcome

DATA = Path("data")
"""Folder of rendered streets and downloaded weights where no other is given."""


def adapt(
    out: Annotated[Path, typer.Option("--out", "-o", help="The run folder to make, or to --resume.")],
    target: Annotated[
        list[Path] | None, typer.Option(help="Your unlabelled images: a folder, or KIND:ROOT[:SPLIT]; may be repeated.")
    ] = None,
    target_labels: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Labelled or corrected target images: a folder, CVAT's zip, KIND:ROOT."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Labelled images to learn from: streets, rendered on first use, or KIND:ROOT[:SPLIT]."),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"{', '.join(METHODS)}; or METHOD+self-training, METHOD+feature-distance. See docs/methods.md.",
            autocompletion=lambda: list(METHODS),
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"The network: {', '.join(MODEL_NAMES)}, hf:FOLDER or hf:ORG/NAME."),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(help="Initial weights: default, indian, imagenet, a run, a weight file, or the URL of one."),
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(metavar="RUN", help="Learn from the labels of this run, e.g. of a larger network.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps. Default: as in the recipe.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed for all random number generators.")] = None,
    evaluation: Annotated[str | None, typer.Option(help="Labelled data set to evaluate on: KIND:ROOT[:SPLIT].")] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"] | None,
        typer.Option(help="Device to train on. Default: CUDA, else MPS, else CPU."),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Recipe file, or a name that `roadseg recipes` lists; flags override it.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="Any other recipe key: --set key=value, --set table.key=value.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Folder for rendered streets and downloaded weights.")] = DATA,
    sweep: Annotated[str | None, typer.Option(metavar="KEY=V,V", help="One run for each value, below --out.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Train on labelled streets and adapt to unlabelled images; writes a run folder.

    Without --recipe it takes the recipe `adapt`: the default weights label the
    target, and learn from the surest of these labels and from rendered streets.
    With --teacher it takes `teacher`, with an adversarial --method `multi_level`.

    Ctrl-C saves and stops; the same command with --resume continues.

    [bold]Example:[/bold] roadseg adapt --target data/frames --out runs/my-roads
    """
    from roadseg.jobs.adapt import adapt as start_run
    from roadseg.jobs.adapt import recipe_keys, recipe_of
    from roadseg.runtime import is_main_process
    from roadseg.training.keys import merged
    from roadseg.training.recipe import resolve
    from roadseg.training.recipe_values import parse_overrides

    flags: dict[str, Any] = {
        "target": list(map(str, target)) if target else None,
        "target_labels": target_labels,
        "source": source,
        "method": method,
        "model": model,
        "init": init,
        "teacher": teacher,
        "steps": steps,
        "seed": seed,
        "evaluation": evaluation,
        "device": device,
    }
    overrides = {key: value for key, value in flags.items() if value is not None}
    overrides = merged(overrides, parse_overrides(assignments or []))
    values, origin = recipe_keys(recipe, overrides)
    reporter = Reporter(quiet=quiet or not is_main_process(), as_json=as_json)
    if sweep is not None:
        from roadseg.cli.run import run_all
        from roadseg.jobs.recipe_run import sweep as recipes_of

        recipes = recipes_of(values, sweep, origin=origin)
        run_all(reporter, {out / name: plan for name, plan in recipes.items()}, data)
        return
    plan = recipe_of(out) if resume else resolve(values, origin=origin)
    try:
        with training_progress(reporter, plan.steps) as callbacks:
            outcome = start_run(out, recipe=recipe, resume=resume, data=data, callbacks=callbacks, **overrides)
    except KeyboardInterrupt:
        begun = (out / "recipe.toml").exists()
        kept = "" if data == DATA else f" --data {data}"
        resuming = f"Continue with: roadseg adapt --out {out}{kept} --resume"
        reporter.say(f"Stopped. {escape(resuming if begun else 'Run the same command again to continue.')}")
        raise
    if is_main_process():
        reporter.result(_summary(outcome, start=plan.init), outcome.as_dict())


def _summary(outcome: "Outcome", *, start: str) -> str:
    losses = "".join(f", {name} {value:.3f}" for name, value in outcome.losses.items())
    lines = [f"[bold]{escape(str(outcome.run))}[/bold]: {outcome.steps} steps in {outcome.seconds:.0f} s{losses}"]
    if outcome.evaluation is not None:
        lines.append(f"mIoU on {outcome.evaluation.dataset}: [bold]{outcome.evaluation.miou:.1f}[/bold]")
    if outcome.verdict is not None:
        lines.append(f"against the start, judged without labels: {escape(str(outcome.verdict))}")
        if outcome.kept_start:
            lines.append("kept the weights of the start; the trained ones are in trained.safetensors")
        lines.append(f"({outcome.verdict.evidence})")
    judged = {name: judgement for name, judgement in outcome.health.items() if judgement.verdict != TOO_EARLY}
    lines += [escape(verdict_line(name, judgement)) for name, judgement in judged.items()]
    run = escape(str(outcome.run))
    if outcome.verdict is not None:
        trained = f"{run}/trained.safetensors" if outcome.kept_start else run
        both = f"{escape(start)} {trained}"
        lines.append(f"look at both: roadseg compare {both} --video VIDEO --duration 1:00 --out compared")
    lines.append(f"next: roadseg overlay VIDEO --run {run} --out adapted")
    return "\n".join(lines)
