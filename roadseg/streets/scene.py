"""Contents of a street as plain data: drawn at random by `sampling`, turned into images by `drawing`.

Street coordinates are (u, y, s) in metres: u to the right of the camera's path, y up from the road, s along the street,
following its bends. A heading of 0 looks along +s, and pi/2 looks along +u. Colours are RGB 0..255 under white light.
Indices (`facade`, `sprite`, ...) point into the texture bank.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
Floats = NDArray[np.float64]
TreeKind = Literal["leafy", "bare", "palm", "bush"]
BarrierKind = Literal[
    "railings",
    "wall with railings",
    "mesh",
    "guard rail",
    "boards",
    "wall",
    "compound wall",
    "noise wall",
    "concrete barrier",
    "hedge",
]
VehicleKind = Literal["saloon", "hatchback", "estate", "suv", "van", "rickshaw", "truck", "bus", "tram"]
BoardShape = Literal["disc", "triangle", "diamond", "rectangle"]


@dataclass(frozen=True)
class CentreLine:
    """Course of the street: a sum of sine waves, each (amplitude m, wavelength / 2 pi in m, phase rad)."""

    waves: tuple[tuple[float, float, float], ...]

    def offset(self, s: Floats) -> Floats:
        """Return the sideways position in metres of the centre line at `s`, any shape."""
        return sum((a * np.sin(s / length + phase) for a, length, phase in self.waves), np.zeros_like(s))

    def slope(self, s: float) -> float:
        """Return the derivative of `offset`: the tangent of the street's direction at `s`."""
        return sum(a / length * float(np.cos(s / length + phase)) for a, length, phase in self.waves)


@dataclass(frozen=True)
class Strip:
    """A band of ground along the whole street."""

    left: float
    right: float
    label: int
    colour: Colour
    ragged: float = 0.0
    """Amplitude in metres of the wandering of its edges, for unpaved ground."""
    height: float = 0.0
    """Height above the road in metres, for sidewalks."""


@dataclass(frozen=True)
class Line:
    """A painted line, rail, kerb or row of joints along the street; solid where `gap` is 0."""

    u: float
    width: float
    colour: Colour
    dash: float = 1.0
    gap: float = 0.0
    label: int | None = None
    rise: tuple[float, float] = (0.0, 0.0)
    """Heights in metres of its left and right edge; unequal for the face of a kerb."""


@dataclass(frozen=True)
class Patch:
    """A polygon on the ground: repairs, cracks, stop lines, zebra bars, arrows."""

    corners: tuple[tuple[float, float], ...]
    """(u, s) of each corner."""
    colour: Colour


@dataclass(frozen=True)
class Junction:
    """A side street across the street, from s = `start` to `end`."""

    start: float
    end: float


@dataclass(frozen=True)
class Street:
    """The ground: its bends, bands, paint and roughness."""

    centre_line: CentreLine
    verge: Colour
    """Colour of the terrain outside all strips."""
    strips: tuple[Strip, ...]
    lines: tuple[Line, ...]
    patches: tuple[Patch, ...]
    junctions: tuple[Junction, ...]
    road: Colour
    joints: float
    """Distance in metres of the paving joints across the sidewalks; 0 for none."""
    grain: tuple[int, int]
    """Position of the fine texture among the grits, and of the coarse one among the noises."""
    roughness: float
    """Contrast of the road's texture, 0..1."""


@dataclass(frozen=True)
class Building:
    """A block with its facade along the street at `u`, reaching `depth` metres away from it."""

    u: float
    start: float
    end: float
    depth: float
    height: float
    facade: int
    wall: int
    """Position of the texture of its sides among the walls."""
    side_facade: int | None
    """Position of the texture of its sides among the facades instead, as at corners."""
    tint: Colour
    """Factor of the facade's colours, around 1."""
    mirrored: bool
    roof: Literal["flat", "gable", "tent"]
    rise: float
    """Height in metres of the roof above the walls."""
    roof_colour: Colour


@dataclass(frozen=True)
class Barrier:
    """A fence, wall, guard rail or hedge along the street."""

    kind: BarrierKind
    label: int
    u: float
    start: float
    end: float
    height: float
    texture: int
    tint: Colour


@dataclass(frozen=True)
class Hoarding:
    """A large advert that faces the traffic, on two posts or a roof; only its posts are labelled."""

    left: float
    right: float
    s: float
    bottom: float
    top: float
    advert: int
    posts: bool


@dataclass(frozen=True)
class Cable:
    """A wire overhead from one (u, y, s) to another, sagging in between; too thin to be labelled."""

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    sag: float

    @property
    def s(self) -> float:
        """Position of its end along the street."""
        return self.end[2]


@dataclass(frozen=True)
class Cow:
    """A cow; Cityscapes has no class for it."""

    u: float
    s: float
    heading: float
    colour: Colour


