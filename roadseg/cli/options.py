"""Options that several commands share, and parsers of values such as sizes and durations."""

import math
import re
from collections.abc import Collection
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import typer

from roadseg.cores import limit_threads

Run = Annotated[
    Path,
    typer.Option(
        "--run",
        "-r",
        metavar="RUN",
        help="Run folder of `roadseg adapt`, a weight file, or weights of the package: default, indian.",
    ),
]
Flip = Annotated[
    bool, typer.Option("--flip", help="Average with the mirrored frame (test-time augmentation). Takes twice as long.")
]
Scales = Annotated[
    str,
    typer.Option(
        metavar="S,S..",
        help="Average over input sizes 0.5 to 2 (test-time augmentation), e.g. 0.75,1,1.3. Each takes S*S as long.",
    ),
]
Smooth = Annotated[
    bool, typer.Option("--smooth", help="Average over time along the motion: less flicker, slightly higher accuracy.")
]
AdaptBatchNorm = Annotated[
    bool,
    typer.Option(
        "--adapt-bn",
        help="Adapt batch-norm statistics to these images, in about 30 s of CPU time up front. The default weights "
        "mostly lose by it.",
    ),
]
BatchNormPrior = Annotated[
    int,
    typer.Option(
        "--bn-prior",
        min=0,
        metavar="N",
        help="For --adapt-bn: weight of the training statistics, in images. A smaller number adapts more.",
    ),
]
BatchNormScenes = Annotated[
    str,
    typer.Option(
        "--bn-scenes",
        metavar="SCENES",
        help="For --adapt-bn: kind of rendered streets to compare with, e.g. indian; auto: one that helps, or none.",
    ),
]
BatchNormSections = Annotated[
    bool,
    typer.Option(
        "--bn-sections",
        help="For --adapt-bn: adapt to day, tunnel and night each by itself, and only where labels get steadier.",
    ),
]
InputSize = Annotated[
    str | None,
    typer.Option(metavar="WxH", help="Input size of the network, e.g. 512x256. Smaller is faster and less accurate."),
]
BatchSize = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Frames per call of the network. Default: measured.")
]
Count = Annotated[int | None, typer.Option(min=1, metavar="N", help="Take N frames of each video, evenly spread.")]
SceneChange = Annotated[bool, typer.Option("--scene-change", help="Take a frame at each scene change.")]
MinChange = Annotated[
    float,
    typer.Option(min=0, metavar="LEVELS", help="Skip frames that differ by less than this from the last one taken."),
]
MaxSize = Annotated[int | None, typer.Option(min=16, metavar="PIXELS", help="Shrink the longer side to this.")]
FrameRate = Annotated[
    str | None, typer.Option(metavar="HZ", help="Frame rate of streams without timestamps, e.g. raw H.264.")
]
Start = Annotated[str | None, typer.Option(metavar="TIME", help="Begin here, e.g. 1:30.")]
Duration = Annotated[str | None, typer.Option(metavar="TIME", help="Length, e.g. 20 or 1:30.")]
Track = Annotated[
    str | None,
    typer.Option(metavar="N|all", help="Video track of files with several. Default: the best."),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Device for the network. auto: CUDA, else MPS, else CPU.")
]
Engine = Annotated[
    Literal["auto", "torch", "openvino"],
    typer.Option(help="Program that runs the network. auto: the fastest one that is installed."),
]

ScoringEngine = Annotated[
    Literal["exact", "auto", "torch", "openvino"],
    typer.Option(help="exact: float32 at full size, as papers score. The others score what `overlay` draws, faster."),
]


def _limit_threads(count: int | None) -> int | None:
    if count is not None:
        limit_threads(count)
    return count


Threads = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", callback=_limit_threads, help="CPU threads. Default: all cores."),
]
"""Takes effect while options are read, before anything that has threads is imported."""


def refuse_several_ways(every: str | None, count: int | None, scene_change: bool) -> None:
    """Check that frames are chosen in one way at most.

    Raises:
        typer.BadParameter: several ways are given.
    """
    if sum((every is not None, count is not None, scene_change)) > 1:
        raise typer.BadParameter("give only one of --every, --count and --scene-change")


def parse_size(text: str) -> tuple[int, int]:
    """Read `480x360` as (width, height).

    Raises:
        typer.BadParameter: it is not written so, or a side is 0.
    """
    match = re.fullmatch(r"([1-9]\d*)[xX×]([1-9]\d*)", text.strip())
    if not match:
        raise typer.BadParameter(f"{text!r} is not a size; write WIDTHxHEIGHT, for example 480x360")
    return int(match[1]), int(match[2])


