"""Files of an overlay: names and places of the results of one video."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from roadseg.inputs.documents import read_json
from roadseg.overlay.masks import MASKS_SUFFIXES, MasksFormat
from roadseg.video.find import OVERLAY_SUFFIXES, Container

FRAMES_SUFFIX = ".frames.parquet"
SUMMARY_SUFFIX = ".summary.json"
MASK_SUFFIX, PREVIEW_SUFFIX = ".mask.png", ".mask.preview.png"


@dataclass(frozen=True)
class OverlayFiles:
    """Paths of the results of one video, or of one of its tracks."""

    folder: Path
    name: str
    """Common name of the files."""
    container: Container = "mp4"
    is_chosen: bool = False
    """True if a person chose the file of the overlay, NAME.mp4; False for NAME.overlay.mp4."""

    @classmethod
    def of(cls, video: Path, out: Path, *, track: int | None = None, container: Container = "mp4") -> Self:
        """Return the results of `video` in the folder `out`, named after the video without its suffix.

        Args:
            video: the file.
            out: folder of the results.
            track: number that is added to the name, where the results are of one of several tracks.
            container: format of the overlay.
        """
        return cls(out, video.stem if track is None else f"{video.stem}.track{track}", container)

    @classmethod
    def at(cls, overlay: Path) -> Self:
        """Return the results whose overlay is the file that a person chose, .mp4 or .mkv."""
        return cls(overlay.parent, overlay.stem, "mkv" if overlay.suffix.lower() == ".mkv" else "mp4", is_chosen=True)

    @classmethod
    def of_table(cls, frames: Path) -> Self:
        """Return the results that a table of frames belongs to, with the overlay that is there."""
        files = cls(frames.parent, frames.name.removesuffix(FRAMES_SUFFIX))
        for container, overlay in files.overlays.items():
            if overlay.exists():
                return replace(files, container=container)
        chosen = _chosen_overlay(files.summary)
        return cls.at(files.folder / chosen) if chosen else files

    @property
    def overlay(self) -> Path:
        """The overlay."""
        return self.named(f".{self.container}") if self.is_chosen else self.overlays[self.container]

    @property
    def overlays(self) -> dict[Container, Path]:
        """Path of the overlay in every container; one of them is there, unless a person chose another name."""
        return {container: self.named(suffix) for container, suffix in OVERLAY_SUFFIXES.items()}

    @property
    def gif(self) -> Path:
        """GIF of the overlay."""
        return self.overlay.with_suffix(".gif")

    @property
    def frames(self) -> Path:
        """The table of frames."""
        return self.named(FRAMES_SUFFIX)

    @property
    def summary(self) -> Path:
        """The summary."""
        return self.named(SUMMARY_SUFFIX)

    @property
    def mask(self) -> Path:
        """Image of the mask that was found in the video."""
        return self.named(MASK_SUFFIX)

    @property
    def mask_preview(self) -> Path:
        """Image of that mask on a frame of the video."""
        return self.named(PREVIEW_SUFFIX)

    @property
    def masks(self) -> dict[MasksFormat, Path]:
        """Path of the label maps in every format; at most one of them is there."""
        return {form: self.named(suffix) for form, suffix in MASKS_SUFFIXES.items()}

    def named(self, suffix: str) -> Path:
        """Return the path of a file with the common name."""
        return self.folder / (self.name + suffix)


def _chosen_overlay(summary: Path) -> str:
    """Return the name of the overlay by its summary, where a person chose it; empty otherwise."""
    try:
        found = read_json(summary)
    except (OSError, ValueError):
        return ""
    return str(found.get("chosen_overlay", "")) if isinstance(found, dict) else ""
