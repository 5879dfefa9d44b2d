"""Effect of adaptation on videos: class shares before and after, in Markdown and JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from roadseg.evaluation.score_tables import ScoreTable, as_markdown
from roadseg.files import write_json, write_text
from roadseg.overlay.summary import OverlayFiles, OverlaySummary, mean_shares
from roadseg.video.find import video_count

BEFORE, AFTER = "before", "after"
"""Labels of the weights that adaptation starts from, and of those that it ends with."""
SMALLEST_SHARE = 0.0005
"""Class share below which, both before and after, a class is left out of tables."""


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

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON; paths as in the recipe and `--out`."""
        return {
            "name": self.name,
            "what": self.what,
            "frames": self.frames,
            "seconds": dict(self.seconds),
            "videos": [asdict(one) | self._measured(one.file) for one in self.footage],
        }

    def write(self, folder: Path, image: str) -> None:
        """Write report.json and then report.md, which shows `image` and links to the overlays in `folder`."""
        write_json(folder / "report.json", self.as_dict())
        write_text(folder / "report.md", self._markdown(folder, image))

    def _measured(self, file: str) -> dict[str, Any]:
        if file not in self.drawn:
            return {}
        shares = {name: {BEFORE: pair[0], AFTER: pair[1]} for name, pair in self.shares([file]).items()}
        return {"duration_seconds": self.overlays[AFTER][file].duration_seconds, "shares": shares}

    def _markdown(self, folder: Path, image: str) -> str:
        missing = [f"- {one.cause}. {one.remedy}" for one in self.footage if one.cause]
        parts = [
            f"# {self.name}: before and after adaptation",
            f"{self.what}, to {self.frames} unlabelled frames of {video_count(len(self.footage) - len(missing))}.",
            *(["Left out:\n\n" + "\n".join(missing)] if missing else []),
            f"![A few of the frames, before and after]({image})",
            as_markdown([self._videos(folder), *map(self._shares, self.drawn), self._times()]),
        ]
        return "\n\n".join(parts)

    def _videos(self, folder: Path) -> ScoreTable:
        rows = []
        for one in self.footage:
            if one.file not in self.drawn:
                continue
            links = []
            for label in (BEFORE, AFTER):
                below = OverlayFiles.of(Path(one.file), Path("overlay") / label).overlay
                links.append(f"[{below.name}]({quote(below.as_posix())})")
            seconds = self.overlays[AFTER][one.file].duration_seconds
            rows.append((one.address, f"{seconds:.1f} s", str(one.pictures), *links))
        return ScoreTable("Videos", ("video", "length", "frames", BEFORE, AFTER), tuple(rows))

    def _shares(self, file: str) -> ScoreTable:
        rows = tuple(
            (name, f"{100 * before:.1f}", f"{100 * after:.1f}", f"{100 * (after - before):+z.1f}")
            for name, (before, after) in self.shares([file]).items()
        )
        note = "This video has no ground truth: the shares show what changed, not what is right."
        title = f"{Path(file).name}: share of the frame %"
        return ScoreTable(title, ("class", BEFORE, AFTER, "change"), rows, (note,))

    def _times(self) -> ScoreTable:
        return ScoreTable("Time", ("stage", "s"), tuple((name, f"{value:.1f}") for name, value in self.seconds.items()))
