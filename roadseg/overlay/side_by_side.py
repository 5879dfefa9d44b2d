"""Comparison video: the labels of several runs side by side, in step; or finished overlays side by side.

decode -> prepare -> segment [-> smooth] -> draw (blend, join) -> encode, each stage in its own thread. Nothing is
larger than a frame of the video, and RGB is made only at the input sizes of the networks.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from roadseg.cores import opencv_in_one_thread
from roadseg.errors import InputError, OutputError
from roadseg.files import held, resolved
from roadseg.inference.label_frames import Labelled, Labeller
from roadseg.inference.segmenter import Segmenter
from roadseg.models.tta import NO_TTA, TTA
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.draw import Overlay
from roadseg.overlay.layout import GAP, plain_planes, scaled_frame
from roadseg.overlay.panels import GROUND, Panel, Patch, draw_legend, draw_title
from roadseg.video.container import undecodable
from roadseg.video.find import COMPARISON_SUFFIX
from roadseg.video.frame import Frame
from roadseg.video.interval import WHOLE, Interval
from roadseg.video.pipeline import Pipeline
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter

FEWEST, MOST = 2, 4
"""Number of runs in a comparison."""
COLUMNS = 2
LARGEST = 1920
"""Width and height of all panes together in pixels, at most."""
PLAIN = "video"
"""Title of the pane that makes three runs a full grid."""
LEGEND_HEIGHT = 0.4
"""Height, relative to the width of all panes, of the frame that the legend's letters are sized for."""
MOST_FRAMES = 4
"""Frames in a batch, at most: each pane has its own, and large ones take much memory."""


@dataclass(frozen=True)
class SideBySide:
    """Finished comparison video."""

    path: Path
    frames: int
    duration_seconds: float
    width: int
    height: int
    """Size of the comparison in pixels."""
    decoder_events: Mapping[str, Any]
    """Decoding problems, see `roadseg.video.reader.DecodeEvents`, without notices."""
    notices: list[str]
    """Assumptions and losses, each in a sentence."""

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        return {
            "comparison": str(self.path),
            "frames": self.frames,
            "duration_seconds": self.duration_seconds,
            "width_px": self.width,
            "height_px": self.height,
            "decoder_events": dict(self.decoder_events),
            "notices": self.notices,
        }