def parse_scales(text: str) -> tuple[float, ...]:
    """Read `0.75,1,1.3` as numbers.

    Raises:
        typer.BadParameter: it is not written so.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} are not scales; write for example 0.75,1,1.3") from None


def parse_section(text: str) -> tuple[float, float]:
    """Read `START-END`, each `[[H:]M:]S` or nothing for the video's own start or end, as two times in seconds.

    Raises:
        typer.BadParameter: it is not written so, or ends before it starts.
    """
    clock = r"(?:\d+:){0,2}\d+(?:\.\d+)?"
    match = re.fullmatch(rf"({clock})?-({clock})?", text.strip())
    start, end = (_seconds(match[1], 0.0), _seconds(match[2], math.inf)) if match else (0.0, 0.0)
    if start >= end:
        raise typer.BadParameter(f"{text!r} is not a section; write START-END, for example 1:30-2:00 or 90-")
    return start, end


def _seconds(clock: str | None, otherwise: float) -> float:
    if clock is None:
        return otherwise
    return sum(float(part) * 60.0**place for place, part in enumerate(reversed(clock.split(":"))))


def parse_time(text: str) -> Fraction:
    """Read `[[H:]M:]S`, or a number with a unit as `parse_duration` takes it, as seconds; 0 is possible.

    Raises:
        typer.BadParameter: it is not written so.
    """
    if re.fullmatch(r"(\d+:){0,2}\d+(\.\d+)?", text.strip()):
        parts = reversed(text.strip().split(":"))
        return sum((Fraction(part) * 60**place for place, part in enumerate(parts)), Fraction(0))
    try:
        return parse_duration(text)
    except typer.BadParameter:
        raise typer.BadParameter(f"{text!r} is not a time; write for example 90, 1:30, 0:01:30 or 500ms") from None


def parse_duration(text: str) -> Fraction:
    """Read `2`, `0.5s`, `500ms` or `1min` as seconds.

    Raises:
        typer.BadParameter: it is not written so, or is 0.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|min|)", text.strip())
    units = {"ms": Fraction(1, 1000), "s": Fraction(1), "": Fraction(1), "min": Fraction(60)}
    seconds = Fraction(match[1]) * units[match[2]] if match else Fraction(0)
    if not seconds:
        raise typer.BadParameter(f"{text!r} is not a duration; write for example 2, 0.5s, 500ms or 1min")
    return seconds


def parse_length(text: str) -> float:
    """Read `100m`, `0.5km` or `100` as metres.

    Raises:
        typer.BadParameter: it is not written so, or is 0.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)\s*(m|km|)", text.strip())
    metres = float(match[1]) * (1000 if match[2] == "km" else 1) if match else 0.0
    if not metres:
        raise typer.BadParameter(f"{text!r} is not a length; write for example 100m or 0.5km")
    return metres


def parse_offset(text: str) -> timedelta:
    """Read `+05:30`, `-8` or `0` as local time minus UTC.

    Raises:
        typer.BadParameter: it is not written so, or is not a time zone on Earth.
    """
    match = re.fullmatch(r"([+-]?)(\d\d?)(?::?([0-5]\d))?", text.strip())
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0)) if match else timedelta.max
    if not match or offset > timedelta(hours=14):
        raise typer.BadParameter(f"{text!r} is not an offset from UTC; write for example +05:30 or -08:00")
    return -offset if match[1] == "-" else offset


def parse_bytes(text: str) -> float:
    """Read `500K`, `1.5M` or `2G` (powers of 1000) as a number of bytes.

    Raises:
        typer.BadParameter: it is not written so, or is 0.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMG]?)B?", text.strip().upper())
    number = float(match[1]) * 1000 ** " KMG".index(match[2] or " ") if match else 0.0
    if not number:
        raise typer.BadParameter(f"{text!r} is not a number of bytes; write for example 500K or 2M")
    return number


def parse_shard(text: str) -> tuple[int, int]:
    """Read `2/8` as (2, 8): the second of eight parts.

    Raises:
        typer.BadParameter: it is not written so, or there is no such part.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    number, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= count:
        raise typer.BadParameter(f"{text!r} is not a part of a whole; write I/N, for example 2/8")
    return number, count


def parse_track(text: str | None) -> int | Literal["all"] | None:
    """Read the number of a track, from 1, or `all`; None where none is given.

    Raises:
        typer.BadParameter: it is neither.
    """
    if text is None or text == "all":
        return "all" if text else None
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise typer.BadParameter(f"{text!r} is not a track; write its number, from 1, or all")
    return int(text)


def parse_rate(text: str) -> Fraction:
    """Read `25`, `29.97` or `30000/1001` as frames a second.

    Raises:
        typer.BadParameter: it is not written so, or is not above 0.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise typer.BadParameter(f"{text!r} is not a frame rate; write for example 25 or 30000/1001")
    return rate


def given_on_command_line(context: typer.Context) -> frozenset[str]:
    """Return the names of the parameters that the user gave; the others have their defaults."""
    # By its name: typer brings a click of its own.
    return frozenset(name for name in context.params if str(context.get_parameter_source(name)).endswith("COMMANDLINE"))


def given_besides(context: typer.Context, allowed: Collection[str]) -> list[str]:
    """Return the flags of the options that the user gave, but for the parameters of these names."""
    flags = {str(parameter.name): parameter.opts[0] for parameter in context.command.params}
    return [flag for name, flag in flags.items() if name in given_on_command_line(context) - set(allowed)]
