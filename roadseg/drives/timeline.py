"""Clips on the clock of a drive: groups without long breaks, repeats, gaps and overlaps."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from roadseg.drives.model import Clip, Gap
from roadseg.drives.names import FRONT, Kind
from roadseg.errors import one_line

NEAR = 2.0
"""Seconds to which the times of clips are known: names count whole seconds, and cameras write them early or late."""
REPEAT = 1.0
"""Seconds by which a clip may reach beyond the others that hold the rest of it."""
FEW = 3
"""Gaps of one length that have a notice each; more have one for all."""
KINDS: tuple[Kind, ...] = ("normal", "manual", "time lapse", "parking", "event")
"""Kinds by which clip is kept where two have the same seconds."""
CHANNELS = (FRONT, "rear", "cabin", "left", "right")
"""Channels that come first, in this order."""


@dataclass(frozen=True)
class Timed:
    """A clip of one channel and its start."""

    path: Path
    channel: str
    track: int | None
    start: datetime
    seconds: float | None
    """Duration; None where it is unknown."""
    kind: Kind
    ahead: timedelta = timedelta()
    """Lead of the camera's clock over that of `start`, where it was set for summer time; else 0."""

    @property
    def end(self) -> datetime:
        """End by the same clock."""
        return self.start + timedelta(seconds=self.seconds or 0.0)


def without_repeats(clips: Iterable[Timed]) -> tuple[list[Timed], list[tuple[Timed, Timed]]]:
    """Leave out clips whose seconds other clips of their channel have too, as events that a camera also records whole.

    Returns:
        The other clips, and those left out, each with a clip that has its first second.
    """
    kept: list[Timed] = []
    repeats: list[tuple[Timed, Timed]] = []
    by_channel: defaultdict[str, list[Timed]] = defaultdict(list)
    for clip in sorted(
        clips,
        key=lambda clip: (KINDS.index(clip.kind), clip.start, -(clip.seconds or 0.0), len(clip.path.name), clip.path),
    ):
        taken = by_channel[clip.channel]
        other = _repeated(clip, taken) if clip.seconds else None
        if other is not None:
            repeats.append((clip, other))
            continue
        insort(taken, clip, key=lambda each: each.start)
        kept.append(clip)
    return kept, repeats


def _repeated(clip: Timed, taken: Sequence[Timed]) -> Timed | None:
    """Return the clip that has the first second of `clip`, if all its seconds are in clips that are taken."""
    reached, first = clip.start, None
    nearby = bisect_left(taken, clip.start, key=lambda each: each.start)
    for other in taken[max(0, nearby - 2) :]:
        if (other.start - reached).total_seconds() > REPEAT:
            break
        if other.end > reached:
            first, reached = first or other, other.end
        if (clip.end - reached).total_seconds() <= REPEAT:
            return first
    return None


def apart_by(clips: Iterable[Timed], gap: float) -> Iterator[list[Timed]]:
    """Yield the clips in groups by time: between two of them is no clip of any channel for more than `gap` seconds."""
    group: list[Timed] = []
    end: datetime | None = None
    for clip in sorted(clips, key=lambda clip: (clip.start, clip.path)):
        if end is not None and (clip.start - end).total_seconds() > gap:
            yield group
            group, end = [], None
        group.append(clip)
        end = clip.end if end is None else max(end, clip.end)
    if group:
        yield group


def by_channel(clips: Sequence[Timed], *, clockless: bool) -> tuple[dict[str, list[Clip]], list[Gap]]:
    """Place the clips of a drive on its clock, which is 0 when the first begins.

    A clip that begins within `NEAR` seconds of the end of the one before follows it at once: names count whole seconds.

    Args:
        clips: all clips of the drive.
        clockless: their times stand for their order alone.

    Returns:
        The clips by channel, and the gaps and overlaps in each.
    """
    zero = min(clip.start for clip in clips)
    ranks = {name: rank for rank, name in enumerate(CHANNELS)}
    names = sorted({clip.channel for clip in clips}, key=lambda name: (ranks.get(name, len(ranks)), name))
    found: dict[str, list[Clip]] = {}
    gaps: list[Gap] = []
    for name in names:
        end: float | None = None
        before: Timed | None = None
        found[name] = []
        for clip in sorted((clip for clip in clips if clip.channel == name), key=lambda clip: (clip.start, clip.path)):
            start = (clip.start - zero).total_seconds()
            if end is not None and before is not None and before.seconds is not None:
                if abs((clip.start - before.end).total_seconds()) > NEAR and clip.kind != "time lapse":
                    gaps.append(
                        Gap(
                            channel=name,
                            after=len(found[name]) - 1,
                            start_s=round(end, 3),
                            seconds=round(start - end, 3),
                        )
                    )
                if abs(start - end) <= NEAR:
                    start = end
            placed = Clip(
                path=clip.path,
                track=clip.track,
                start_s=round(start, 3),
                duration_s=None if clip.seconds is None else round(clip.seconds, 3),
                recorded=None if clockless else clip.start,
                kind=clip.kind,
            )
            found[name].append(placed)
            end = placed.end_s if end is None else max(end, placed.end_s)
            before = clip
    return found, gaps


def gap_notices(channels: dict[str, list[Clip]], gaps: Sequence[Gap]) -> list[str]:
    """Return a notice about each gap and overlap; one for several channels, or many clips, with the same."""
    told: list[tuple[Gap, list[str]]] = []
    for gap in gaps:
        for other, names in told:
            if abs(gap.start_s - other.start_s) <= NEAR and abs(gap.seconds - other.seconds) <= NEAR:
                names.append(gap.channel)
                break
        else:
            told.append((gap, [gap.channel]))
    alike: defaultdict[tuple[str, str], list[Gap]] = defaultdict(list)
    for gap, names in sorted(told, key=lambda each: each[0].start_s):
        what = f"gap of {gap.seconds:.0f} s" if gap.seconds > 0 else f"overlap of {-gap.seconds:.0f} s"
        alike[what, "" if len(names) == len(channels) else f" ({', '.join(names)})"].append(gap)
    notices = []
    for (what, where), same in alike.items():
        clips = [one_line(channels[gap.channel][gap.after].path.name) for gap in same]
        if len(clips) > FEW:
            notices.append(f"{what} after {len(clips)} clips, the first {clips[0]}{where}")
        else:
            notices += [f"{what} after {clip}{where}" for clip in clips]
    return notices
