"""Class shares along the road, from the folders of overlays."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from roadseg.along.cache import kept_sums
from roadseg.along.indices import NAMED, Index, over_classes
from roadseg.along.lines import Lines, driven_lines
from roadseg.along.merge import Added, Merged, figures, merge, overall, segment_columns, shares
from roadseg.along.network import Streets
from roadseg.along.places import Grid, Places, Segments
from roadseg.along.result import AlongStats, unique_names
from roadseg.along.shapes import Shape, cell
from roadseg.along.write import GEOMETRY, WKT
from roadseg.drives.names import FRONT
from roadseg.errors import InputError
from roadseg.overlay.frame_table import UNLABELLED
from roadseg.video.find import video_count

EVERYWHERE = (-np.inf, np.inf)
RESERVED = ("fid", GEOMETRY, WKT)
"""Names of columns that formats have for themselves."""


def along_road(
    folders: Sequence[Path],
    places: Places,
    *,
    channel: str = FRONT,
    indices: Sequence[Index] = (),
    trim_ends: float = 0.0,
    on_progress: Callable[[str, int, int], None] = lambda task, done, total: None,
) -> AlongStats:
    """Add up the frames of overlays by place. A frame counts where it begins.

    Sums of each table are kept beside it: a later call reads the rows of new tables only.

    Args:
        folders: output folders of `roadseg overlay`, or folders above them.
        places: division of the ground.
        channel: direction of the cameras that count.
        indices: further indices, beside `roadseg.along.indices.NAMED`.
        trim_ends: metres at the begin and at the end of each drive that are left out.
        on_progress: called with (task, tables done, tables in all).

    Returns:
        A row for each place with a frame.

    Raises:
        InputError: a folder is missing or has no finished results, nothing of them has a position or is left, a table
            cannot be read, label spaces differ, or an index names an unknown class.
    """
    found = driven_lines(folders, channel, lambda done, total: on_progress("finding drives", done, total))
    over, notices = over_classes(NAMED, indices, found.space)
    names = (*found.space.classes, UNLABELLED)
    clips = [(number, clip) for number, line in enumerate(found.lines) for clip in line.clips]
    placed = [(number, clip) for number, clip in clips if clip.ends is not None]
    if not placed:
        raise InputError(
            f"{', '.join(map(str, folders))}: no frame has a position",
            "Draw the videos again with --overwrite and --gps FILE, or with a .gpx or .nmea file beside each; notices "
            "of `roadseg overlay` say why positions that it found could not be used.",
        )
    added = []
    for done, (number, clip) in enumerate(placed, start=1):
        kept = (trim_ends, found.lines[number].metres - trim_ends) if trim_ends else EVERYWHERE
        added.append(Added(number, clip, kept_sums(clip, names, places, over, kept)))
        on_progress("adding up", done, len(placed))
    merged = merge(added, by_line=isinstance(places, Segments))
    if not len(merged.keys):
        raise InputError("no frame is left", "Check --network and --trim-ends.")
    columns, shapes = _places(merged, added, found, places)
    columns |= figures(merged, names, over)
    if isinstance(places, Streets):
        more = {name: values.take(pa.array(merged.keys)) for name, values in places.attributes.items()}
        free = unique_names([*columns, *RESERVED, *more])[len(columns) + len(RESERVED) :]
        columns |= dict(zip(free, more.values(), strict=True))
        notices += places.notices
    whole = shares(overall(merged), names, over)
    unplaced = [(clip.frames, clip.seconds) for _, clip in clips if clip.ends is None]
    unplaced += [one.sums.unplaced for one in added]
    return AlongStats(
        kind=places.kind,
        label_space=found.space.name,
        table=pa.table(columns),
        shapes=tuple(shapes),
        indices=tuple(one.index.name for one in over),
        overall={name: None if np.isnan(value) else float(value) for name, (value,) in whole.items()},
        drives=len({one.line for one in added}),
        videos=len(added),
        frames=int(merged.frames.sum()),
        seconds=float(merged.seconds.sum()),
        metres=float(merged.metres.sum()),
        unplaced_frames=sum(frames for frames, _ in unplaced),
        unplaced_seconds=sum(seconds for _, seconds in unplaced),
        notices=(*notices, *_notices(found, added, merged, places, trim_ends)),
    )


def _places(
    merged: Merged, added: Sequence[Added], found: Lines, places: Places
) -> tuple[dict[str, pa.Array], list[Shape | None]]:
    """Return the columns that say which place a row is, and its geometry."""
    if isinstance(places, Segments):
        return segment_columns(merged, added, found.lines, places.metres)
    if isinstance(places, Streets):
        columns = {"street": pa.array(places.fids[merged.keys]), "drives": pa.array(merged.drives)}
        return columns, [places.shapes[key] for key in merged.keys.tolist()]
    assert isinstance(places, Grid)
    columns = {"cell": pa.array(merged.keys), "drives": pa.array(merged.drives)}
    return columns, [cell(*each) for each in places.corners(merged.keys).tolist()]


def _notices(found: Lines, added: Sequence[Added], merged: Merged, places: Places, trim_ends: float) -> list[str]:
    """Return sentences about what is not in the table."""
    notices = []
    if found.half_done:
        notices.append(f"Left out: {video_count(found.half_done)} without a summary (not finished).")
    for channel, videos in found.other_channels.items():
        notices.append(f"Left out: {video_count(videos)} of the channel {channel}.")
    if found.repeated:
        notices.append(f"{video_count(found.repeated)} counted more than once: there are several results.")
    notices += found.notices
    frames = sum(one.sums.unplaced[0] for one in added)
    absent = [clip for line in found.lines for clip in line.clips if clip.ends is None]
    frames += sum(clip.frames for clip in absent)
    if frames:
        seconds = sum(one.sums.unplaced[1] for one in added) + sum(clip.seconds for clip in absent)
        whole = f", {len(absent)} whole {'video' if len(absent) == 1 else 'videos'} among them" if absent else ""
        notices.append(
            f"Left out: {frames} {'frame' if frames == 1 else 'frames'}, {seconds:.1f} s, without a position{whole}."
        )
    outside = sum(one.sums.outside[0] for one in added)
    if outside:
        notices.append(f"Left out: {outside:.0f} m without a street of their direction within {places.metres:g} m.")
    wanted = sum(max(0.0, line.metres - 2 * trim_ends) for line in found.lines)
    missing = wanted - float(merged.metres.sum()) - outside
    if missing > 10 + 0.01 * wanted:  # the last frame of a video has no next
        notices.append(f"Left out: {missing:.0f} of {wanted:.0f} m driven, in gaps between positions or videos.")
    short = sum(line.metres <= 2 * trim_ends for line in found.lines) if trim_ends else 0
    if short:
        notices.append(f"Left out by --trim-ends: {short} of {len(found.lines)} drives as a whole.")
    if not isinstance(places, Streets) and places.metres < merged.metres.sum() / max(1, merged.frames.sum()):
        notices.append("Frames lie further apart than places are long: some places have none.")
    return notices
