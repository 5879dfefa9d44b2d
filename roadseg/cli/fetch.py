"""`roadseg fetch`: download videos."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, Quiet, Reporter, fail
from roadseg.cli.options import parse_bytes, parse_section

if TYPE_CHECKING:
    from roadseg.fetch.job import FetchRecord, FetchReport


def fetch(
    urls: Annotated[list[str], typer.Argument(metavar="URL", help="Video files, HLS streams, or pages with one.")],
    out: Annotated[Path, typer.Option(help="Folder for the videos and their manifest.jsonl.")] = Path("data/videos"),
    max_height: Annotated[int, typer.Option(min=1, help="Highest picture to take, in lines.")] = 1080,
    playlist: Annotated[bool, typer.Option("--playlist", help="Fetch all videos of a playlist.")] = False,
    section: Annotated[
        str | None, typer.Option(metavar="START-END", help="Only this part, e.g. 1:30-2:00 (needs ffmpeg).")
    ] = None,
    rate_limit: Annotated[
        str | None, typer.Option(metavar="BYTES", help="Bytes a second at most, e.g. 500K or 2M.")
    ] = None,
    cookies: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A browser's cookies.txt, for videos behind a login.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Download videos. What is there already stays, and what was interrupted goes on where it stopped.

    Every file is opened before it counts. OUT/manifest.jsonl says where each came from, when, and its SHA-256.

    [bold]Example:[/bold] roadseg fetch https://example.org/drive.mp4 --out data/videos
    """
    from roadseg.fetch.job import fetch as download
    from roadseg.fetch.ytdlp import DownloadOptions, Progress

    reporter = Reporter(quiet=quiet, as_json=as_json)
    options = DownloadOptions(
        max_height=max_height,
        playlist=playlist,
        section=parse_section(section) if section else None,
        rate_limit=parse_bytes(rate_limit) if rate_limit else None,
        cookies=cookies,
    )
    with reporter.bars("MB") as bars:

        def show(url: str, progress: Progress) -> None:
            total = progress.total_bytes and progress.total_bytes / 1e6
            bars.show(_label(url), progress.downloaded_bytes / 1e6, total)

        def told(record: "FetchRecord") -> None:
            bars.hide(_label(record.url))
            if record.status == "failed":
                fail(f"{record.url}: {record.cause}", record.remedy)
            elif record.status == "skipped":
                reporter.warn(f"{record.url}: skipped: {record.cause}")

        report = download(
            urls,
            out,
            options,
            on_progress=show,
            on_record=told,
            log=(lambda line: reporter.say(escape(line))) if debug else (lambda line: None),
        )
    reporter.result(_shown(report), {"videos": [_as_dict(record) for record in report.records]})
    if report.count("failed"):
        raise typer.Exit(1)


def _label(url: str) -> str:
    """The end of an address, as much as leaves room for its bar."""
    return escape(url if len(url) <= 32 else "…" + url[-31:])


def _shown(report: "FetchReport") -> str:
    """A line for each video that is on the disk, and one that counts."""
    lines = []
    for record in report.records:
        if record.file and (video := record.entry):
            length = "" if video.duration_seconds is None else f", {video.duration_seconds:.1f} s"
            facts = f"{video.width}x{video.height}{length}, {video.size_bytes / 1e6:.1f} MB"
            lines.append(f"{record.status:13}  {escape(str(record.file))}  ({facts})")
    counts = [(report.count(status), status) for status in ("downloaded", "already there", "skipped", "failed")]
    lines.append(", ".join(f"{number} {status}" for number, status in counts if number))
    return "\n".join(lines)


def _as_dict(record: "FetchRecord") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "url": record.url,
        "status": record.status,
        "file": str(record.file) if record.file else None,
        "cause": record.cause or None,
        "video": asdict(record.entry) if record.entry else None,
    }
