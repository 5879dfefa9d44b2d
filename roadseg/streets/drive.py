"""Drive along one street: frames in time, with labels."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import InputError
from roadseg.labels.space import LabelMap
from roadseg.streets import looks, sensor
from roadseg.streets.drawing.view import View
from roadseg.streets.looks import LOOKS, Look
from roadseg.streets.presets import DEFAULT_SCENES, PRESETS, Scenes, mixture
from roadseg.streets.render import bank_of, check, render_scene
from roadseg.streets.sampling.draws import pick
from roadseg.streets.sampling.world import sample_scene
from roadseg.streets.scene import Camera, Scene

SPEED = (7.0, 12.0)
"""Range of the mean speed in m/s."""
SURGE, SURGE_PERIOD = 0.8, 7.0
"""Metres by which the camera runs ahead of and behind its mean speed, and the period in seconds."""
NOD, NOD_PERIOD = 0.0025, 1.1
"""Amplitude of the nod on its springs, as a share of the image height, and the period in seconds."""
STREAM = 1
"""Number that keeps the random numbers of drives apart from those of stills."""


def frame_count(seconds: float, frame_rate: float | Fraction) -> int:
    """Return the number of frames of a drive, at least one.

    Raises:
        InputError: `seconds` or `frame_rate` is not above 0.
    """
    if not seconds > 0 or not frame_rate > 0:
        raise InputError(f"a drive of {seconds} s at {frame_rate} frames/s has no frames", "Give numbers above 0.")
    return max(1, round(seconds * frame_rate))


def drive_frames(
    seed: int,
    seconds: float,
    *,
    size: tuple[int, int] = (480, 360),
    look: Look = "target",
    frame_rate: float | Fraction = 15,
    scenes: Scenes | str = DEFAULT_SCENES,
) -> Iterator[tuple[NDArray[np.uint8], LabelMap]]:
    """Render a drive along the street of a seed.

    Frame k shows the street k / frame_rate seconds after the start and is a pure function of the other arguments.
    Houses keep their fronts, traffic flows, people walk; light, camera and sensor stay constant, only noise changes.

    Args:
        seed: seed of the street, at least 0.
        seconds: length of the drive.
        size: (width, height) in pixels.
        look: `game` or `target`.
        frame_rate: frames per second.
        scenes: presets with weights, one of which is drawn for the whole drive.

    Yields:
        Images (H, W, 3) uint8 RGB with label maps (H, W) uint8, as `render_street` returns them.

    Raises:
        InputError: a size, seed, look, scenes, length or rate that cannot be rendered; raised at once, not at the
            first frame.
    """
    check(seed, size, look)
    return _frames(seed, frame_count(seconds, frame_rate), size, look, mixture(scenes), float(1 / frame_rate))


def drive_path(
    seed: int,
    seconds: float,
    *,
    look: Look = "target",
    frame_rate: float | Fraction = 15,
    scenes: Scenes | str = DEFAULT_SCENES,
) -> NDArray[np.float64]:
    """Return the path of the camera in the drive of `drive_frames` with the same arguments.

    Returns:
        (N, 2) metres to the side and ahead, for each frame; the street lies in a plane.

    Raises:
        InputError: as `drive_frames`.
    """
    check(seed, (480, 360), look)
    drive = _begin(seed, frame_count(seconds, frame_rate), look, mixture(scenes), float(1 / frame_rate))
    ahead = np.array([drive.ahead(frame * drive.interval) for frame in range(drive.count)])
    return np.stack([drive.scene.street.centre_line.offset(ahead), ahead], axis=1)


@dataclass(frozen=True)
class _Drive:
    """Random choices and scenery of a whole drive, drawn once."""

    key: tuple[int, ...]
    count: int
    interval: float
    """Seconds between frames."""
    scene: Scene
    camera: Camera
    recording: looks.Sensor
    speed: float

    def ahead(self, time: float) -> float:
        """Return the place of the camera along the street in metres."""
        return self.speed * time + SURGE * math.sin(2 * math.pi * time / SURGE_PERIOD)


def _begin(seed: int, count: int, look: Look, scenes: Scenes, interval: float) -> _Drive:
    key = (seed, LOOKS.index(look), 0, STREAM)
    rng = np.random.default_rng(key)
    preset = PRESETS[pick(rng, scenes)]
    atmosphere = looks.sample_atmosphere(rng, look, preset)
    camera, recording = looks.sample_camera(rng, look), looks.sample_sensor(rng, look)
    speed = float(rng.uniform(*SPEED))
    scene = sample_scene(rng, preset, atmosphere, length=max(count * interval * speed, 1.0), speed=speed)
    return _Drive(key, count, interval, scene, camera, recording, speed)


def _frames(
    seed: int, count: int, size: tuple[int, int], look: Look, scenes: Scenes, interval: float
) -> Iterator[tuple[NDArray[np.uint8], LabelMap]]:
    drive = _begin(seed, count, look, scenes, interval)
    bank = bank_of(seed, look)
    for frame in range(count):
        time = frame * interval
        nod = NOD * math.sin(2 * math.pi * time / NOD_PERIOD)
        view = View(drive.camera, drive.scene.street.centre_line, size, s=drive.ahead(time), nod=nod)
        image, label = render_scene(drive.scene, drive.camera, view, bank, time)
        yield sensor.develop(image, drive.recording, bank.grain, np.random.default_rng((*drive.key, frame))), label