@dataclass(frozen=True)
class Tree:
    """A tree or bush, drawn as a sprite that faces the camera."""

    kind: TreeKind
    u: float
    s: float
    height: float
    width: float
    sprite: int
    tint: Colour
    mirrored: bool


@dataclass(frozen=True)
class Board:
    """A traffic sign or shop board on a post."""

    shape: BoardShape
    y: float
    half_width: float
    half_height: float
    border: Colour
    fill: Colour
    symbol: Colour
    glyph: int


@dataclass(frozen=True)
class Signal:
    """A traffic light: a box with three lamps, `lit` from the top."""

    y: float
    shift: float
    """Sideways distance in metres from the post."""
    size: float
    """Height of the box in metres."""
    lit: int
    colour: Colour


@dataclass(frozen=True)
class Post:
    """A pole with a lamp, signs, traffic lights, or nothing."""

    u: float
    s: float
    height: float
    radius: float
    colour: Colour
    arm: float = 0.0
    """Length in metres and side (sign) of an arm at the top; 0 for none."""
    lamp: bool = False
    crossbar: bool = False
    banded: bool = False
    boards: tuple[Board, ...] = ()
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True)
class VehicleModel:
    """Looks of a vehicle; sizes in metres."""

    kind: VehicleKind
    length: float
    width: float
    height: float
    colour: Colour
    trim: Colour
    glass: float
    """Grey level of the windows."""
    variant: int
    lights: bool


@dataclass(frozen=True)
class Vehicle:
    """A vehicle, its middle at (u, s), moving along the street with `speed` m/s."""

    model: VehicleModel
    u: float
    s: float
    heading: float
    speed: float = 0.0


@dataclass(frozen=True)
class Figure:
    """Looks of a person."""

    height: float
    build: float
    """Width relative to a slim person, 0.9..1.5."""
    skin: Colour
    top: Colour
    legs: Colour
    hair: Colour
    robe: bool
    """True for a skirt, saree or long coat."""
    bag: int
    """Side of a bag, -1 or 1; 0 for none."""


@dataclass(frozen=True)
class Person:
    """A person on foot, walking with `speed` m/s in direction `heading`; `phase` is the position in the step."""

    figure: Figure
    u: float
    s: float
    heading: float
    speed: float
    phase: float


@dataclass(frozen=True)
class TwoWheeler:
    """A bicycle or motorcycle, with or without riders."""

    motorised: bool
    u: float
    s: float
    heading: float
    speed: float
    colour: Colour
    riders: tuple[Figure, ...]
    helmet: Colour | None
    lights: bool = False


StreetObject = Building | Barrier | Hoarding | Cable | Cow | Tree | Post | Vehicle | Person | TwoWheeler


@dataclass(frozen=True)
class Ridge:
    """A distant skyline: hills, woods or houses, at infinity."""

    label: int
    colour: Colour
    height: float
    """Tangent of its highest elevation above the horizon."""
    noise: int
    stretch: float
    """Noise texels per unit of horizontal tangent."""
    stepped: bool
    haze: float
    """Share of haze in its colour, 0..1."""


@dataclass(frozen=True)
class Atmosphere:
    """Light, air and sky."""

    sun: Colour
    """Light of the sun on a surface facing it, as a factor; 0 under an overcast sky."""
    ambient: Colour
    """Light of the sky from above, as a factor."""
    sun_direction: tuple[float, float, float]
    """Unit vector towards the sun: right, up, ahead."""
    haze: Colour
    visibility: float
    """Metres over which contrast falls to 1/e; at night the reach of the headlights, as the haze is black."""
    zenith: Colour
    horizon: Colour
    clouds: int
    cover: float
    """Share of the sky covered by clouds, 0..1."""
    cloud_colour: Colour
    glow: float
    """Brightness of the sky around the sun, 0..1."""
    wet: float = 0.0
    """Share of the sky and of lights that the road mirrors, 0..1."""
    night: bool = False
    """True if street lamps and headlights are the only light."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with a lens, for images of any size."""

    focal: float
    """Focal length in image widths."""
    height: float
    """Metres above the road."""
    horizon: float
    """Row of the horizon as a share of the image height, from the top."""
    pan: float
    """Shift of the principal point in image widths: a small turn of the camera."""
    roll: float
    """Roll in radians."""
    distortion: float
    """Barrel distortion: growth of the radius at the corner of the image."""
    bonnet: float
    """Height of the own car's bonnet at the bottom edge as a share of the image; 0 when out of view."""
    bonnet_colour: Colour = (34, 36, 40)
    reflection: float = 0.0
    """Strength of the dashboard's reflection in the windscreen, 0..1."""
    wiper: float = 0.0
    """Angle in radians of a wiper across the windscreen; 0 at rest."""


@dataclass(frozen=True)
class Scene:
    """A street with everything in it."""

    street: Street
    atmosphere: Atmosphere
    ridges: tuple[Ridge, ...]
    objects: tuple[StreetObject, ...] = field(repr=False)
