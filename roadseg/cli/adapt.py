"""`roadseg adapt`: train a segmenter on labelled source streets and adapt it to unlabelled pictures."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.progress import TOO_EARLY, verdict_line, watching
from roadseg.errors import RecipeError

if TYPE_CHECKING:
    from roadseg.jobs.adapt import Outcome
    from roadseg.training.recipe import AdaptRecipe


def adapt(
    out: Annotated[Path, typer.Option("--out", "-o", help="The run folder to make, or to --resume.")],
    target: Annotated[
        list[Path] | None, typer.Option(help="Unlabelled pictures: a folder, or KIND:ROOT[:SPLIT]; may be repeated.")
    ] = None,
    target_labels: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Labelled or corrected target pictures: a folder, CVAT's zip, KIND:ROOT."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Labelled: 'streets', rendered on first use, or KIND:ROOT[:SPLIT].")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="source-only, pseudo-labels, multi-level, self-training, advent and others; docs/methods.md."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="The network: fast, vgg16 or resnet101.")] = None,
    init: Annotated[
        str | None, typer.Option(help="Start from a run, weight file, URL or 'imagenet'; default: what ships.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    evaluation: Annotated[
        str | None, typer.Option("--evaluate", help="Labelled set to report on: KIND:ROOT[:SPLIT].")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="Recipe file; flags override it.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="Any other recipe key: --set key=value.")
    ] = None,
    data: Annotated[Path, typer.Option(help="For rendered streets, fetched weights.")] = Path("data"),
    sweep: Annotated[str | None, typer.Option(metavar="KEY=V,V", help="One run a value, below --out.")] = None,
    go_on: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out stopped.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train on labelled streets and adapt to unlabelled pictures; writes a run folder.

    Ctrl-C saves and stops; the same command with --resume goes on.

    [bold]Example:[/bold] roadseg adapt --target data/frames --out runs/my-roads
    """
    from roadseg.jobs.adapt import adapt as start_run
    from roadseg.jobs.adapt import recipe_of, resume
    from roadseg.runtime import is_main_process
    from roadseg.training.recipe import parse_overrides, read_recipe, resolve

    flags: dict[str, Any] = {
        "target": list(map(str, target)) if target else None,
        "target_labels": target_labels,
        "source": source,
        "method": method,
        "model": model,
        "init": init,
        "steps": steps,
        "seed": seed,
        "evaluation": evaluation,
        "device": device,
    }
    overrides = {key: value for key, value in flags.items() if value is not None}
    overrides |= parse_overrides(assignments or [])
    values = {**(read_recipe(recipe) if recipe else {}), **overrides}
    reporter = Reporter(quiet=quiet or not is_main_process(), as_json=as_json)
    if sweep is not None:
        from roadseg.cli.run import run_all
        from roadseg.jobs.recipe_run import sweep as recipes_of

        recipes = recipes_of(values, sweep, origin=str(recipe or "options"))
        run_all(reporter, {out / name: plan for name, plan in recipes.items()}, data)
        return
    plan = unchanged(recipe_of(out), values) if go_on else resolve(values, origin=str(recipe or "options"))
    try:
        with watching(reporter, plan.steps) as watcher:
            outcome = (resume if go_on else partial(start_run, plan))(out, data=data, watcher=watcher)
    except KeyboardInterrupt:
        begun = (out / "recipe.toml").exists()
        how = f"go on with: roadseg adapt --out {out} --resume" if begun else "the same command goes on"
        reporter.say(f"stopped; {escape(how)}")
        raise
    if is_main_process():
        reporter.result(_summary(outcome), outcome.as_dict())


def unchanged(plan: "AdaptRecipe", values: dict[str, Any]) -> "AdaptRecipe":
    """The recipe that a run goes on with, which repeated options must agree with.

    Raises:
        RecipeError: an option says something else.
    """
    from roadseg.training.recipe import resolve

    wanted = resolve({**plan.model_dump(), **values}, origin="options")
    changed = [key for key in values if getattr(wanted, key) != getattr(plan, key)]
    if changed:
        raise RecipeError(
            f"--resume goes on with the run as it was begun; {', '.join(changed)} cannot change",
            "Leave these options out, or start a new run with --init.",
        )
    return plan


def _summary(outcome: "Outcome") -> str:
    losses = ", ".join(f"{name} {value:.3f}" for name, value in outcome.losses.items())
    lines = [f"[bold]{escape(str(outcome.run))}[/bold]: {outcome.steps} steps in {outcome.seconds:.0f} s; {losses}"]
    if outcome.evaluation is not None:
        lines.append(f"mIoU on {outcome.evaluation.dataset}: [bold]{outcome.evaluation.miou:.1f}[/bold]")
    judged = {name: judgement for name, judgement in outcome.health.items() if judgement.verdict != TOO_EARLY}
    lines += [escape(verdict_line(name, judgement)) for name, judgement in judged.items()]
    lines.append(f"next: roadseg overlay VIDEO --run {escape(str(outcome.run))} --out out")
    return "\n".join(lines)
