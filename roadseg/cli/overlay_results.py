"""Output of `roadseg overlay`: progress, a line for each video, and the tables at the end."""

import time
import traceback
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from roadseg.cli.console import Bars, Reporter, debug_wanted, fail
from roadseg.errors import one_line

if TYPE_CHECKING:
    from roadseg.jobs.overlay import OverlayProgress
    from roadseg.overlay.failures import Failure
    from roadseg.overlay.summary import OverlaySummary
    from roadseg.video.gif import Gif

TOP_CLASSES = 8
"""Rows of the table at the end; the summary files have all classes."""
TOP_VIDEOS = 20
"""Rows of the table of videos; `--json` has all."""


def speed_text(frames_per_second: float) -> str:
    """Return a speed as text: 63, or 0.48 with `--every` or on a slow machine."""
    return f"{frames_per_second:.0f}" if frames_per_second >= 10 else f"{frames_per_second:.2g}"


class OverlayBars:
    """Progress bars: one video after the other with its speed; of a Ray cluster, all videos in one bar."""

    def __init__(self, bars: Bars, *, on_ray: bool) -> None:
        self._bars = bars
        self._on_ray = on_ray
        self._ended = 0
        self._videos: int | None = None
        self._task = ""
        self._started: float | None = None
        self._before = 0
        if on_ray:
            self._show_ray("Ray starts")

    def __call__(self, progress: "OverlayProgress") -> None:
        """Show progress."""
        self._videos = progress.videos
        if self._on_ray:
            workers = f"{progress.workers} worker{'' if progress.workers == 1 else 's'}"
            speed = self._speed(progress.frames) if progress.frames else ""
            self._show_ray(f"{workers}, {speed}" if speed else workers)
            return
        assert progress.video is not None
        name = progress.video.name if len(progress.video.name) <= 32 else "…" + progress.video.name[-31:]
        task = name + (f" ({progress.number}/{progress.videos})" if progress.videos > 1 else "")
        if task != self._task:
            self._task, self._started = task, None
        self._bars.show(task, progress.frames, progress.frames_in_all, self._speed(progress.frames))

    def one_ended(self) -> None:
        """Count a video that has just ended, well or not, and take its bar away."""
        self._ended += 1
        if self._on_ray:
            self._show_ray("")
        else:
            self._bars.hide(self._task)

    def _speed(self, frames: int) -> str:
        """Return the frames per second since the first call for this bar."""
        if self._started is None:
            self._started, self._before = time.perf_counter(), frames
            return ""
        return f"{speed_text((frames - self._before) / (time.perf_counter() - self._started))} frames/s"

    def _show_ray(self, note: str) -> None:
        self._bars.show("overlay", self._ended, self._videos, note)


