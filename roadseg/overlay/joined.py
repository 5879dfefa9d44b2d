"""The overlays of a drive as one video."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.totals import read_summary
from roadseg.video.find import OVERLAY_SUFFIXES
from roadseg.video.joining import join_at

JOINED = ".joined"


def joined_path(folder: Path, name: str, clip: OverlayFiles) -> Path:
    """Return the path of the joined overlays of a drive, of the same container as its clips."""
    return folder / f"{name}{JOINED}{OVERLAY_SUFFIXES[clip.container]}"


def join_drive(clips: Sequence[OverlayFiles], path: Path) -> list[str]:
    """Join overlays of a drive, of one channel, without encoding anything again.

    Each begins at its time on the clock of the drive, less that of the first, so gaps stay gaps: the last frame before
    one is shown until it ends. Where clips overlap, the earlier one ends when the later one begins.

    Args:
        clips: finished results of clips of one drive and channel.
        path: the file to write, `.mp4` or `.mkv`.

    Returns:
        Notices about sound that is left out, each a sentence.

    Raises:
        VideoError: an overlay cannot be read, or was encoded with other settings than the first.
        OutputError: the disk is full, or the file cannot be written for another reason.
    """
    placed = []
    for clip in clips:
        summary = read_summary(clip.frames)
        start = summary.begins_seconds + (summary.drive.start_s if summary.drive is not None else 0.0)
        placed.append((Fraction(start).limit_denominator(1000), clip.overlay))
    placed.sort()
    return join_at([(start - placed[0][0], overlay) for start, overlay in placed], path)
