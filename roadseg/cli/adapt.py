"""`roadseg adapt`: train a segmenter on labelled source streets and adapt it to unlabelled pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from roadseg.cli.console import Bars, Debug, Json, Quiet, Reporter
from roadseg.errors import RecipeError

if TYPE_CHECKING:
    from roadseg.adapt import Outcome
    from roadseg.adaptation.health import Judgement
    from roadseg.assembly import Watcher
    from roadseg.recipe import AdaptRecipe
    from roadseg.training.meter import Report

TOO_EARLY = "too early to tell"
"""As a verdict on losses, of which a terminal says nothing."""
LOG_LINE_STEPS = 50
"""Without a terminal to draw a bar on, losses are printed once in so many steps."""


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
    from roadseg.adapt import adapt as start_run
    from roadseg.adapt import recipe_of, resume
    from roadseg.recipe import parse_overrides, read_recipe, resolve
    from roadseg.runtime import is_main_process

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
        from roadseg.experiment import sweep as recipes_of

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


@contextmanager
def watching(reporter: Reporter, steps: int) -> Iterator["Watcher"]:
    """Callbacks that show a run of `steps` steps on the reporter's terminal, or log it line by line."""
    with reporter.bars() as bars:
        yield training_watcher(reporter, bars, steps)


def training_watcher(reporter: Reporter, bars: Bars, steps: int) -> "Watcher":
    """Callbacks that show a run of `steps` steps on bars that are there."""
    from roadseg.assembly import Watcher

    told: set[tuple[str, str]] = set()

    def on_report(report: "Report") -> None:
        bars.show("training", report.step, steps, _training_note(report))
        if not reporter.interactive and report.step % LOG_LINE_STEPS == 0:
            reporter.say(f"step {report.step}/{steps}  {_training_note(report)}")
        for name, judgement in report.health.items():
            if judgement.alarming and (name, judgement.verdict) not in told:
                told.add((name, judgement.verdict))  # once: where it stays so, the line above goes on saying it
                reporter.warn(f"step {report.step}: {_told(name, judgement)}")

    return Watcher(
        on_start=lambda message: reporter.say(escape(message)),
        on_warning=reporter.warn,
        on_download=lambda done, total: bars.show("downloading weights", done, total or None),
        on_render=lambda done, total: bars.show("rendering streets", done, total),
        on_count=lambda done, total: bars.show("counting classes", done, total),
        on_label=lambda done, total: bars.show("labelling the target", done, total),
        on_report=on_report,
        on_evaluate=lambda done, total: bars.show("evaluating", done, total),
    )


def _training_note(report: "Report") -> str:
    """What a training run says of its last steps in one line: losses of the main level, and those that are judged."""
    losses = [
        f"{name.removesuffix('/main')} {value:.3f}{_verdict(report.health.get(name))}"
        for name, value in report.losses.items()
        if name.endswith("/main") or name in report.health
    ]
    return "  ".join([*losses, f"{report.seconds_a_step:.2f} s a step"])


def _verdict(judgement: "Judgement | None") -> str:
    return "" if judgement is None or judgement.verdict == TOO_EARLY else f" ({judgement.verdict})"


def _told(name: str, judgement: "Judgement") -> str:
    return f"{name} {judgement.loss:.3f}, mean of the last steps: {judgement.verdict}. {judgement.advice}"


def unchanged(plan: "AdaptRecipe", values: dict[str, Any]) -> "AdaptRecipe":
    """The recipe that a run goes on with, which repeated options must agree with.

    Raises:
        RecipeError: an option says something else.
    """
    from roadseg.recipe import resolve

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
    lines += [escape(_told(name, judgement)) for name, judgement in judged.items()]
    lines.append(f"next: roadseg overlay VIDEO --run {escape(str(outcome.run))} --out out")
    return "\n".join(lines)