class Notices:
    """Notices of videos; what clips of a drive have in common is said with the first of them, and at the end."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._of_drives = Counter[tuple[str, str]]()

    def add(self, result: "OverlaySummary") -> None:
        """Print the notices of a video that were not said before of its drive."""
        events = [f"{name.replace('_', ' ')}: {value:g}" for name, value in result.decoder_events.items() if value]
        for notice in [*([", ".join(events)] if events else []), *result.notices]:
            if result.drive is not None:
                place = f"{result.drive.name}, {result.drive.channel}", notice
                self._of_drives[place] += 1
                if self._of_drives[place] > 1:
                    continue
            self._reporter.warn(f"{result.title}: {notice}")

    def end(self) -> None:
        """Print the notices that were said once of several clips, with their number."""
        for (drive, notice), clips in self._of_drives.items():
            if clips > 1:
                self._reporter.warn(f"{drive}: {notice} ({clips} clips)")


def report_result(reporter: Reporter, notices: Notices, result: "OverlaySummary | Failure") -> None:
    """Print a line for a video that has just ended, and its notices."""
    from roadseg.overlay.failures import Failure

    if isinstance(result, Failure):
        which = f" (track {result.track})" if result.track else ""
        fail(result.error.cause + which, result.error.remedy)
        if debug_wanted():
            traceback.print_exception(result.error)
        return
    done = (
        "done before, skipped (--overwrite does it again)"
        if result.skipped
        else f"{result.frames} frames in {result.wall_seconds:.1f} s, {speed_text(result.frames_per_second)} frames/s"
    )
    if result.frames_resumed and not result.skipped:
        done += f", of which {result.frames_resumed} were done before"
    masked = f", {100 * result.masked_share:.1f} % masked" if result.masked_share else ""
    reporter.say(f"{escape(result.title)}: {done}{masked}")
    if not result.skipped:
        notices.add(result)


def report_gif(reporter: Reporter, gif: "Gif") -> None:
    """Print a line for a GIF that was written."""
    width, height = gif.size
    reporter.say(f"{escape(str(gif.path))}: {width}x{height}, {gif.seconds:.1f} s, {gif.bytes / 1e6:.1f} MB")


def show_results(
    reporter: Reporter,
    results: "list[OverlaySummary | Failure]",
    out: Path,
    shard: tuple[int, int] | None,
    pages: list[Path],
) -> None:
    """Print the tables or the JSON document; exit with 1 if a video failed."""
    from roadseg.overlay.failures import Failure, failure_record
    from roadseg.overlay.tasks import Shard

    summaries = [result for result in results if not isinstance(result, Failure)]
    if summaries or reporter.as_json or len(results) > 1:
        tables = [_videos_table(results)] if len(results) > 1 else []
        tables += [_classes_table(summaries, out, pages)] if summaries else []
        reporter.result(Group(*tables), {"out": str(out), "videos": [_as_dict(result) for result in results]})
    failures = len(results) - len(summaries)
    if failures and len(results) > 1:
        record = failure_record(out, Shard(*shard) if shard else None)
        fail(f"{failures} of {len(results)} videos failed", f"{record} says which and why.")
    if failures:
        raise typer.Exit(1)


def _videos_table(results: "list[OverlaySummary | Failure]") -> Table:
    """Return a table of the videos, failures first."""
    from roadseg.overlay.failures import Failure

    table = Table(title="videos", title_justify="left", caption_justify="left")
    table.add_column("video", overflow="fold")
    for heading in ("frames", "s", "frames/s"):
        table.add_column(heading, justify="right")
    table.add_column("status")
    for result in sorted(results, key=lambda result: not isinstance(result, Failure))[:TOP_VIDEOS]:
        if isinstance(result, Failure):
            table.add_row(escape(result.title), "", "", "", "failed", style="red")
            continue
        facts = str(result.frames), f"{result.duration_seconds:.1f}", speed_text(result.frames_per_second)
        table.add_row(escape(result.title), *facts, "skipped" if result.skipped else "done")
    if len(results) > TOP_VIDEOS:
        table.caption = f"... and {len(results) - TOP_VIDEOS} more"
    return table


def _classes_table(summaries: "list[OverlaySummary]", out: Path, pages: list[Path]) -> Table:
    """Return a table of the classes that take up most of the frames, over all videos, weighted by their duration."""
    from roadseg.overlay.masks import MASKS_SUFFIXES
    from roadseg.overlay.summary import mean_shares
    from roadseg.video.find import video_count

    shares = mean_shares(summaries)
    seconds = sum(summary.duration_seconds for summary in summaries)
    seen: defaultdict[str, float] = defaultdict(float)
    for entry in (entry for summary in summaries for entry in summary.classes):
        seen[entry.name] += entry.seconds
    suffixes = sorted({f".overlay.{summary.job.container}" for summary in summaries})
    suffixes += sorted({MASKS_SUFFIXES[each.job.masks] for each in summaries if each.job.masks is not None})
    suffixes += [".frames.parquet", ".summary.json", ".report.html"]
    if len(summaries) == 1 and summaries[0].chosen_overlay:
        where = ", ".join([str(out), *suffixes[1:]])
    elif len(summaries) == 1 and pages:  # a page is beside the other results
        where = f"{pages[0].parent / pages[0].name.removesuffix(suffixes[-1])}{suffixes[0]}, {', '.join(suffixes[1:])}"
    else:
        where = f"{out}: {', '.join(f'*{suffix}' for suffix in suffixes)}"
    table = Table(
        title=f"{video_count(len(summaries))}, {seconds:.1f} s",
        title_justify="left",
        caption=escape(one_line(f"results in {where}")),
        caption_justify="left",
    )
    table.add_column("class")
    table.add_column("of the frame %", justify="right")
    table.add_column("seen for s", justify="right")
    for name in sorted(shares, key=lambda name: -shares[name])[:TOP_CLASSES]:
        if shares[name]:
            table.add_row(name, f"{100 * shares[name]:.1f}", f"{seen[name]:.1f}")
    return table


def _as_dict(result: "OverlaySummary | Failure") -> dict[str, Any]:
    from roadseg.overlay.failures import Failure

    if isinstance(result, Failure):
        return {
            "video": str(result.video),
            "track": result.track,
            "status": "failed",
            "cause": result.error.cause,
            "remedy": result.error.remedy,
        }
    return {"status": "skipped" if result.skipped else "done", **result.model_dump(mode="json")}
