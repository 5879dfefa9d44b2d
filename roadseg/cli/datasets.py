"""`roadseg datasets`: list kinds of data sets, show their folder layout, check a data set on disk."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter

if TYPE_CHECKING:
    from roadseg.datasets.check import CheckReport
    from roadseg.datasets.kind import DatasetKind

SHOWN_PROBLEMS = 10

datasets = typer.Typer(
    name="datasets",
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

LISTED_SPLITS = 3
"""Splits shown for each kind in the list; `show` prints all."""


@datasets.callback(invoke_without_command=True)
def list_datasets(context: typer.Context, quiet: Quiet = False, as_json: Json = False, debug: Debug = False) -> None:
    """List the kinds of data sets, show the folder layout of one, check a data set.

    [bold]Examples:[/bold]
    roadseg datasets
    roadseg datasets show cityscapes
    roadseg datasets check cityscapes:data/cityscapes:val
    """
    if context.invoked_subcommand:
        return
    from roadseg.datasets.catalogue import DATASETS

    reporter = Reporter(quiet=quiet, as_json=as_json)
    reporter.result(_listing(list(DATASETS.values())), [_kind_as_dict(kind) for kind in DATASETS.values()])
    reporter.say("\nMore: [bold]roadseg datasets show NAME[/bold]")


@datasets.command()
def show(
    name: Annotated[str, typer.Argument(metavar="KIND", help="A kind from the list of `roadseg datasets`.")],
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Show the source, the folder layout and the notation of a kind of data set.

    [bold]Example:[/bold] roadseg datasets show folder
    """
    from roadseg.datasets.catalogue import dataset_kind

    kind = dataset_kind(name)
    Reporter(quiet=quiet, as_json=as_json).result(_portrait(kind), _kind_as_dict(kind))


@datasets.command()
def check(
    dataset: Annotated[str, typer.Argument(metavar="KIND:ROOT[:SPLIT]", help="Data set. Default split: the first.")],
    full: Annotated[bool, typer.Option("--full", help="Read every image instead of 200, evenly spread.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Check a data set on disk: completeness, readable files, meaningful label maps.

    Exits with code 0 if there are no problems, else 1.

    [bold]Example:[/bold] roadseg datasets check cityscapes:data/cityscapes:val
    """
    from roadseg.datasets.catalogue import dataset_kind
    from roadseg.datasets.check import SAMPLE, check_dataset

    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars("images") as bars:
        report = check_dataset(
            dataset,
            sample=None if full else SAMPLE,
            on_progress=lambda done, total: bars.show("checking", done, total),
        )
    reporter.result(_findings(report), report.as_dict())
    others = [split for split in dataset_kind(report.kind).splits if split != report.split]
    if others and report.published and not dataset.endswith(f":{report.split}"):
        reporter.say(f"Other splits: {', '.join(others)} ({escape(dataset)}:SPLIT)")
    if not report.fine:
        raise typer.Exit(1)


def _listing(kinds: "Sequence[DatasetKind]") -> str:
    return "\n".join(
        f"[bold]{kind.name:17}[/bold]" + f"\n{'':17}".join(escape(line) for line in _summary(kind)) for kind in kinds
    )


def _summary(kind: "DatasetKind") -> list[str]:
    from roadseg.labels.catalogue import LABEL_SPACES

    classes = f"{len(LABEL_SPACES[kind.label_space])} classes ({kind.label_space})" if kind.label_space else ""
    named = [_split(name, count) for name, count in kind.splits.items()]
    splits = ", ".join([*named[:LISTED_SPLITS], *(["..."] if len(named) > LISTED_SPLITS else [])])
    return [line for line in (kind.title, "; ".join(filter(None, (splits, classes))), kind.url) if line]


def _split(name: str, count: int | None) -> str:
    return name if count is None else f"{name} {count:,}"


def _portrait(kind: "DatasetKind") -> str:
    root = f"data/{kind.name}" + (".zip" if kind.is_zip else "")
    example = f"{kind.name}:{root}" + (f":{next(iter(kind.splits))}" if kind.splits else "")
    facts = {
        "source": kind.url,
        "licence": kind.licence,
        "paper": kind.paper,
        "splits": ", ".join(_split(name, count) for name, count in kind.splits.items()),
        "images": kind.image_size,
        "labels": kind.label_space,
        "notation": example,
        "check": f"roadseg datasets check {example}",
    }
    lines = [f"[bold]{kind.name}[/bold]: {escape(kind.title)}", ""]
    lines += [f"  {fact:12}{escape(text)}" for fact, text in facts.items() if text]
    lines += ["", "The zip:" if kind.is_zip else "The folder:", ""] + [
        f"  {escape(line)}".rstrip() for line in kind.layout.splitlines()
    ]
    return "\n".join(lines)


def _kind_as_dict(kind: "DatasetKind") -> dict[str, Any]:
    facts = ("name", "title", "url", "licence", "paper", "image_size", "label_space", "layout")
    return {**{fact: getattr(kind, fact) for fact in facts}, "splits": dict(kind.splits)}


def _findings(report: "CheckReport") -> str:
    """Return the findings, one line each, and the class shares as a table."""
    where = f"{report.kind}:{report.root}" + (f":{report.split}" if report.split else "")
    count = f"{report.images:,}" + (f" of {report.published:,}" if report.published else "")
    part = f" of {report.part}" if report.part else ""
    read = "all read" if report.checked == report.images else f"{report.checked} read, evenly spread"
    lines = [f"[bold]{escape(where)}[/bold]: {count} images{part}, {read}"]
    lines += [f"  {width}x{height}: {number}" for (width, height), number in list(report.sizes.items())[:5]]
    if len(report.sizes) > 5:
        lines.append(f"  and {len(report.sizes) - 5} other sizes")
    if report.shares:
        lines.append(f"Labels ({report.label_space.name if report.label_space else ''}), % of labelled pixels:")
        lines += [f"  {escape(name):24}{share:7.3f}" for name, share in report.shares.items()]
        lines.append(f"  [dim]{'ignored, % of all':24}{report.ignored:7.3f}[/dim]")
    elif not report.label_space:
        lines.append("No label maps: usable only as a target domain.")
    lines += [f"[yellow]notice:[/yellow] {escape(notice)}" for notice in report.notices]
    problems = report.problems[:SHOWN_PROBLEMS]
    if not problems:
        lines.append("[green]no problems[/green]")
        return "\n".join(lines)
    wrong = len(report.problems)
    lines.append(f"[bold red]{wrong} {'problems' if wrong > 1 else 'problem'}[/bold red]")
    lines += [f"  {escape(problem.cause)}" for problem in problems]
    if len(report.problems) > len(problems):
        lines.append(f"  and {len(report.problems) - len(problems)} more (--json lists all)")
    remedies = dict.fromkeys(problem.remedy for problem in report.problems if problem.remedy)
    lines += [f"[cyan]→ {escape(remedy)}[/cyan]" for remedy in remedies]
    return "\n".join(lines)
