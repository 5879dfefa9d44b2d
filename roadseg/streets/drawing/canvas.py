"""The image and its label map, and the few shapes that everything is drawn with.

The same call draws colours with smooth edges and labels with hard ones, so that the two always agree.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import IGNORE
from roadseg.streets.drawing.view import NEAR, View, clip_near
from roadseg.streets.scene import Atmosphere, Colour, Floats
from roadseg.streets.textures.foliage import Sprite
from roadseg.streets.textures.pyramid import Pyramid, level_for

FRACTION_BITS = 4
"""Binary places of polygon corners: OpenCV takes them in 1/16 pixel."""
_SUBPIXEL = 1 << FRACTION_BITS
NARROW = 3.0
"""Width in pixels up to which a wall is painted in the mean colour of its texture."""
SOFTNESS = 0.7
"""Smallest number of texels per pixel for walls; fewer are faster and softer."""
LAMPS_SEEN = 400.0
"""Metres over which lamps fade to 1/e by night."""
COVERED = 60
"""Coverage of a silhouette, 0..255, from which a pixel has its label: thin twigs average to little."""
_CIRCLE = np.stack([np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], 1)


class Canvas:
    """An image being drawn, seen from `view` in the light and air of `atmosphere`."""

    def __init__(self, view: View, atmosphere: Atmosphere) -> None:
        self.view = view
        self.image = np.zeros((view.height, view.width, 3), np.uint8)
        self.label = np.full((view.height, view.width), IGNORE, np.uint8)
        self._haze = np.asarray(atmosphere.haze, np.float64)
        self._haze_colour = atmosphere.haze
        self.visibility = atmosphere.visibility
        self._lamps_seen = LAMPS_SEEN if atmosphere.night else atmosphere.visibility
        self._sun = np.asarray(atmosphere.sun, np.float64)
        self._ambient = np.asarray(atmosphere.ambient, np.float64)
        self._sun_direction = np.asarray(atmosphere.sun_direction, np.float64)
        self._facing = self.light(np.array((0.0, 0.5, -0.87))).tolist()

    def light(self, normals: Floats) -> Floats:
        """Return the light on surfaces with unit `normals`, (..., 3) camera coordinates, as (..., 3) RGB factors."""
        from_sun = np.maximum(normals @ self._sun_direction, 0)[..., None]
        from_sky = (0.8 + 0.2 * normals[..., 1])[..., None]
        return np.asarray(from_sun * self._sun + from_sky * self._ambient)

    def clearness(self, depth: Floats | float) -> Floats:
        """Return the share of an object's own colour that passes the haze from `depth` metres."""
        return np.exp(np.negative(depth) / self.visibility)

    def through_haze(self, colours: Floats, depth: Floats | float) -> Floats:
        """Return lit colours (..., 3) as seen from `depth` metres, (...)."""
        clear = np.asarray(self.clearness(depth))[..., None]
        return np.clip(colours * clear + self._haze * (1 - clear), 0, 255)

    def tone(self, colour: Colour, depth: float) -> Colour:
        """Return the colour of a round object that faces the camera, lit and seen through `depth` metres of haze."""
        red, green, blue = self._facing
        return self.veiled((colour[0] * red, colour[1] * green, colour[2] * blue), depth, self.visibility)

    def glow(self, colour: Colour, depth: float) -> Colour:
        """Return the colour of a light source, seen through `depth` metres of haze."""
        return self.veiled(colour, depth, self._lamps_seen)

    def veiled(self, colour: Colour, depth: float, visibility: float) -> Colour:
        """Return a lit colour as seen from `depth` metres through haze with a `visibility` in metres."""
        clear = math.exp(-depth / visibility)
        red, green, blue = (
            min(c * clear + h * (1 - clear), 255.0) for c, h in zip(colour, self._haze_colour, strict=True)
        )
        return red, green, blue

    def fill(self, pixels: Floats, colour: Colour, label: int | None) -> None:
        """Fill a polygon of (N, 2) pixels; `label` None leaves the label map as it is."""
        corners = [fixed_point(pixels)]
        cv2.fillPoly(self.image, corners, colour, cv2.LINE_AA, FRACTION_BITS)
        if label is not None:
            cv2.fillPoly(self.label, corners, label, cv2.LINE_8, FRACTION_BITS)

    def polygon(self, points: Floats, colour: Colour, label: int | None) -> None:
        """Fill a flat polygon of (N, 3) camera coordinates in a colour that is already lit and hazy."""
        points = clip_near(points)
        if len(points) >= 3:
            self.fill(self.view.project(points), colour, label)

    def hull(self, centres: Floats, radii: Floats, colour: Colour, label: int | None) -> None:
        """Fill the outline of the hull of discs, `centres` (N, 2) and `radii` (N,) in pixels."""
        rims = centres[:, None] + np.maximum(radii, 0.3)[:, None, None] * _CIRCLE
        outline = [cv2.convexHull(fixed_point(rims.reshape(-1, 2)))]
        cv2.fillPoly(self.image, outline, colour, cv2.LINE_AA, FRACTION_BITS)
        if label is not None:
            cv2.fillPoly(self.label, outline, label, cv2.LINE_8, FRACTION_BITS)

    def ring(self, pixels: Floats, thickness: float, colour: Colour, label: int) -> None:
        """Stroke a closed curve of (N, 2) pixels `thickness` pixels wide, and label all that it encloses."""
        corners = [fixed_point(pixels)]
        cv2.polylines(self.image, corners, True, colour, max(round(thickness), 1), cv2.LINE_AA, FRACTION_BITS)
        cv2.fillPoly(self.label, corners, label, cv2.LINE_8, FRACTION_BITS)

    def wall(
        self,
        texture: Pyramid,
        ends: Floats,
        *,
        bottom: float,
        top: float,
        light: Floats,
        label: int,
        mirrored: bool = False,
    ) -> None:
        """Hang a texture, premultiplied RGBA, on an upright wall.

        Args:
            texture: its left edge hangs at the first end, or its right edge if `mirrored`.
            ends: (2, 2) street coordinates (u, s) of the wall's ends.
            bottom: height of its lower edge in metres.
            top: height of its upper edge.
            light: (3,) RGB factors of the texture's colours.
            label: label of the whole wall, gaps included: annotators label a fence as a whole.
            mirrored: True hangs it back to front.
        """
        feet = self.view.to_camera(np.array([(u, 0.0, s) for u, s in ends]))
        clipped = _clip_segment(feet[0], feet[1])
        if clipped is None:
            return
        (start, end), foot_a, foot_b = clipped
        eye = self.view.eye
        corners = self.view.project(
            np.array(
                [
                    (foot[0], y - eye, foot[2])
                    for foot, y in ((foot_a, top), (foot_b, top), (foot_b, bottom), (foot_a, bottom))
                ]
            )
        )
        box = self._box(corners)
        if box is None:
            return
        if mirrored:
            start, end, corners = 1 - end, 1 - start, corners[[1, 0, 3, 2]]
        depth = float(foot_a[2] + foot_b[2]) / 2
        if abs(corners[0, 0] - corners[1, 0]) < NARROW:
            red, green, blue = (texture[-1][..., :3].mean((0, 1)) * light).tolist()
            self.fill(corners, self.veiled((red, green, blue), depth, self.visibility), label)
            return
        extent = np.ceil(np.ptp(corners, axis=0)) + 1
        image = texture[level_for(texture, SOFTNESS * max(extent[0] / (end - start), extent[1]))]
        side = len(image)
        image = image[:, int(start * side) : max(int(end * side), int(start * side) + 1)]
        image = self._hazed(_shrunk(image, *extent), light, depth)
        x0, y0, x1, y1 = box
        rows, columns = image.shape[:2]
        source = np.array([(-0.5, -0.5), (columns - 0.5, -0.5), (columns - 0.5, rows - 0.5), (-0.5, rows - 0.5)])
        matrix = cv2.getPerspectiveTransform(source.astype(np.float32), (corners - (x0, y0)).astype(np.float32))
        warped = cv2.warpPerspective(
            image, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        outline = [fixed_point(corners - (x0, y0))]
        coverage = np.zeros(warped.shape, np.uint8)
        cv2.fillPoly(coverage, outline, (255, 255, 255, 255), cv2.LINE_AA, FRACTION_BITS)
        self._lay(np.asarray(cv2.multiply(warped, coverage, scale=1 / 255), np.uint8), box)
        cv2.fillPoly(self.label[y0:y1, x0:x1], outline, label, cv2.LINE_8, FRACTION_BITS)

    def sprite(
        self,
        sprite: Sprite,
        foot: Floats,
        *,
        width: float,
        height: float,
        tint: Colour,
        mirrored: bool,
        label: int,
    ) -> None:
        """Stand a sprite of `width` x `height` metres on `foot`, (3,) camera coordinates, facing the camera."""
        depth = float(foot[2])
        if depth < NEAR * 2:
            return
        scale = self.view.focal / depth
        (middle, bottom), wide, tall = self.view.project(foot[None])[0], width * scale, height * scale
        box = self._box(np.array([(middle - wide / 2, bottom - tall), (middle + wide / 2, bottom)]))
        if box is None:
            return
        x0, y0, x1, y1 = box
        level = level_for(sprite.texture, max(wide, tall))
        image, outline = sprite.texture[level], sprite.silhouette[level]
        light = self.light(np.array((0.0, 0.6, -0.8))) * tint
        image = self._hazed(image, light, depth)
        side = len(image)
        step_x, step_y = (-wide if mirrored else wide) / side, tall / side
        left = middle + wide / 2 if mirrored else middle - wide / 2
        matrix = np.array(
            [
                [step_x, 0, left - x0 + step_x / 2],
                [0, step_y, bottom - tall - y0 + step_y / 2],
            ]
        )
        size = (x1 - x0, y1 - y0)
        warped = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)
        shape = cv2.warpAffine(outline, matrix, size, flags=cv2.INTER_NEAREST)
        self._lay(np.asarray(warped, np.uint8), box)
        self.label[y0:y1, x0:x1][shape > COVERED] = label

    def _box(self, pixels: Floats) -> tuple[int, int, int, int] | None:
        """Return the whole pixels (x0, y0, x1, y1) that `pixels` touch inside the image; None where there are none."""
        low, high = pixels.min(0), pixels.max(0)
        x0, y0 = max(int(np.floor(low[0])), 0), max(int(np.floor(low[1])), 0)
        x1 = min(int(np.ceil(high[0])) + 1, self.view.width)
        y1 = min(int(np.ceil(high[1])) + 1, self.view.height)
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def _hazed(self, texture: NDArray[np.uint8], light: Floats, depth: float) -> NDArray[np.uint8]:
        """Light a premultiplied texture, (h, w, 4), and add `depth` metres of haze."""
        clear = float(self.clearness(depth))
        matrix = np.eye(4, dtype=np.float32)
        matrix[:3, :3] *= light * clear
        matrix[:3, 3] = self._haze * (1 - clear) / 255  # as much haze as there is texture
        return np.asarray(cv2.transform(texture, matrix), np.uint8)

    def _lay(self, texture: NDArray[np.uint8], box: tuple[int, int, int, int]) -> None:
        """Lay a premultiplied texture, (h, w, 4), over the image at `box`."""
        x0, y0, x1, y1 = box
        under = self.image[y0:y1, x0:x1]
        through = 255 - cv2.cvtColor(texture[..., 3], cv2.COLOR_GRAY2RGB)
        kept = cv2.multiply(under, through, scale=1 / 255)
        under[:] = cv2.add(kept, cv2.cvtColor(texture, cv2.COLOR_RGBA2RGB))


def fixed_point(pixels: Floats) -> NDArray[np.int32]:
    """Convert pixels (N, 2) for OpenCV, with `FRACTION_BITS` binary places."""
    return np.rint(pixels * _SUBPIXEL).astype(np.int32)


def _shrunk(texture: NDArray[np.uint8], width: float, height: float) -> NDArray[np.uint8]:
    """Average a texture down to about its size in the image, so that it does not flicker."""
    size = (int(max(min(texture.shape[1], width), 1)), int(max(min(texture.shape[0], height), 1)))
    if size == (texture.shape[1], texture.shape[0]):
        return texture
    return np.asarray(cv2.resize(texture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _clip_segment(a: Floats, b: Floats) -> tuple[tuple[float, float], Floats, Floats] | None:
    """Return the part of the segment a-b ahead of the near plane: its range in 0..1 and its ends; None where there is
    none."""
    if max(a[2], b[2]) < NEAR * 1.5:
        return None
    start, end = 0.0, 1.0
    if a[2] < NEAR:
        start = float((NEAR - a[2]) / (b[2] - a[2]))
    elif b[2] < NEAR:
        end = float((NEAR - a[2]) / (b[2] - a[2]))
    return (start, end), a + start * (b - a), a + end * (b - a)