def compare_on_video(
    video: Path,
    segmenters: Mapping[str, Segmenter],
    out: Path,
    *,
    tta: TTA = NO_TTA,
    smoothing: float = 0.0,
    interval: Interval = WHOLE,
    on_progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> SideBySide:
    """Draw the labels of each segmenter on its own pane: two side by side, three or four in a square.

    With three, the plain video fills the square. Every frame has the time that it has in the video, or after the
    first frame of a part, and the sound is copied. Pixels come out square. The file appears whole or not at all.

    Args:
        video: in any format that FFmpeg decodes.
        segmenters: 2 to 4 segmenters by the titles of their panes.
        out: folder, made if it is missing; NAME.comparison.mp4 there is replaced.
        tta: test-time augmentation.
        smoothing: weight of the past in class scores, see `roadseg.inference.smoothing.TemporalSmoother`; 0 for none.
        interval: part of the video to draw.
        on_progress: called with the number of frames done and, where the container states it, the number of frames.

    Raises:
        VideoError: the video cannot be read, or has no frame in the interval.
        OutputError: the file cannot be written, or another process writes it.
        InputError: fewer than 2 segmenters, or more than 4.
    """
    check_number(len(segmenters))
    path = out / (video.stem + COMPARISON_SUFFIX)
    if resolved(path) == resolved(video):
        raise OutputError(f"{video}: the comparison would take its place", "Choose another --out.")
    with opencv_in_one_thread(), VideoReader(video, interval=interval) as reader, held(path):
        panes = _Panes(segmenters, reader)
        labeller = Labeller(
            [segmenter.fitted(reader.info.aspect_ratio) for segmenter in segmenters.values()],
            Frame.to_rgb,
            lambda frame: scaled_frame(frame, panes.size),
            batch_size=min(MOST_FRAMES, *(segmenter.batch_size for segmenter in segmenters.values())),
            tta=tta,
            smoothing=smoothing,
        )
        pipeline = labeller.after(Pipeline("decode", reader)).then("draw", panes.draw)
        encoder = _Encoder(path, video, part=not interval.is_whole)
        with pipeline.then("encode", encoder.encode) as done:
            for frames in done:
                on_progress(frames, reader.frames_expected)
        if encoder.last is None:
            raise undecodable(video)
        events = reader.events.as_dict()
        engines = dict.fromkeys(notice for segmenter in segmenters.values() for notice in segmenter.notices)
        notices = [*engines, *events.pop("notices"), *encoder.notices]
        seconds = float((encoder.last.pts + encoder.last.duration - encoder.first) * encoder.last.time_base)
        return SideBySide(path, encoder.frames, seconds, *panes.whole, events, notices)


def join_videos(
    videos: Mapping[str, Path], path: Path, *, on_progress: Callable[[int, int | None], None] = lambda done, total: None
) -> None:
    """Show 2 to 4 videos with the same frames in one, such as overlays by several runs; no network runs again.

    Every frame has its time, and the sound is that of the first video. The file appears whole or not at all.

    Args:
        videos: by the titles of their panes; equally wide, their heights may differ by a legend.
        path: the video to write, .mp4.
        on_progress: called with the number of frames done and, where the container states it, the number of frames.

    Raises:
        VideoError: a video cannot be read.
        OutputError: the file cannot be written, or another process writes it.
    """
    with opencv_in_one_thread(), ExitStack() as stack:
        stack.enter_context(held(path))
        readers = [stack.enter_context(VideoReader(video)) for video in videos.values()]
        first = readers[0]
        highest = max(reader.info.height for reader in readers)
        width = max(reader.info.width * reader.info.shown_aspect_ratio for reader in readers)
        size = pane_size(width, highest, -(-len(readers) // COLUMNS))
        grid = _Grid(list(videos), size, first)

        def draw(rows: Iterator[tuple[Frame, ...]]) -> Iterator[Frame]:
            for frames in rows:
                panes = [
                    scaled_frame(frame, (size[0], max(2, size[1] * frame.height // highest // 2 * 2)))
                    for frame in frames
                ]
                yield grid.joined(panes)

        encoder = _Encoder(path, next(iter(videos.values())))
        pipeline = Pipeline("decode", zip(*readers, strict=False)).then("draw", draw)
        with pipeline.then("encode", encoder.encode) as done:
            for frames in done:
                on_progress(frames, first.info.frame_count)


def check_number(runs: int) -> None:
    """Make sure that each run has a pane.

    Raises:
        InputError: there are too few runs or too many.
    """
    if not FEWEST <= runs <= MOST:
        number = "one run" if runs == 1 else f"{runs} runs"
        raise InputError(
            f"{number} to show on a video, where there are panes for {FEWEST} to {MOST}",
            "Give another, for example `default`, the default weights." if runs < FEWEST else "Leave some out.",
        )


class _Encoder:
    """Encoder that remembers the facts for the result."""

    def __init__(self, path: Path, video: Path, *, part: bool = False) -> None:
        """Describe the file; the sound is that of `video`. The first frame of a part of it has the time 0."""
        self.first = 0
        """Time of the first frame in ticks."""
        self.last: Frame | None = None
        self.frames = 0
        self.notices: list[str] = []
        self._path = path
        self._video = video
        self._part = part

    def encode(self, frames: Iterator[Frame]) -> Iterator[int]:
        """Encode frames; yield the number of frames encoded so far."""
        like = next(frames, None)
        if like is None:
            return
        self.first = like.pts
        begins = like.pts if self._part else 0
        writer = VideoWriter.like(
            self._path,
            like,
            audio_from=self._video,
            audio_start=begins * like.time_base,
            cut_audio=self._part,
        )
        with writer:
            for frame in chain([like], frames):
                writer.write(replace(frame, pts=frame.pts - begins))
                self.last = frame
                self.frames += 1
                yield self.frames
        self.notices = writer.notices


class _Grid:
    """Places of panes in a frame, with what all frames share: titles, and a panel below."""

    def __init__(
        self, titles: Sequence[str], size: tuple[int, int], reader: VideoReader, below: Panel | None = None
    ) -> None:
        width, height = size
        rows = -(-len(titles) // COLUMNS)
        panes_width, panes_height = panes_size(size, rows)
        self.whole = panes_width, panes_height + (below.height if below else 0)
        """(width, height) of the whole frame."""
        self._corners = [
            (row * (height + GAP), column * (width + GAP)) for row in range(rows) for column in range(COLUMNS)
        ]
        matrix, full_range = reader.matrix, reader.full_range
        self._ground = plain_planes(self.whole, GROUND, matrix, full_range)
        if below:
            Patch.of(below, (panes_height, 0), matrix, full_range).put_on(*self._ground)
        self._titles = [
            Patch.of(panel, (top + 2 * GAP, left + 2 * GAP), matrix, full_range)
            for title, (top, left) in zip(titles, self._corners, strict=False)
            if (panel := draw_title(title, width - 4 * GAP, height - 4 * GAP))
        ]

    def joined(self, panes: Sequence[Frame]) -> Frame:
        """Return the whole frame, with the time of the first pane."""
        y, u, v = (plane.copy() for plane in self._ground)
        for pane, (top, left) in zip(panes, self._corners, strict=False):
            for plane, part, step in ((y, pane.y, 1), (u, pane.u, 2), (v, pane.v, 2)):
                rows, columns = part.shape
                plane[top // step : top // step + rows, left // step : left // step + columns] = part
        for title in self._titles:
            title.put_on(y, u, v)
        return replace(panes[0], y=y, u=u, v=v)


class _Panes:
    """Panes of a comparison: the labels of each segmenter, and a legend below."""

    def __init__(self, segmenters: Mapping[str, Segmenter], reader: VideoReader) -> None:
        info = reader.info
        titles = [PLAIN, *segmenters] if len(segmenters) == MOST - 1 else list(segmenters)
        rows = len(titles) // COLUMNS
        self.size = pane_size(info.width * info.shown_aspect_ratio, info.height, rows)
        """(width, height) of a pane."""
        spaces = [segmenter.label_space for segmenter in segmenters.values()]
        # With different label spaces, each pane has its own legend.
        alike = all(space == spaces[0] for space in spaces)
        panes_width, _ = panes_size(self.size, rows)
        sized_for = panes_width, round(LEGEND_HEIGHT * panes_width)
        legend = draw_legend(spaces[0], spaces[0].classes, *sized_for, strip=True) if alike else None
        self._grid = _Grid(titles, self.size, reader, legend.panel if legend else None)
        self.whole = self._grid.whole
        """(width, height) of the whole frame."""
        appearance = Appearance(legend="none" if alike else "bottom")
        self._overlays = [Overlay(space, appearance) for space in spaces]
        self._plain = len(titles) - len(segmenters)

    def draw(self, batches: Iterator[Labelled[Frame]]) -> Iterator[Frame]:
        """Draw all panes; yield frames of the comparison."""
        for frames, labels, *_ in batches:
            for place, frame in enumerate(frames):
                drawn = [overlay.draw(frame, maps[place]) for overlay, maps in zip(self._overlays, labels, strict=True)]
                yield self._grid.joined([frame] * self._plain + drawn)


def panes_size(size: tuple[int, int], rows: int) -> tuple[int, int]:
    """Return the (width, height) of `rows` rows of panes of one size, with the gaps between them."""
    return COLUMNS * (size[0] + GAP) - GAP, rows * (size[1] + GAP) - GAP


def pane_size(width: float | Fraction, height: int, rows: int) -> tuple[int, int]:
    """Return the (width, height) of a pane, both even: those of the video as shown, or less so that all panes fit.

    Args:
        width: width of the video as it is shown, in square pixels.
        height: height of the video in pixels.
        rows: number of rows of panes, `COLUMNS` each; all together are at most `LARGEST` wide and high.
    """
    room = (LARGEST + GAP) // COLUMNS - GAP, (LARGEST + GAP) // rows - GAP
    scale = min(1, room[0] / width, room[1] / height)
    return max(2, int(scale * width / 2) * 2), max(2, int(scale * height / 2) * 2)
