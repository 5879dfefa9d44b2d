"""`roadseg fetch`: download videos from the web."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter, fail
from roadseg.cli.options import parse_bytes, parse_section

if TYPE_CHECKING:
    from roadseg.fetch.job import FetchRecord, FetchReport

VIDEOS = Path("data/videos")


def fetch(
    urls: Annotated[list[str], typer.Argument(metavar="URL", help="Video files, HLS streams, or pages with a video.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the videos and their manifest.jsonl.")
    ] = VIDEOS,
    max_height: Annotated[
        int, typer.Option(min=1, metavar="PIXELS", help="Largest height of the video, e.g. 720.")
    ] = 1080,
    playlist: Annotated[bool, typer.Option("--playlist", help="Fetch all videos of a playlist.")] = False,
    section: Annotated[
        str | None, typer.Option(metavar="START-END", help="Fetch only this part, e.g. 1:30-2:00. Needs ffmpeg.")
    ] = None,
    rate_limit: Annotated[
        str | None, typer.Option(metavar="BYTES", help="Highest download rate per second, e.g. 500K or 2M.")
    ] = None,
    cookies: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A browser's cookies.txt, for videos behind a login.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Download videos from the web.

    Videos that are already there are kept; an interrupted download is resumed.
    Each file is checked to be a video. DIR/manifest.jsonl lists where each came
    from, when, and its SHA-256.

    [bold]Example:[/bold] roadseg fetch https://example.org/drive.mp4 --out data/videos
    """
    reporter = Reporter(quiet=quiet, as_json=as_json)
    report = fetched(
        reporter,
        urls,
        out,
        max_height=max_height,
        playlist=playlist,
        section=parse_section(section) if section else None,
        rate_limit=parse_bytes(rate_limit) if rate_limit else None,
        cookies=cookies,
        debug=debug,
    )
    reporter.result(_summary(report), {"videos": [_as_dict(record) for record in report.records]})
    if report.count("failed"):
        raise typer.Exit(1)


def is_address(source: str) -> bool:
    """Return True for an address that can be fetched."""
    return source.lower().startswith(("http://", "https://"))


def fetched(
    reporter: Reporter, urls: Sequence[str], out: Path, *, debug: bool = False, **options: Any
) -> "FetchReport":
    """Fetch videos with progress bars, and print the errors of those that fail.

    Args:
        reporter: where to print.
        urls: addresses.
        out: folder for the videos.
        debug: print what yt-dlp says.
        options: see `roadseg.fetch_videos`.
    """
    from roadseg.fetch.job import fetch_videos
    from roadseg.fetch.ytdlp import Progress

    with reporter.bars("MB") as bars:

        def show(url: str, progress: Progress) -> None:
            total = progress.total_bytes and progress.total_bytes / 1e6
            bars.show(_label(url), progress.downloaded_bytes / 1e6, total)

        def report_problem(record: "FetchRecord") -> None:
            bars.hide(_label(record.url))
            if record.status == "failed":
                fail(f"{record.url}: {record.cause}", record.remedy)

        return fetch_videos(
            urls,
            out,
            **options,
            on_progress=show,
            on_record=report_problem,
            on_problem=reporter.warn,
            log=(lambda line: reporter.say(escape(line))) if debug else (lambda line: None),
        )


def _label(url: str) -> str:
    """Return the end of an address, short enough to leave room for its progress bar."""
    return url if len(url) <= 32 else "…" + url[-31:]


def _summary(report: "FetchReport") -> str:
    """Return one line for each video on disk, and one with the counts."""
    lines = []
    for record in report.records:
        if record.file and (video := record.entry):
            length = "" if video.duration_seconds is None else f", {video.duration_seconds:.1f} s"
            facts = f"{video.width}x{video.height}{length}, {video.size_bytes / 1e6:.1f} MB"
            lines.append(f"{record.status:13}  {escape(str(record.file))}  ({facts})")
    counts = [(report.count(status), status) for status in ("downloaded", "already there", "failed")]
    lines.append(", ".join(f"{number} {status}" for number, status in counts if number))
    return "\n".join(lines)


def _as_dict(record: "FetchRecord") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "url": record.url,
        "status": record.status,
        "file": str(record.file) if record.file else None,
        "cause": record.cause or None,
        "remedy": record.remedy or None,
        "video": asdict(record.entry) if record.entry else None,
    }
