"""One street as an image and its label map, a pure function of seed, index, size and look."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import InputError
from roadseg.labels.space import LabelMap
from roadseg.streets import looks, sensor
from roadseg.streets.drawing.buildings import draw_barrier, draw_building
from roadseg.streets.drawing.canvas import Canvas
from roadseg.streets.drawing.cattle import draw_cow
from roadseg.streets.drawing.furniture import draw_post, draw_tree
from roadseg.streets.drawing.ground import draw_ground
from roadseg.streets.drawing.lamplight import draw_halos, lamps_of
from roadseg.streets.drawing.overhead import draw_cable, draw_hoarding
from roadseg.streets.drawing.people import STRIDE, draw_person, draw_two_wheeler
from roadseg.streets.drawing.sky import draw_ridge, draw_sky
from roadseg.streets.drawing.vehicles import draw_vehicle
from roadseg.streets.drawing.view import View
from roadseg.streets.drawing.windscreen import draw_windscreen
from roadseg.streets.looks import LOOKS
from roadseg.streets.looks import Look as Look
from roadseg.streets.presets import DEFAULT_SCENES, PRESETS, Scenes, mixture
from roadseg.streets.sampling.draws import pick
from roadseg.streets.sampling.world import sample_scene
from roadseg.streets.scene import (
    Barrier,
    Building,
    Cable,
    Camera,
    Cow,
    Hoarding,
    Person,
    Post,
    Scene,
    StreetObject,
    Tree,
    TwoWheeler,
    Vehicle,
)
from roadseg.streets.textures.bank import TextureBank, texture_bank

RENDERER_VERSION = 11
"""Version of the pixels: grows whenever the same arguments give other images; stored with rendered sets."""
SEEN_AHEAD = 170.0
"""Distance ahead of the camera in metres within which objects are drawn."""
SMALLEST = 16
"""Shortest side of an image in pixels."""


def render_street(
    seed: int = 0,
    index: int = 0,
    *,
    size: tuple[int, int] = (480, 360),
    look: Look = "game",
    scenes: Scenes | str = DEFAULT_SCENES,
    shared: bool = False,
) -> tuple[NDArray[np.uint8], LabelMap]:
    """Render image `index` of the street set `seed`.

        image, labels = render_street(seed=7, scenes="indian")

    Args:
        seed: seed of the set, at least 0; its textures are painted on first use in a process (about 1.5 s).
        index: number of the image in the set, at least 0.
        size: (width, height) in pixels; the same street is shown at every size.
        look: `game` (clean) or `target` (hazy dashcam), see `roadseg.streets.looks`.
        scenes: presets with weights, as a mapping or as text such as `european=0.7,indian=0.3`, see
            `roadseg.streets.presets`.
        shared: True shows the same street in both looks, with their own light and camera; otherwise each look has its
            own streets.

    Returns:
        The image, (H, W, 3) uint8 RGB, and its label map, (H, W) uint8 with train ids 0..19 of `indian-20`, and 255 for
        things without a class: the own car's bonnet, wipers, hoardings, cattle.

    Raises:
        InputError: the size, seed, index, look or scenes cannot be rendered.
    """
    check(seed, size, look)
    weights = mixture(scenes)
    if index < 0:
        raise InputError(f"index {index} is negative", "Images are counted from 0.")
    rng = np.random.default_rng((seed, LOOKS.index(look), index))
    street_rng = np.random.default_rng((seed, len(LOOKS), index)) if shared else rng
    preset = PRESETS[pick(street_rng, weights)]
    atmosphere = looks.sample_atmosphere(rng, look, preset)
    camera, recording = looks.sample_camera(rng, look), looks.sample_sensor(rng, look)
    scene = sample_scene(street_rng, preset, atmosphere)
    bank = texture_bank(seed, len(LOOKS)) if shared else bank_of(seed, look)
    image, label = render_scene(scene, camera, View(camera, scene.street.centre_line, size), bank)
    return sensor.develop(image, recording, bank.grain, rng), label


def check(seed: int, size: tuple[int, int], look: str) -> None:
    """Check that a set can be rendered.

    Raises:
        InputError: the size is too small, the seed negative, or the look unknown.
    """
    if min(size) < SMALLEST:
        raise InputError(f"size {size[0]}x{size[1]} is too small", f"Both sides must have {SMALLEST} pixels or more.")
    if seed < 0:
        raise InputError(f"seed {seed} is negative", "Give a seed of 0 or more.")
    if look not in LOOKS:
        raise InputError(f"there is no look {look!r}", f"Looks: {', '.join(LOOKS)}.")


def bank_of(seed: int, look: Look) -> TextureBank:
    """Return the textures of a set."""
    return texture_bank(seed, LOOKS.index(look))


def render_scene(
    scene: Scene, camera: Camera, view: View, bank: TextureBank, time: float = 0.0
) -> tuple[NDArray[np.uint8], LabelMap]:
    """Draw `scene` as it is `time` seconds after its start, seen through `view` and the lens of `camera`.

    Nothing here is random; things are painted from back to front.
    """
    canvas = Canvas(view, scene.atmosphere)
    draw_sky(canvas, scene.atmosphere, bank)
    for ridge in scene.ridges:
        draw_ridge(canvas, ridge, bank)
    seen = sorted(_in_sight(scene, view, time), key=lambda pair: -pair[0])
    things = [thing for _, thing in seen]
    draw_ground(canvas, scene.street, scene.atmosphere, things, bank)
    for thing in things:
        _draw(canvas, thing, bank)
    if scene.atmosphere.night:
        draw_halos(canvas, lamps_of(things))
    image, label = sensor.through_lens(canvas.image, canvas.label, camera)
    draw_windscreen(image, label, camera, bank)
    return image, label


def _in_sight(scene: Scene, view: View, time: float) -> list[tuple[float, StreetObject]]:
    """Return the objects ahead of the camera at `time`, each with the depth that decides its painting order.

    Houses and fences count from their far ends, as all that stands in the street along them is in front of them.
    """
    found: list[tuple[float, StreetObject]] = []
    for thing in scene.objects:
        if isinstance(thing, (Building, Barrier)):
            near, far = thing.start, thing.end
            order = far
        elif isinstance(thing, (Vehicle, Person, TwoWheeler)):
            thing = _moved(thing, time)
            reach = thing.model.length / 2 if isinstance(thing, Vehicle) else 0.0
            near, far = thing.s - reach, thing.s + reach
            order = near
        else:
            near = far = order = thing.s
        if far > view.s and near < view.s + SEEN_AHEAD:
            found.append((order, thing))
    return found


def _moved(thing: Vehicle | Person | TwoWheeler, time: float) -> Vehicle | Person | TwoWheeler:
    """Return a vehicle or person at its place, and in its step, `time` seconds later."""
    if not time or not thing.speed:
        return thing
    if isinstance(thing, Person):
        s = thing.s + thing.speed * time * math.cos(thing.heading)
        return replace(thing, s=s, phase=thing.phase + 2 * math.pi * thing.speed * time / STRIDE)
    return replace(thing, s=thing.s + thing.speed * time)


def _draw(canvas: Canvas, thing: StreetObject, bank: TextureBank) -> None:
    match thing:
        case Building():
            draw_building(canvas, thing, bank)
        case Barrier():
            draw_barrier(canvas, thing, bank)
        case Hoarding():
            draw_hoarding(canvas, thing, bank)
        case Cable():
            draw_cable(canvas, thing)
        case Cow():
            draw_cow(canvas, thing)
        case Tree():
            draw_tree(canvas, thing, bank)
        case Post():
            draw_post(canvas, thing)
        case Vehicle():
            draw_vehicle(canvas, thing)
        case Person():
            draw_person(canvas, thing)
        case TwoWheeler():
            draw_two_wheeler(canvas, thing)
