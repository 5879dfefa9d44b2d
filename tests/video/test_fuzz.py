"""Whatever a file holds: no crash, no hang, no error but a `VideoError`, no half file. By hand, with more and others:

ROADSEG_FUZZ=5000,7 pytest tests/video/test_fuzz.py     # so many files for the reader, made from that seed
"""

import json
import os
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from helpers.clips import make_clip
from helpers.mutants import mutant

COUNT, SEED = (int(number) for number in os.environ.get("ROADSEG_FUZZ", "240,1").split(","))
SECONDS_OF_REAL_CLIPS = 0.4
MAX_SECONDS = 30
"""After which a file counts as a hang; one takes the reader a hundredth of a second, an overlay thrice that."""
LARGE = 60_000
"""Bytes of a file beyond which an overlay takes long."""

SAME_TWICE = {"fflags": "+bitexact"}
"""Container options that make the same seed give the same files: Matroska draws a random number otherwise."""

MJPEG = {"codec": "mjpeg", "pixel_format": "yuvj420p"}
VFR = {"pts": [0, 30, 31, 40, 70, 71, 95], "time_base": Fraction(1, 90)}

GENERATED: dict[str, dict] = {
    "h264.mp4": {"sound": "aac", "pts": range(36)},
    "faststart.mp4": {"sound": "libmp3lame", "container_options": {"movflags": "+faststart"}, **VFR},
    "fragments.mp4": {"container_options": {"movflags": "+frag_keyframe+empty_moov"}, "options": {"g": "4"}},
    "two.mp4": {"second_size": (32, 24)},
    "turned.mov": {"rotation": 90, "aspect": Fraction(4, 3), "cover": True},
    "prores.mov": {"codec": "prores_ks", "pixel_format": "yuv422p10le", "sound": "pcm_s16le"},
    "palette.mov": {"codec": "png", "pixel_format": "pal8"},
    "10bits.mkv": {"pixel_format": "yuv420p10le", "sound": "libopus"},
    "noise.mkv": {"noise": True, "sound": "flac"},
    "odd.mkv": {"codec": "ffv1", "size": (63, 47)},
    "h264.ts": {"sound": "aac"},
    "h264.flv": {"sound": "aac"},
    "raw.h264": {},
    "mjpeg.avi": {**MJPEG, "sound": "pcm_s16le"},
    "mpeg4.avi": {"codec": "mpeg4", "sound": "libmp3lame"},
    "mpeg2.mpg": {"codec": "mpeg2video"},
    "vp9.webm": {"codec": "libvpx-vp9", "sound": "libopus"},
    "av1.mp4": {"codec": "libsvtav1", "options": {"preset": "12"}},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none"}},
}
REAL = {
    "odd/realshort.mp4": (".mp4", ".mkv", ".ts", ".flv"),
    "odd/video_90.mov": (".mov",),
    "odd/h264_10bits.mp4": (".mp4", ".mkv"),
    "odd/corrupted.mp4": (".mp4",),
    "odd/enst_video.h264": (".h264",),
    "odd/bt709_full_range.mp4": (".mp4",),
    "odd/ae_testsrc.mkv": (".mkv", ".mp4"),
    "odd/ae_h264-png.mp4": (".mp4",),
    "dashcam/carnd_vehicle_test_video.mp4": (".mp4", ".ts"),
    "dashcam/indian_track_480p.mp4": (".mp4", ".mkv", ".ts"),
    "dashcam/solidWhiteRight.mp4": (".mp4", ".mkv"),
}
"""Clips that are cut short by copying packets, and to which containers."""


