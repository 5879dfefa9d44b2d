"""`roadseg overlay` for a live look at a camera, a stream or a video."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from roadseg.cli.console import Reporter
from roadseg.cli.options import given_besides

if TYPE_CHECKING:
    from roadseg.overlay.live import LiveStatus

PANEL = "Live look"

Show = Annotated[
    bool,
    typer.Option(
        "--show",
        help="Show it as it comes, in a window or on a local page; nothing is written. Cameras and streams always are.",
        rich_help_panel=PANEL,
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, metavar="N", help="Show it on http://127.0.0.1:N, also where there is a screen.",
        rich_help_panel=PANEL,
    ),
]  # fmt: skip
TAKEN = (
    *("input_size", "device", "engine", "start", "duration"),
    *("opacity", "style", "fit_edges", "palette", "classes", "legend", "side_by_side", "height", "title", "blur"),
)
"""Options of the job, as the command has them."""
ALLOWED = (*TAKEN, "videos", "run", "show", "port", "threads", "quiet", "as_json", "debug")
"""Parameters of the command that may be given for a live look."""


def is_live(sources: list[str], *, show: bool, port: int | None) -> bool:
    """Return True if the sources are to be shown live: by option, or because one of them has no end."""
    from roadseg.video.live import is_endless, is_real_time

    return show or port is not None or any(is_real_time(source) or is_endless(source) for source in sources)


def overlay_live(
    context: typer.Context,
    reporter: Reporter,
    sources: list[str],
    run: Path,
    port: int | None,
    options: Mapping[str, Any],
) -> None:
    """Show one source live, with its speed on the terminal; print the totals at the end."""
    from roadseg.jobs import live as job

    if wrong := given_besides(context, ALLOWED):
        raise typer.BadParameter(f"{wrong[0]} does not go with a live look, which writes nothing: leave it out")
    if len(sources) > 1:
        raise typer.BadParameter("a live look is at one source at a time")
    taken = {name: options[name] for name in TAKEN}
    last: list[LiveStatus] = []
    try:
        with reporter.bars("frames") as bars:

            def show(status: "LiveStatus") -> None:
                last[:] = [status]
                bars.show("live", status.frames, None, _line(status))

            job.overlay_live(
                *(sources[0], run),
                **taken,
                port=port,
                on_address=lambda address: reporter.say(f"look at [bold]{address}[/bold] in a browser; Ctrl-C ends it"),
                on_status=show,
                on_notice=reporter.warn,
            )
    finally:
        for status in last:
            reporter.result(escape(f"{status.frames} frames: {_line(status)}"), vars(status))


def _line(status: "LiveStatus") -> str:
    return (
        f"{status.frames_per_second:.1f} frames/s, latency {1000 * status.median_latency_seconds:.0f} ms "
        f"(at most {1000 * status.worst_latency_seconds:.0f}), {status.dropped} dropped"
    )
