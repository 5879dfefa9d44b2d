"""Options of an overlay, the job that they make with a video, and its summary."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roadseg.adaptation.batch_norm import BatchNormAdaptation
from roadseg.drives.names import FRONT, OTHER, parse_name
from roadseg.errors import InputError, OutputError, one_line
from roadseg.files import fingerprint, write_json
from roadseg.inference.sections import AdaptedSections
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.space import LabelSpace
from roadseg.models.tta import NO_TTA, TTA
from roadseg.overlay.appearance import DEFAULT_APPEARANCE, Appearance
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.masking import Mask, MaskChoice
from roadseg.overlay.masks import MASKS_SUFFIXES, MasksFormat
from roadseg.overlay.stats import ClassShare, ClassTotals
from roadseg.positions.options import DEFAULT_POSITION, PositionChoice
from roadseg.positions.summary import PositionSummary
from roadseg.video.encoders import DEFAULT_ENCODER, ENCODERS, EncoderName
from roadseg.video.find import ClipPlace, Container
from roadseg.video.interval import WHOLE, Interval
from roadseg.video.pipeline import Timing
from roadseg.video.timeline import MAX_GAP_SECONDS


@dataclass(frozen=True)
class OverlayOptions:
    """Options of an overlay."""

    appearance: Appearance = DEFAULT_APPEARANCE
    """Appearance of the overlay."""
    batch_size: int | None = None
    """Frames that the network sees at once; changes speed and memory, not the result. None: as suits the engine."""
    track: int | None = None
    """Number of the video track, from 1; None for the one that FFmpeg finds best."""
    frame_rate: Fraction | None = None
    """Hz, for streams without timestamps such as raw H.264."""
    interval: Interval = WHOLE
    """Part of each video that is drawn."""
    every: Fraction | None = None
    """Seconds between the frames that are drawn, each shown until the next; None for every frame."""
    overwrite: bool = False
    """Do it again even if it was done, and replace results of other jobs."""
    tta: TTA = NO_TTA
    """Test-time augmentation."""
    smoothing: float = 0.0
    """Weight of the past in class scores, see `roadseg.inference.smoothing.TemporalSmoother`; 0 for none."""
    batch_norm: BatchNormAdaptation | None = None
    """Adaptation of batch norm to each video; None for none."""
    sections: bool = False
    """Adapt batch norm to each scene of a video by itself, or leave it, see `roadseg.inference.sections`."""
    container: Container = "mp4"
    """Format of the overlay: MP4, or Matroska, which copies sound of more codecs."""
    encoder: EncoderName = DEFAULT_ENCODER
    """Encoder of the overlay."""
    mask: MaskChoice | None = None
    """Area that is neither drawn on nor counted: the static regions of a video, or a mask that a person drew."""
    masks: MasksFormat | None = None
    """Format of the label maps beside the overlay; None for none."""
    confidence: bool = False
    """Keep the probability of labels: by class in the table, and by pixel with the label maps."""
    position: PositionChoice = DEFAULT_POSITION
    """File that says where a video was."""

    def __post_init__(self) -> None:
        if self.encoder not in ENCODERS:
            raise InputError(f"encoder: {self.encoder!r} is unknown", f"Use one of {', '.join(ENCODERS)}.")
        if self.masks is not None and self.masks not in MASKS_SUFFIXES:
            raise InputError(f"masks: {self.masks!r} is unknown", f"Use one of {', '.join(MASKS_SUFFIXES)}.")
        if self.confidence and self.masks == "mp4":
            raise InputError("masks: an mp4 holds no confidence", "Keep both as npz or png.")
        if self.batch_size is not None and self.batch_size < 1:
            raise InputError(f"batch_size: {self.batch_size}, wanted at least 1", "Leave it out for the best one.")
        if self.frame_rate is not None and self.frame_rate <= 0:
            raise InputError(f"frame_rate: {self.frame_rate}, wanted above 0", "Leave it out for the video's own.")
        if self.every is not None and not 0 < self.every <= MAX_GAP_SECONDS:
            wanted = f"wanted above 0 up to {MAX_GAP_SECONDS}"
            raise InputError(f"every: {float(self.every):g} s, {wanted}", "Leave it out for every frame.")
        if self.sections and self.batch_norm is None:
            raise InputError("bn_sections says how batch norm is adapted", "Give --adapt-bn, or adapt_bn, too.")


def title(video: str | Path, track: int | None) -> str:
    """Return the name of a video, or of one of its tracks, as it is shown: in one line."""
    name = one_line(str(video))
    return name if track is None else f"{name}, track {track}"


class OverlayJob(BaseModel):
    """Everything that results depend on: equal jobs have equal results."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    video_fingerprint: str = Field(title="video")
    segmenter: str = Field(title="network or engine")
    label_space: str = Field(title="label space")
    input_size_px: tuple[int, int] = Field(title="input size")
    """(width, height) that the network sees."""
    appearance: Appearance = Field(title="appearance")
    track: int | None = Field(default=None, title="choice of --track")
    container: Container = Field(default="mp4", title="choice of --container")
    encoder: EncoderName = Field(default=DEFAULT_ENCODER, title="choice of --encoder")
    frame_rate_hz: str | None = Field(title="frame rate")
    """A fraction; for streams without timestamps."""
    start_seconds: float = Field(default=0.0, title="choice of --start")
    part_seconds: float | None = Field(default=None, title="choice of --duration")
    every_seconds: float | None = Field(default=None, title="choice of --every")
    flip: bool = Field(title="choice of --flip")
    scales: tuple[float, ...] = Field(title="choice of --scales")
    smoothing: float = Field(title="choice of --smooth")
    batch_norm_prior: int | None = Field(title="choice of --adapt-bn")
    """Null where batch norm was not adapted to the video."""
    batch_norm_scenes: str = Field(title="choice of --bn-scenes")
    batch_norm_sections: bool = Field(default=False, title="choice of --bn-sections")
    mask: str | None = Field(default=None, title="choice of --mask")
    """`auto`, or `sha256:` and the digest of the file that was given; null for none."""
    masks: MasksFormat | None = Field(default=None, title="choice of --masks")
    confidence: bool = Field(default=False, title="choice of --confidence")
    gps: str = Field(default="auto", title="choice of --gps")
    """`auto`, `none`, or the fingerprint of the file of positions."""
    gps_offset_s: float | None = Field(default=None, title="choice of --gps-offset")
    place_line: bool = Field(default=False, title="choice of --place-line")

    @classmethod
    def of(cls, video: Path, segmenter: Segmenter, options: OverlayOptions) -> Self:
        """Return the key that decides whether earlier results can be reused."""
        return cls(
            video_fingerprint=fingerprint(video),
            segmenter=segmenter.name,
            label_space=segmenter.label_space.name,
            input_size_px=segmenter.input_size,
            appearance=options.appearance,
            track=options.track,
            container=options.container,
            encoder=options.encoder,
            frame_rate_hz=str(options.frame_rate) if options.frame_rate else None,
            start_seconds=float(options.interval.start),
            part_seconds=None if options.interval.duration is None else float(options.interval.duration),
            every_seconds=None if options.every is None else float(options.every),
            flip=options.tta.flip,
            scales=options.tta.scales,
            smoothing=options.smoothing,
            batch_norm_prior=options.batch_norm.prior if options.batch_norm else None,
            batch_norm_scenes=options.batch_norm.scenes if options.batch_norm else "",
            batch_norm_sections=options.sections,
            mask=options.mask.origin if isinstance(options.mask, Mask) else options.mask,
            masks=options.masks,
            confidence=options.confidence,
            gps=options.position.identity(video),
            gps_offset_s=options.position.offset_s,
            place_line=options.position.line,
        )

    def choices(self) -> dict[str, Any]:
        """Return all values by their titles for people, those of the appearance as options of the command."""
        shown = {str(field.title): getattr(self, name) for name, field in type(self).model_fields.items()}
        appearance: Appearance = shown.pop("appearance")
        options = {f"choice of --{name.replace('_', '-')}": value for name, value in vars(appearance).items()}
        return {**shown, **options}


