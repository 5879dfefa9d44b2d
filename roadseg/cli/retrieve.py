"""`roadseg retrieve`: the nearest pictures of one domain to those of another, and how mixed the domains are."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.options import Device
from roadseg.cli.tables import shown


def retrieve(
    source: Annotated[str, typer.Option("--source", "-s", help="Pictures: a folder, or KIND:ROOT[:SPLIT].")],
    target: Annotated[str, typer.Option("--target", "-t", help="Those of the other domain.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for pictures, page and tables.")],
    run: Annotated[
        Path, typer.Option("--run", "-r", metavar="RUN", help="Run folder of `roadseg adapt`; default: what ships.")
    ] = Path("default"),
    before: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Another run to set beside it, e.g. source-only.")
    ] = None,
    neighbours: Annotated[
        int, typer.Option("--neighbours", "-k", min=1, max=20, metavar="K", help="Of a picture.")
    ] = 5,
    queries: Annotated[int, typer.Option(min=1, metavar="N", help="Pictures shown with their neighbours.")] = 5,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N of each, evenly spread.")] = None,
    paired: Annotated[
        bool, typer.Option("--paired", help="Equal names are the same place: count what is found.")
    ] = False,
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Find the nearest pictures across two domains, by a network's features and by the layout of classes.

    Tells too how mixed the domains are, before and after adaptation. Labels are not used. What is embedded is kept
    in DIR: the same command, also after Ctrl-C, embeds only what is missing.

    [bold]Example:[/bold] roadseg retrieve --source data/streets --target data/frames
    --run runs/my-roads --before source-only --out retrieval
    """
    from roadseg.files import locked
    from roadseg.report.retrieval_files import retrieval_table, write_results
    from roadseg.retrieval.retrieve import checked_pair, open_pictures
    from roadseg.retrieval.retrieve import retrieve as find
    from roadseg.runtime import start

    reporter = Reporter(quiet=quiet, as_json=as_json)
    pair = checked_pair(open_pictures(source, limit), open_pictures(target, limit), neighbours, paired=paired)
    runs = {"run": run} if before is None else {"before": before, "after": run}
    runtime = start(device)
    try:
        with locked(out), reporter.bars("pictures") as bars:
            results = {
                label: find(path, pair, neighbours, out, runtime, on_progress=bars.show) for label, path in runs.items()
            }
            table = retrieval_table(results, f"{len(pair.source)} pictures of {source}, {len(pair.target)} of {target}")
            record = {
                "source": source,
                "target": target,
                "pictures": {"source": len(pair.source), "target": len(pair.target)},
                "neighbours": neighbours,
                "paired": paired,
                **{label: result.as_dict() for label, result in results.items()},
            }
            written = write_results(out, results, pair, table, record, queries)
    except KeyboardInterrupt:
        reporter.say("stopped: what is embedded is kept, the same command goes on")
        raise
    for path in written:
        reporter.say(f"written: {escape(str(path))}")
    reporter.result(shown([table]), record)
