"""What adaptation changed on videos: shares of classes before and after, in Markdown and JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from roadseg.evaluation.score_tables import ScoreTable, as_markdown
from roadseg.files import write_json, write_text
from roadseg.overlay.summary import OverlayFiles, OverlaySummary

BEFORE, AFTER = "before", "after"
"""Of adaptation: the weights that it starts from, and those that it ends with."""
SMALLEST_SHARE = 0.0005
"""Classes with less of the picture both before and after are left out of tables."""


@dataclass(frozen=True)
class Footage:
    """One of the videos that a recipe names, and what became of it."""

    address: str
    """As the recipe names it."""
    file: str = ""
    """Where it lies; empty where it cannot be had."""
    pictures: int = 0
    """Frames of it that are adapted to."""
    cause: str = ""
    """Why there are none, in one line."""
    remedy: str = ""
    """What to do about it."""


@dataclass(frozen=True)
class BeforeAfter:
    """What adaptation to videos came to."""

    name: str
    """Of the whole, for the heading."""
    what: str
    """The adaptation in a few words."""
    footage: tuple[Footage, ...]
    seconds: Mapping[str, float]
    """Wall time by stage."""
    overlays: Mapping[str, Mapping[str, OverlaySummary]]
    """By `before` and `after`, then by file; a video that could not be drawn on is missing."""

    @property
    def pictures(self) -> int:
        """Frames that are adapted to."""
        return sum(one.pictures for one in self.footage)

    @property
    def drawn(self) -> list[str]:
        """Files with both overlays."""
        return [one.file for one in self.footage if all(one.file in overlays for overlays in self.overlays.values())]

    def shares(self, files: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Fraction of the picture by class, before and after, over all of `files`: the largest after comes first.

        A video counts for as long as it lasts.
        """
        before, after = (_mean_shares([self.overlays[label][file] for file in files]) for label in (BEFORE, AFTER))
        names = [name for name in after if max(before[name], after[name]) >= SMALLEST_SHARE]
        return {name: (before[name], after[name]) for name in sorted(names, key=lambda name: -after[name])}

    def as_dict(self) -> dict[str, Any]:
        """For JSON; paths as the recipe and `--out` have them."""
        return {
            "name": self.name,
            "what": self.what,
            "frames": self.pictures,
            "seconds": dict(self.seconds),
            "videos": [asdict(one) | self._measured(one.file) for one in self.footage],
        }

    def write(self, folder: Path, picture: str) -> None:
        """Write report.json and then report.md, which shows `picture` and links to the overlays below `folder`."""
        write_json(folder / "report.json", self.as_dict())
        write_text(folder / "report.md", self._markdown(folder, picture))

    def _measured(self, file: str) -> dict[str, Any]:
        if file not in self.drawn:
            return {}
        shares = {name: {BEFORE: pair[0], AFTER: pair[1]} for name, pair in self.shares([file]).items()}
        return {"duration_seconds": self.overlays[AFTER][file].duration_seconds, "shares": shares}

    def _markdown(self, folder: Path, picture: str) -> str:
        missing = [f"- {one.cause}. {one.remedy}" for one in self.footage if one.cause]
        parts = [
            f"# {self.name}: before and after adaptation",
            f"{self.what}, to {self.pictures} unlabelled frames of {_count(len(self.footage) - len(missing))}.",
            *(["Left out:\n\n" + "\n".join(missing)] if missing else []),
            f"![A few of the frames, before and after]({picture})",
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
            (name, f"{100 * before:.1f}", f"{100 * after:.1f}", f"{100 * (after - before):+.1f}")
            for name, (before, after) in self.shares([file]).items()
        )
        note = "No truth is known of this video: the shares tell what changed, not what is right."
        title = f"{Path(file).name}: share of the picture %"
        return ScoreTable(title, ("class", BEFORE, AFTER, "change"), rows, (note,))

    def _times(self) -> ScoreTable:
        return ScoreTable("Time", ("stage", "s"), tuple((name, f"{value:.1f}") for name, value in self.seconds.items()))


def _mean_shares(summaries: Sequence[OverlaySummary]) -> dict[str, float]:
    seconds = sum(summary.duration_seconds for summary in summaries)
    shares: dict[str, float] = {}
    for summary in summaries:
        for entry in summary.classes:
            shares[entry.name] = shares.get(entry.name, 0.0) + entry.share * summary.duration_seconds / seconds
    return shares


def _count(videos: int) -> str:
    return "1 video" if videos == 1 else f"{videos} videos"