class SectionSummary(BaseModel):
    """Part of a video with one scene, and the decision on its batch norm."""

    start_seconds: float
    """Time of the first frame, at most half the distance of the described frames too early; 0 for the first section."""
    scene: int
    """Number of the scene, from 0; sections that look alike share it."""
    adapted: bool
    """True if batch norm was adapted to the scene."""
    streets: str
    """Streets whose adaptation gave the steadiest labels; empty for those of training."""
    agreement_before: float
    """Agreement between views of frames of the scene without adaptation, in percent."""
    agreement_adapted: float
    """The same with batch norm adapted."""

    @classmethod
    def all_of(cls, adapted: AdaptedSections) -> list[Self]:
        """Return the sections of a video in order."""
        return [
            cls(
                start_seconds=start,
                scene=scene,
                adapted=choice.adapt_bn,
                streets=choice.scenes,
                agreement_before=choice.start,
                agreement_adapted=choice.adapted[choice.scenes],
            )
            for start, scene in zip([0.0, *adapted.starts], adapted.scenes, strict=True)
            for choice in [adapted.choices[scene]]
        ]


class StageTiming(BaseModel):
    """Wall time of a stage without its waiting for other stages, which run at the same time on the same processors."""

    busy_seconds: float
    ms_per_frame: float

    @classmethod
    def of(cls, timing: Timing, frames: int) -> Self:
        """Return the cost of a stage that handled `frames` frames."""
        return cls(busy_seconds=timing.busy_seconds, ms_per_frame=1000 * timing.busy_seconds / max(frames, 1))


