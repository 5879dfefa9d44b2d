"""`roadseg datasets`: the known data sets, what each looks like on disk, and a check of a folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, Quiet, Reporter

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
"""Of a kind in the list; `show` has all of them."""


@datasets.callback(invoke_without_command=True)
def list_datasets(context: typer.Context, quiet: Quiet = False, as_json: Json = False, debug: Debug = False) -> None:
    """List the known data sets; show what one looks like on disk, check a folder.

    [bold]Examples:[/bold]
    roadseg datasets
    roadseg datasets show cityscapes
    roadseg datasets check cityscapes data/cityscapes --split val
    """
    if context.invoked_subcommand:
        return
    from roadseg.datasets.catalogue import DATASETS

    reporter = Reporter(quiet=quiet, as_json=as_json)
    reporter.result(_listing(list(DATASETS.values())), [_kind_as_dict(kind) for kind in DATASETS.values()])
    reporter.say("\nMore: [bold]roadseg datasets show NAME[/bold]")


@datasets.command()
def show(
    name: Annotated[str, typer.Argument(help="One of `roadseg datasets`.")],
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show where to get a data set, how its folder has to look and how recipes name it.

    [bold]Example:[/bold] roadseg datasets show folder
    """
    from roadseg.datasets.catalogue import dataset_kind

    kind = dataset_kind(name)
    Reporter(quiet=quiet, as_json=as_json).result(_portrait(kind), _kind_as_dict(kind))


@datasets.command()
def check(
    name: Annotated[str, typer.Argument(help="One of `roadseg datasets`.")],
    root: Annotated[Path, typer.Argument(help="Its folder, or zip.")],
    split: Annotated[str, typer.Option(help="One of its splits; default: the first.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Read every picture; else 200, evenly spread.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check a data set on disk: is it all there, can it be read, do the label maps mean something.

    Exit code 0 if it is fine, 1 if anything is wrong.

    [bold]Example:[/bold] roadseg datasets check cityscapes data/cityscapes --split val
    """
    from roadseg.datasets.catalogue import dataset_kind
    from roadseg.datasets.check import SAMPLE, check_dataset

    reporter = Reporter(quiet=quiet, as_json=as_json)
    kind = dataset_kind(name)
    with reporter.bars("pictures") as bars:
        report = check_dataset(
            kind,
            root,
            split,
            sample=None if full else SAMPLE,
            on_progress=lambda done, total: bars.show("checking", done, total),
        )
    reporter.result(_findings(report), report.as_dict())
    others = [each for each in kind.splits if each != report.split]
    if others and not split and report.published:
        reporter.say(f"Other splits: {', '.join(others)} (--split NAME)")
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
        "get it": kind.url,
        "licence": kind.licence,
        "paper": kind.paper,
        "splits": ", ".join(_split(name, count) for name, count in kind.splits.items()),
        "pictures": kind.picture_size,
        "labels": kind.label_space,
        "in recipes": f'"{example}"',
        "check": f"roadseg datasets check {kind.name} {root}",
    }
    lines = [f"[bold]{kind.name}[/bold]: {escape(kind.title)}", ""]
    lines += [f"  {fact:12}{escape(text)}" for fact, text in facts.items() if text]
    lines += ["", "The zip:" if kind.is_zip else "The folder:", ""] + [
        f"  {escape(line)}".rstrip() for line in kind.layout.splitlines()
    ]
    return "\n".join(lines)


def _kind_as_dict(kind: "DatasetKind") -> dict[str, Any]:
    facts = ("name", "title", "url", "licence", "paper", "picture_size", "label_space", "layout")
    return {**{fact: getattr(kind, fact) for fact in facts}, "splits": dict(kind.splits)}


def _findings(report: "CheckReport") -> str:
    """What was found, a line each; the class shares as a table."""
    where = f"{report.kind}:{report.root}" + (f":{report.split}" if report.split else "")
    count = f"{report.pictures:,}" + (f" of {report.published:,}" if report.published else "")
    part = f" of {report.part}" if report.part else ""
    read = "all read" if report.checked == report.pictures else f"{report.checked} read, evenly spread"
    lines = [f"[bold]{escape(where)}[/bold]: {count} pictures{part}, {read}"]
    lines += [f"  {width}x{height}: {number}" for (width, height), number in list(report.sizes.items())[:5]]
    if len(report.sizes) > 5:
        lines.append(f"  and {len(report.sizes) - 5} other sizes")
    if report.shares:
        lines.append(f"Labels ({report.label_space.name if report.label_space else ''}), % of labelled pixels:")
        lines += [f"  {escape(name):24}{share:7.3f}" for name, share in report.shares.items()]
        lines.append(f"  [dim]{'ignored, % of all':24}{report.ignored:7.3f}[/dim]")
    elif not report.label_space:
        lines.append("No label maps: a target domain at most.")
    problems = report.problems[:SHOWN_PROBLEMS]
    if not problems:
        lines.append("[green]fine[/green]")
        return "\n".join(lines)
    lines.append(f"[bold red]{len(report.problems)} wrong[/bold red]")
    lines += [f"  {escape(problem.cause)}" for problem in problems]
    if len(report.problems) > len(problems):
        lines.append(f"  and {len(report.problems) - len(problems)} more (--json lists all)")
    remedies = dict.fromkeys(problem.remedy for problem in report.problems if problem.remedy)
    lines += [f"[cyan]→ {escape(remedy)}[/cyan]" for remedy in remedies]
    return "\n".join(lines)
