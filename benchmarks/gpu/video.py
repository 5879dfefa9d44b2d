"""Overlays and codecs on a machine with a CUDA device."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from gpu.setting import Setting

from roadseg.inference.engines import load_segmenter
from roadseg.overlay import job
from roadseg.overlay.appearance import Appearance, LegendPlace
from roadseg.overlay.job import overlay_video
from roadseg.overlay.summary import OverlayOptions
from roadseg.streets.drive import drive_frames
from roadseg.video.codecs import try_encoder
from roadseg.video.encoders import ENCODERS, EncoderName
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter


def overlay_720p(setting: Setting) -> dict[str, Any]:
    """Overlays of 1280x720 from end to end, H.264 in and out."""
    return _overlays(setting, 192 if setting.smoke else 720)


def overlay_1080p(setting: Setting) -> dict[str, Any]:
    """Overlays of 1920x1080 from end to end, H.264 in and out."""
    return _overlays(setting, 270 if setting.smoke else 1080)


def _overlays(setting: Setting, height: int) -> dict[str, Any]:
    found, clip = {}, _clip(setting, height, 6 if setting.smoke else 600)
    sizes: list[Case] = [("fast", None, (96, 64), 0.0)]
    if not setting.smoke:
        sizes = [("fast", None, None, 0.0), ("fast", None, None, 0.6), ("fast", 16, None, 0.0)]
        sizes += [("fast", None, (512, 256), 0.0), ("resnet101", 8, None, 0.0)]
    for (name, batch, size, smoothing), on_device in _cases(sizes):
        segmenter = load_segmenter(setting.networks[name][0], device=setting.device, input_size=size)
        if batch is None:
            batch = segmenter.batch_size
        legend: LegendPlace = "below" if hasattr(cv2, "FontFace") else "none"
        options = OverlayOptions(Appearance(legend=legend), batch, smoothing=smoothing, overwrite=True)
        with _drawn_on(on_device):
            done = overlay_video(clip, segmenter, setting.folder / "overlays", options)
        width, high = segmenter.input_size
        key = f"{height}p {name} {width}x{high} batch {batch}{' smooth' if smoothing else ''}"
        key += "" if on_device else ", drawn on by the CPU"
        found[key] = {
            "fps": round(done.frames_per_second, 1),
            "stage_ms": {stage: round(timing.ms_per_frame, 2) for stage, timing in done.stages.items()},
        }
        print(key, found[key], flush=True)  # of a check that is cut off, too
    return found


Case = tuple[str, int | None, tuple[int, int] | None, float]


def _cases(sizes: list[Case]) -> Iterator[tuple[Case, bool]]:
    """Yield the cases as they are, then the first with frames scaled and drawn on by the CPU."""
    yield from ((case, True) for case in sizes)
    yield sizes[0], False


@contextmanager
def _drawn_on(device: bool) -> Iterator[None]:
    """Scale and draw on frames where the network is, a CPU in small too, or else on the CPU."""
    kept = job.draws_on_device
    job.draws_on_device = lambda segmenter: device  # type: ignore[assignment]
    try:
        yield
    finally:
        job.draws_on_device = kept


def _clip(setting: Setting, height: int, total: int) -> Path:
    """Write `setting.video`, or a rendered drive, scaled and repeated, once."""
    clip, width = setting.folder / f"{height}p.mp4", height * 16 // 9 // 2 * 2
    if clip.exists():
        return clip
    if setting.video is None:
        drive = drive_frames(0, 0.4, size=(320, 180))
        frames = [_frame(cv2.resize(image, (width, height)), index) for index, (image, _) in enumerate(drive)]
    else:
        with VideoReader(setting.video) as reader:
            frames = [_scaled(frame, (width, height)) for frame in reader]
    with VideoWriter.like(clip, frames[0]) as writer:
        for index in range(total):
            duration = frames[0].duration
            writer.write(replace(frames[index % len(frames)], index=index, pts=index * duration, duration=duration))
    return clip


def _scaled(frame: Frame, size: tuple[int, int]) -> Frame:
    half = (size[0] // 2, size[1] // 2)
    return replace(frame, y=cv2.resize(frame.y, size), u=cv2.resize(frame.u, half), v=cv2.resize(frame.v, half))


def _frame(image: np.ndarray, index: int) -> Frame:
    height, width = image.shape[:2]
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)
    luma, chroma = planes[:height], planes[height:].reshape(2, height // 2, width // 2)
    return Frame(luma, chroma[0], chroma[1], "bt601", False, index, index, Fraction(1, 25), 1)


def codecs(setting: Setting) -> dict[str, Any]:
    """Decoders and encoders: frames a second, and what encoders cost and keep."""
    from av.codec.hwaccel import HWAccel, hwdevices_available

    found: dict[str, Any] = {"hwdevices of PyAV": hwdevices_available()}
    clip = _clip(setting, *((192, 6) if setting.smoke else (1080, 600)))
    for name, hwaccel in (("cpu", None), ("cuda", HWAccel("cuda", allow_software_fallback=False))):
        try:
            with av.open(str(clip), hwaccel=hwaccel) as container:
                container.streams.video[0].thread_type = "AUTO"
                started = time.perf_counter()
                count = sum(1 for _ in container.decode(video=0))
                found[f"{name} fps"] = round(count / (time.perf_counter() - started))
        except Exception as error:
            found[f"{name} fps"] = repr(error)[:300]
    with VideoReader(clip) as reader:
        frame = next(iter(reader))
    try:
        found["cuda, frames left on the device"] = _decoded_on_device(clip, frame)
    except Exception as error:
        found["cuda, frames left on the device"] = repr(error)[:300]
    found["to_rgb_ms"] = setting.milliseconds(frame.to_rgb)
    found["encoders"] = {name: _encoder(name, clip, setting) for name in ENCODERS}
    return found


def _encoder(name: EncoderName, clip: Path, setting: Setting) -> dict[str, Any]:
    """Check of an encoder of overlays and, where it works, its speed, cost, size and quality, one and two at once."""
    with VideoReader(clip) as reader:
        frames = list(islice(reader, 6 if setting.smoke else 120))
    found: dict[str, Any] = {}
    for together in (1, 2):
        problem = try_encoder(name, frames[0], together=together)
        if problem:
            found[f"{together} at once"] = problem
            continue
        paths = [setting.folder / f"{name}{number}.mp4" for number in range(together)]

        def write(path: Path) -> None:
            with VideoWriter.like(path, frames[0], encoder=name) as writer:
                for frame in frames:
                    writer.write(frame)

        write(paths[0])
        wall, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(together) as pool:
            list(pool.map(write, paths))
        count = together * len(frames)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        with VideoReader(paths[0]) as reader:
            quality = [cv2.PSNR(frame.y, back.y) for frame, back in zip(frames, reader, strict=True)]
        found[f"{together} at once"] = {
            "fps": round(count / wall),
            "core_ms": round(1000 * cpu / count, 1),
            "kB_a_frame": round(paths[0].stat().st_size / len(frames) / 1000, 1),
            "PSNR": round(float(np.mean(quality)), 1),
        }
    return found


def _decoded_on_device(clip: Path, first: Frame) -> dict[str, Any]:
    """Frames a second of NVDEC where NV12 stays on the device, and the first frame's planes beside the CPU's."""
    from av.codec.hwaccel import HWAccel

    hwaccel = HWAccel("cuda", allow_software_fallback=False, is_hw_owned=True)
    with av.open(str(clip), hwaccel=hwaccel) as container:
        started, count, difference = time.perf_counter(), 0, {}
        for frame in container.decode(video=0):
            luma, chroma = (torch.from_dlpack(plane) for plane in frame.planes)
            if not count:
                found = {"y": luma, "u": chroma.reshape(luma.shape[0] // 2, -1)[:, 0::2]}
                for name, plane in found.items():
                    expected = getattr(first, name).astype(int)
                    difference[name] = int(np.abs(plane.cpu().numpy().astype(int) - expected).max())
                where = str(luma.device)
            count += 1
        fps = round(count / (time.perf_counter() - started))
    return {"fps": fps, "device": where, "format": "NV12", "largest_difference": difference}