def copy_start(source: Path, target: Path) -> None:
    """Copy the packets of the first moments, of video and of sound."""
    with av.open(str(source)) as read, av.open(str(target), "w", container_options=SAME_TWICE) as written:
        streams = [
            stream
            for stream in (*read.streams.video, *read.streams.audio)
            if not stream.disposition & Disposition.attached_pic
        ]
        targets = {stream.index: written.add_stream_from_template(stream) for stream in streams}
        for packet in read.demux(*streams):
            if packet.size and (packet.dts is None or packet.dts * packet.time_base <= SECONDS_OF_REAL_CLIPS):
                packet.stream = targets[packet.stream_index]
                written.mux(packet)


@pytest.fixture(scope="module")
def generated(tmp_path_factory) -> list[Path]:
    at = tmp_path_factory.mktemp("generated")
    return [
        make_clip(at / name, **{**options, "container_options": SAME_TWICE | options.get("container_options", {})}).path
        for name, options in GENERATED.items()
    ]


@pytest.fixture(scope="module")
def real(real_data, tmp_path_factory) -> list[Path]:
    at = tmp_path_factory.mktemp("real")
    for name, suffixes in REAL.items():
        source = real_data / "video" / name
        for suffix in suffixes:
            copy_start(source, at / (source.stem + suffix))
    return sorted(at.iterdir())


def mutants(whole: list[Path], at: Path, count: int, seed: int) -> list[Path]:
    """`count` broken files, of each whole one about as many."""
    contents = [path.read_bytes() for path in whole]
    paths = []
    for number in range(count):
        chance = np.random.default_rng([seed, number])
        other = contents[chance.integers(len(contents))]
        paths.append(at / f"{number:05}-{whole[number % len(whole)].name}")
        paths[-1].write_bytes(mutant(contents[number % len(whole)], other, chance))
    return paths


def results(mode: str, paths: list[Path], log: Path, seconds: float = MAX_SECONDS) -> dict[str, str]:
    """Return the result of each file. If the process dies, that file is blamed and another process does the rest."""
    log.touch()
    found: dict[str, str] = {}
    while rest := [path for path in paths if path.name not in found]:
        process = subprocess.run(
            [sys.executable, "-m", "helpers.fuzz_process", mode, str(log), str(seconds)],
            input="\n".join(map(str, rest)),
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        records = [json.loads(line) for line in log.read_text().splitlines()]
        died = {name: f"died with {process.returncode}\n{process.stderr}" for name, _ in records}
        assert len(died) > len(found), process.stderr
        found = died | {name: result for name, result in records if result != "begun"} | found
    return found


def check(found: dict[str, str]) -> None:
    wrong = {name: result for name, result in found.items() if result not in ("done", "refused")}
    assert not wrong, "\n\n".join(f"{name}: {result}" for name, result in wrong.items())
    # A third at least must get past the first check of its header: else this shows little.
    assert Counter(found.values())["done"] > len(found) / 3


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "share"), [("read", 1), ("overlay", 5)])
@pytest.mark.parametrize("kind", ["generated", pytest.param("real", marks=pytest.mark.real_data)])
def test_broken_files(request, tmp_path, kind, mode, share):
    whole: list[Path] = request.getfixturevalue(kind)
    if mode == "overlay":
        whole = [path for path in whole if path.stat().st_size < LARGE]
    paths = mutants(whole, tmp_path, COUNT // 2 // share, SEED + share)
    check(results(mode, paths, tmp_path / "log.jsonl"))


@pytest.mark.slow
def test_what_ought_not_to_happen_is_noticed_and_blamed_on_its_file(tmp_path):
    """Else the test above would show nothing."""
    paths = [tmp_path / name for name in ("good", "crash", "error", "memory", "exit")]
    found = results("misbehave", paths, tmp_path / "log.jsonl", seconds=60)
    found |= results("misbehave", [tmp_path / "hang"], tmp_path / "hang.jsonl", seconds=1)
    assert found["good"] == "done"
    for name, message in {
        "crash": "died with -6",
        "error": "ValueError",
        "hang": "Timeout",
        "memory": "took",
        "exit": "SystemExit",
    }.items():
        assert message in found[name]