class OverlaySummary(BaseModel):
    """Content of `NAME.summary.json`; its presence means that the other two files are complete."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    video: str
    """Path of the input, as it was given."""
    chosen_overlay: str = ""
    """Name of the overlay, where a person chose it; empty for NAME.overlay.mp4."""
    fetched_title: str = ""
    """Title by the manifest of `roadseg fetch` beside the input; empty where there is none."""
    drive: ClipPlace | None = None
    """Place in a drive; null for a video by itself."""
    job: OverlayJob
    width_px: int
    height_px: int
    frames: int
    frames_declared: int | None
    """Number of frames that the container of the input states; None if it states none."""
    frames_resumed: int
    """Number of frames that an earlier call had done before it was cut off."""
    duration_seconds: float
    """Sum of the durations of the frames."""
    begins_seconds: float = 0.0
    """Time of the video at which the overlay begins; 0 for a whole video, whose overlay has its times."""
    creation_time: datetime | None
    """Begin of recording by the container, in ISO 8601; null if it states none."""
    classes: list[ClassShare]
    """Shares in train-id order, then that of `unlabelled`."""
    colours: list[tuple[int, int, int]]
    """RGB colours of the classes, 0..255."""
    contains: dict[str, str]
    """Class of another label space -> class here that it is part of."""
    legend: tuple[str, ...] = ()
    """Classes that the legend names."""
    masked_share: float = 0.0
    """Fraction of the frame that a mask left out, 0..1; class shares refer to the rest."""
    position: PositionSummary | None = None
    """Positions of the frames; null where there are none."""
    sections: list[SectionSummary] = []
    """Sections with `--bn-sections`; empty without."""
    sections_seconds: dict[str, float] = {}
    """Wall time, before the stages began, to `find` sections and to `adapt` to them; empty without `--bn-sections`."""
    wall_seconds: float
    """Wall time of the last call."""
    frames_per_second: float
    """Frames of the last call per second of wall time."""
    stages: dict[str, StageTiming]
    decoder_events: dict[str, Any]
    """Counts of `roadseg.video.reader.DecodeEvents`."""
    notices: list[str]
    """Assumptions and losses, each in a sentence."""
    versions: dict[str, str]
    """Versions of the packages that made the results."""
    skipped: bool = Field(default=False, exclude=True)
    """An earlier call did the same job, so nothing was done now."""

    @property
    def title(self) -> str:
        """Name of the video, and of its track where one was chosen."""
        return title(self.video, self.job.track)

    @property
    def picture_height(self) -> int:
        """Rows of the overlay that show the video; a legend may follow below them."""
        return self.job.appearance.height or self.height_px

    @property
    def channel(self) -> str:
        """Direction of the camera, by its drive; otherwise by the name of the file and the number of the track."""
        if self.drive is not None:
            return self.drive.channel
        name = parse_name(PureWindowsPath(self.video))  # takes both kinds of slash
        if (self.job.track or 1) > 1:
            return f"track{self.job.track}"
        return (name.channel if name.camera != OTHER else None) or FRONT

    @property
    def label_space(self) -> LabelSpace:
        """Classes of the network."""
        names = tuple(entry.name for entry in self.classes[: len(self.colours)])
        return LabelSpace(self.job.label_space, names, tuple(self.colours), self.contains)

    def totals(self) -> ClassTotals:
        """Return the class totals over all frames."""
        return ClassTotals.of(self.classes, self.frames, self.duration_seconds)

    def write(self, files: OverlayFiles) -> None:
        """Write the summary file, whole or not at all."""
        write_json(files.summary, self.model_dump(mode="json"))


def mean_shares(summaries: Iterable[OverlaySummary]) -> dict[str, float]:
    """Return class shares over several videos, 0..1 by name; each video counts for as long as it lasts."""
    weighted: dict[str, float] = {}
    seconds = 0.0
    for summary in summaries:
        seconds += summary.duration_seconds
        for entry in summary.classes:
            weighted[entry.name] = weighted.get(entry.name, 0.0) + entry.share * summary.duration_seconds
    return {name: share / seconds for name, share in weighted.items()}


def earlier_summary(files: OverlayFiles, job: OverlayJob) -> OverlaySummary | None:
    """Return the summary of an earlier call of the same job; None if there are no results.

    Raises:
        OutputError: there are results of another job.
    """
    overlay_exists = any(path.exists() for path in (files.overlay, *files.overlays.values()))
    if not files.summary.exists() or not files.frames.exists() or not overlay_exists:
        if files.is_chosen and files.overlay.exists():
            raise OutputError(
                f"{files.overlay}: there already, and no overlay with a summary beside it",
                "Replace it with --overwrite, or choose another --out.",
            )
        return None
    try:
        summary = OverlaySummary.model_validate_json(files.summary.read_bytes())
    except ValidationError:
        raise OutputError(
            f"{files.summary}: there already, but not written by this version of roadseg",
            "Replace the results with --overwrite, or choose another --out.",
        ) from None
    if summary.job != job:
        earlier = summary.job.choices()
        differing = [title for title, value in job.choices().items() if value != earlier[title]]
        changed = " and ".join(differing).replace(" and choice of ", " and ")
        raise OutputError(
            f"{files.of_table(files.frames).overlay}: there already, made with another {changed}",
            "Replace the results with --overwrite, or choose another --out.",
        )
    complete = files.overlay.exists() and (job.masks is None or files.masks[job.masks].exists())
    return summary.model_copy(update={"skipped": True}) if complete else None
