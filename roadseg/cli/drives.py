"""`roadseg drives`: group clips into drives."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import parse_duration
from roadseg.errors import one_line

if TYPE_CHECKING:
    from roadseg.drives.model import Drive, Drives
    from roadseg.video.find import FoundVideo

TOP_DRIVES, TOP_NOTICES = 40, 20
"""Rows and notices that a terminal shows; `--json` and the drive file have all."""

DriveName = Annotated[str | None, typer.Option("--drive", metavar="NAME", help="With a drive file: only this drive.")]
Channel = Annotated[
    str | None,
    typer.Option("--channel", metavar="NAME", help="With a drive file: e.g. rear."),
]


def drives(
    folders: Annotated[
        list[str], typer.Argument(metavar="FOLDER", help="Folders of clips, such as a camera's card; or a drive file.")
    ],
    gap: Annotated[
        str, typer.Option(metavar="TIME", help="A longer time without any clip begins another drive.")
    ] = "60s",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.json", help="Save as a drive file for other commands.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Group the clips of a dashcam into drives, by names, times and channels.

    Knows the names of BlackVue, VIOFO, 70mai, Tesla, GoPro, Thinkware, Garmin,
    MiVue, Nextbase and DJI, and plain dates and times. Reads only headers.
    Names gaps, overlaps, copies, broken clips and clocks that disagree.

    [bold]Example:[/bold] roadseg drives /media/card --out drives.json
    [bold]Example:[/bold] roadseg overlay drives.json --out overlays
    """
    from roadseg.drives.find import find_drives
    from roadseg.drives.model import is_drive_file

    if out is not None and not is_drive_file(out):
        raise typer.BadParameter(f"{out.name!r}: end it in .json", param_hint="--out")
    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars("clips") as bars:
        found = find_drives(
            folders[0] if len(folders) == 1 else folders,
            gap=float(parse_duration(gap)),
            on_progress=lambda done, total: bars.show("reading headers", done, total),
        )
    if out is not None:
        found.write(out)
    reporter.result(_table(found), found.model_dump(mode="json"))
    notices = found.all_notices()
    for notice in notices[:TOP_NOTICES]:
        reporter.warn(notice)
    if len(notices) > TOP_NOTICES:
        reporter.warn(f"... and {len(notices) - TOP_NOTICES} more, all with --json and in the drive file of --out")
    if out is not None:
        reporter.say(f"written: {escape(one_line(str(out)))}; next: roadseg overlay {escape(one_line(str(out)))}")


def of_drives(
    reporter: Reporter, given: Iterable[str], drive: str | None, channel: str | None
) -> "list[str | FoundVideo]":
    """Replace drive files by the clips that `--drive` and `--channel` choose; warn of drives without this channel.

    Raises:
        typer.BadParameter: these are given without a drive file.
        InputError: a drive file cannot be read, or there is no such drive or channel.
    """
    from roadseg.drives.find import find_drives
    from roadseg.drives.model import is_drive_file
    from roadseg.drives.names import FRONT

    found: list[str | FoundVideo] = []
    files = 0
    for one in given:
        if is_drive_file(one):
            files += 1
            drives_found = find_drives(one)
            found += drives_found.videos(channel=channel or FRONT, drive=drive)
            for each in drives_found.drives:
                if drive in (None, each.name) and (channel or FRONT) not in each.channels:
                    has = ", ".join(each.channels)
                    reporter.warn(f"{each.name}: no channel {channel or FRONT}, left out; --channel chooses of {has}")
        else:
            found.append(one)
    if not files and (drive, channel) != (None, None):
        option = "--drive" if drive is not None else "--channel"
        raise typer.BadParameter(f"{option} needs a drive file; make one with: roadseg drives FOLDER --out drives.json")
    return found


def _table(found: "Drives") -> Table:
    table = Table(
        title="1 drive" if len(found.drives) == 1 else f"{len(found.drives)} drives",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("drive", overflow="fold")
    table.add_column("camera")
    table.add_column("length", justify="right")
    table.add_column("clips")
    table.add_column("gaps", justify="right")
    for drive in found.drives[:TOP_DRIVES]:
        channels = ", ".join(f"{name} {len(clips)}" for name, clips in drive.channels.items())
        table.add_row(*map(escape, (drive.name, drive.camera, _length(drive), channels, str(_gaps(drive) or ""))))
    if len(found.drives) > TOP_DRIVES:
        table.caption = f"... and {len(found.drives) - TOP_DRIVES} more"
    return table


def _gaps(drive: "Drive") -> int:
    """Return the number of gaps and overlaps of the channel that has most of them."""
    channels = [gap.channel for gap in drive.gaps]
    return max(map(channels.count, channels), default=0)


def _length(drive: "Drive") -> str:
    minutes, seconds = divmod(round(drive.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
