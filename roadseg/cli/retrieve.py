"""`roadseg retrieve`: find the nearest images across two domains, and measure how mixed the domains are."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import Device, Run, Threads
from roadseg.cli.tables import shown


def retrieve(
    source: Annotated[
        str, typer.Option("--source", "-s", metavar="DATASET", help="A folder of images, or KIND:ROOT[:SPLIT].")
    ],
    target: Annotated[
        str, typer.Option("--target", "-t", metavar="DATASET", help="The other domain, in the same notation.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for images, page and tables.")],
    run: Run = Path("default"),
    before: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Another run to compare with, e.g. default.")
    ] = None,
    neighbours: Annotated[
        int, typer.Option("--neighbours", "-k", min=1, max=20, metavar="K", help="Neighbours of each image.")
    ] = 5,
    queries: Annotated[int, typer.Option(min=1, metavar="N", help="Images to show with their neighbours.")] = 5,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most N images of each, evenly spread.")
    ] = None,
    paired: Annotated[
        bool, typer.Option("--paired", help="Same name means same place: count how often it is found.")
    ] = False,
    device: Device = "auto",
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Find the nearest images across two domains, by features and by the layout of classes.

    Also measures how mixed the domains are, before and after adaptation. Labels
    are not used. Embeddings are kept in DIR: the same command embeds only what
    is missing, also after Ctrl-C.

    [bold]Example:[/bold] roadseg retrieve --source data/streets --target data/frames
    --run runs/my-roads --before default --out retrieval
    """
    from roadseg.jobs.retrieve import retrieve as find

    reporter = Reporter(quiet=quiet, as_json=as_json)
    try:
        with reporter.bars("images") as bars:
            result = find(
                source,
                target,
                out,
                run,
                before=before,
                neighbours=neighbours,
                queries=queries,
                limit=limit,
                paired=paired,
                device=device,
                on_progress=bars.show,
            )
    except KeyboardInterrupt:
        reporter.say("Stopped. Embeddings are kept; run the same command again to continue.")
        raise
    for notice in result.notices:
        reporter.warn(notice)
    for path in result.files:
        reporter.say(f"written: {escape(str(path))}")
    reporter.result(shown([result.table]), result.record)
