"""Effect of adaptation on videos: class shares and, with ground truth, scores before and after, and their report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from roadseg.evaluation.comparison.grid import OverlayColumns
from roadseg.evaluation.score_tables import ScoreTable, as_markdown
from roadseg.files import write_json, write_png, write_text
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.summary import OverlaySummary, mean_shares
from roadseg.report.images import jpeg
from roadseg.report.pages import report_path, write_run_page
from roadseg.report.run_page import PAGE, ImageColumn, RunPage, ShownVideo
from roadseg.training.run_folder import RunFolder
from roadseg.video.find import COMPARISON_SUFFIX, video_count
from roadseg.video.reader import VideoReader

BEFORE, AFTER = "before", "after"
"""Labels of the weights that adaptation starts from, and of those that it ends with."""
SMALLEST_SHARE = 0.0005
"""Class share below which, both before and after, a class is left out of tables."""
REPORT = Path("report.json")
"""Facts of the report, in the folder of a recipe of videos."""
IMAGE = Path("before_after.png")
"""Image of some frames, before and after, in that folder."""
RUN = Path("run")
"""Run folder of the adaptation, in that folder."""
HEADER = ("class", BEFORE, AFTER, "change")


@dataclass(frozen=True)
class Footage:
    """Video of a recipe, and its outcome."""

    address: str
    """Path or address in the recipe."""
    file: str = ""
    """Path of the video; empty if it cannot be used."""
    pictures: int = 0
    """Number of its frames that are adapted to; the name is a key of videos.json."""
    cause: str = ""
    """Reason why there are none, in one line."""
    remedy: str = ""
    """Remedy, in one line."""


@dataclass(frozen=True)
class BeforeAfter:
    """Result of adaptation to videos."""

    name: str
    """Name for the heading."""
    what: str
    """Description of the adaptation in a few words."""
    footage: tuple[Footage, ...]
    seconds: Mapping[str, float]
    """Wall time by stage."""
    overlays: Mapping[str, Mapping[str, OverlaySummary]]
    """Summaries by `before` and `after`, then by file; failed videos are missing."""
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Scores by `before` and `after` on ground truth, as `Evaluation.as_dict` gives them; empty where there is none."""

    @property
    def frames(self) -> int:
        """Number of frames that are adapted to."""
        return sum(one.pictures for one in self.footage)

    @property
    def drawn(self) -> list[str]:
        """Files that have both overlays."""
        return [one.file for one in self.footage if all(one.file in overlays for overlays in self.overlays.values())]

    @property
    def left_out(self) -> list[Footage]:
        """Videos that cannot be used, or have no overlays."""
        return [one for one in self.footage if one.file not in self.drawn]

    def shares(self, files: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Return class shares before and after over all `files`, the largest share after adaptation first.

        Each video counts for as long as it lasts.
        """
        before, after = (mean_shares([self.overlays[label][file] for file in files]) for label in (BEFORE, AFTER))
        names = [name for name in after if max(before[name], after[name]) >= SMALLEST_SHARE]
        return {name: (before[name], after[name]) for name in sorted(names, key=lambda name: -after[name])}

    @property
    def iou(self) -> dict[str, tuple[float, float]]:
        """IoU in percent before and after, by class that the truth shows; then `mean`. Empty without scores."""
        if not self.scores:
            return {}
        before, after = self.scores[BEFORE], self.scores[AFTER]
        pairs = {name: (value, after["iou"].get(name)) for name, value in before["iou"].items()}
        known = {name: pair for name, pair in pairs.items() if None not in pair}
        return known | {"mean": (before["miou"], after["miou"])}

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON; paths as in the recipe and `--out`."""
        return {
            "name": self.name,
            "what": self.what,
            "frames": self.frames,
            "seconds": dict(self.seconds),
            "videos": [asdict(one) | self._measured(one.file) for one in self.footage],
            "scores": dict(self.scores),
        }

    def write(self, folder: Path, shown: OverlayColumns) -> None:
        """Write before_after.png, report.json and report.md, and last report.html, the page of all.

        Args:
            folder: folder of the overlays, in `overlay`, and of the comparison videos.
            shown: some frames, before and after.
        """
        write_png(folder / IMAGE, shown.sheet())
        write_json(folder / REPORT, self.as_dict())
        write_text(folder / "report.md", self._markdown())
        write_run_page(folder / PAGE, self._page(folder, shown))

    def _measured(self, file: str) -> dict[str, Any]:
        if file not in self.drawn:
            return {}
        shares = {name: {BEFORE: pair[0], AFTER: pair[1]} for name, pair in self.shares([file]).items()}
        return {"duration_seconds": self.overlays[AFTER][file].duration_seconds, "shares": shares}

    def _markdown(self) -> str:
        parts = [
            f"# {self.name}: before and after adaptation",
            f"{self._sentence}.",
            *(["Left out:\n\n" + "\n".join(f"- {problem}" for problem in self._problems)] if self._problems else []),
            f"![A few of the frames, before and after]({IMAGE})",
            as_markdown([self._videos(), *self._tables(), self._times()]),
        ]
        return "\n\n".join(parts)

    @property
    def _sentence(self) -> str:
        usable = sum(not one.cause for one in self.footage)
        return f"{self.what}, to {self.frames} unlabelled frames of {video_count(usable)}"

    @property
    def _problems(self) -> list[str]:
        return [f"{one.cause}. {one.remedy}" for one in self.footage if one.cause]

    def _page(self, folder: Path, shown: OverlayColumns) -> RunPage:
        """Return the page of the folder."""
        frames = [ImageColumn(column.heading.text, [jpeg(cell) for cell in column.cells]) for column in shown.columns]
        before, after = self.iou.get("mean", (0.0, 0.0))
        images = next(iter(self.scores.values()))["images"] if self.scores else 0
        return RunPage(
            name=self.name,
            facts=(video_count(len(self.drawn)), f"{self.frames} unlabelled frames"),
            lead=f"Mean IoU {before:.1f} before and {after:.1f} after adaptation, on {images} frames with ground truth."
            if self.scores
            else "",
            problems=self._problems,
            videos=[self._shown(one, folder) for one in self.footage if one.file in self.drawn],
            images=frames,
            images_note="Frames of the videos, spread evenly.",
            legend=shown.legend,
            tables=[*self._tables(), self._times()],
            made={"adaptation": self.what, "videos": ", ".join(one.address for one in self.footage)},
            files={
                IMAGE: "the images above",
                Path("report.md"): "this report as Markdown",
                REPORT: "its figures as JSON",
                RUN / RunFolder(RUN).page.name: "curves of the training",
                RUN / RunFolder(RUN).model.name: f"the weights: roadseg overlay VIDEO --run {folder / RUN}",
                Path("recipe.toml"): "the recipe",
            },
        )

    def _shown(self, one: Footage, folder: Path) -> ShownVideo:
        joined = comparison_path(Path(one.file))
        with VideoReader(folder / joined) as reader:
            aspect_ratio = float(reader.info.aspect_ratio)
        return ShownVideo(
            title=Path(one.file).name,
            video=joined,
            aspect_ratio=aspect_ratio,
            facts=(f"{self.overlays[AFTER][one.file].duration_seconds:.1f} s", f"{one.pictures} frames to adapt to"),
            links={f"page {label}": report_path(overlay_files(Path(one.file), label)) for label in (BEFORE, AFTER)},
        )

    def _videos(self) -> ScoreTable:
        rows = []
        for one in self.footage:
            if one.file not in self.drawn:
                continue
            paths = [overlay_files(Path(one.file), label).overlay for label in (BEFORE, AFTER)]
            links = [f"[{path.name}]({quote(path.as_posix())})" for path in (*paths, comparison_path(Path(one.file)))]
            seconds = self.overlays[AFTER][one.file].duration_seconds
            rows.append((one.address, f"{seconds:.1f} s", str(one.pictures), *links))
        return ScoreTable("Videos", ("video", "length", "frames", BEFORE, AFTER, "side by side"), tuple(rows))

    def _tables(self) -> list[ScoreTable]:
        """Return scores, where there are any, and class shares of each video."""
        return [*([self._scores()] if self.scores else []), *map(self._shares, self.drawn)]

    def _scores(self) -> ScoreTable:
        rows = tuple((name, *_changed(pair)) for name, pair in self.iou.items())
        bold = frozenset((len(rows) - 1, column) for column in range(1, len(HEADER)))
        after = self.scores[AFTER]
        title = f"IoU % against the ground truth of {after['images']} frames"
        notes = ("Classes that the truth never shows are left out.", *after.get("notices", ()))
        return ScoreTable(title, HEADER, rows, notes, bold)

    def _shares(self, file: str) -> ScoreTable:
        shares = self.shares([file]).items()
        rows = tuple((name, *_changed((100 * before, 100 * after))) for name, (before, after) in shares)
        note = "This video has no ground truth: the shares show what changed, not what is right."
        title = f"{Path(file).name}: share of the frame %"
        return ScoreTable(title, HEADER, rows, () if self.scores else (note,))

    def _times(self) -> ScoreTable:
        return ScoreTable("Time", ("stage", "s"), tuple((name, f"{value:.1f}") for name, value in self.seconds.items()))


def overlay_files(video: Path, label: str) -> OverlayFiles:
    """Return the results of a video `before` or `after`, relative to the folder of the recipe."""
    return OverlayFiles.of(video, Path("overlay") / label)


def comparison_path(video: Path) -> Path:
    """Return the path of the video with both overlays side by side, relative to the folder of the recipe."""
    return Path("overlay") / f"{video.stem}{COMPARISON_SUFFIX}"


def _changed(pair: tuple[float, float]) -> tuple[str, str, str]:
    """Return cells of values before and after, and their difference."""
    before, after = pair
    return f"{before:.1f}", f"{after:.1f}", f"{after - before:+z.1f}"
