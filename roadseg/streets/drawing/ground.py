"""The road and everything flat: bands, paint, texture and shadows."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.streets.classes import ROAD, SIDEWALK, TERRAIN
from roadseg.streets.drawing.canvas import FRACTION_BITS, Canvas, fixed_point
from roadseg.streets.drawing.lamplight import lamps_of, pools
from roadseg.streets.drawing.shadows import Shadow, cast
from roadseg.streets.drawing.view import NEAR
from roadseg.streets.scene import Atmosphere, Colour, Floats, Line, Patch, Street, StreetObject, Strip
from roadseg.streets.textures.bank import TextureBank

FINE, COARSE = 56.0, 2.2
"""Texels per metre of the two layers of texture."""
TRACKS = 7.0, 0.4
"""Texels per metre, across and along, of traffic marks."""
CONTRAST = {TERRAIN: 2.0, SIDEWALK: 0.7}
"""Contrast of the texture relative to the road's."""
LINES_SEEN = 90.0
"""Distance ahead in metres within which dashes are drawn."""
JOINTS_SEEN = 16.0
MIRROR_DEPTH = 40.0
"""Distance in metres from which a wet road mirrors the sky fully."""


def draw_ground(
    canvas: Canvas, street: Street, atmosphere: Atmosphere, things: list[StreetObject], bank: TextureBank
) -> None:
    """Draw everything flat below the horizon, with the shadows, or the lamplight, of `things` on it."""
    first, depths = canvas.view.ground_rows()
    if not len(depths):
        return
    canvas.image[first:] = street.verge
    canvas.label[first:] = TERRAIN
    wander = bank.noises[street.grain[1]][31].astype(np.float64) / 255 - 0.5
    for strip in street.strips:
        _draw_strip(canvas, strip, wander)
        if strip.label == SIDEWALK and street.joints:
            _draw_joints(canvas, strip, street.joints)
    for junction in street.junctions:
        near = max(junction.start, canvas.view.s + NEAR)
        if near < junction.end:
            corners = ((-80.0, near), (80.0, near), (80.0, junction.end), (-80.0, junction.end))
            _draw_flat(canvas, corners, street.road, ROAD)
    for patch in street.patches:
        _draw_patch(canvas, patch)
    for line in street.lines:
        _draw_line(canvas, line, street)
    gain = _texture(canvas, street, bank, first, depths)
    gain *= _shadow_layer(canvas, cast(things, atmosphere), first)
    if atmosphere.night:
        gain *= pools(canvas, lamps_of(things), first)
    _light_ground(canvas, atmosphere, gain, first, depths)


def _draw_flat(canvas: Canvas, corners: Iterable[tuple[float, float]], colour: Colour, label: int | None) -> None:
    points = canvas.view.to_camera(np.array([(u, 0.0, s) for u, s in corners]))
    canvas.polygon(points, colour, label)


def _draw_ribbon(canvas: Canvas, line: Line, stops: Floats) -> None:
    """Draw a band between the edges of `line` along `stops`, (N,) metres along the street."""
    half, level = line.width / 2, np.ones_like(stops)
    left = np.stack([(line.u - half) * level, line.rise[0] * level, stops], 1)
    right = np.stack([(line.u + half) * level, line.rise[1] * level, stops], 1)
    canvas.polygon(canvas.view.to_camera(np.concatenate([left, right[::-1]])), line.colour, line.label)


def _draw_patch(canvas: Canvas, patch: Patch) -> None:
    near, far = min(s for _, s in patch.corners), max(s for _, s in patch.corners)
    if far > canvas.view.s + NEAR and near < canvas.view.s + LINES_SEEN:
        _draw_flat(canvas, patch.corners, patch.colour, None)


def _stations(start: float) -> Floats:
    """Return the places where the street's edges are sampled: a fixed grid that does not move with the camera."""
    grid = np.concatenate(
        [
            np.arange(np.floor(start), start + 30, 1.0),
            np.arange(np.ceil((start + 30) / 4) * 4, start + 120, 4.0),
            start + np.array([150.0, 200.0, 300.0, 600.0]),
        ]
    )
    return np.concatenate([[start], grid[grid > start]])


def _draw_strip(canvas: Canvas, strip: Strip, wander: Floats) -> None:
    s = _stations(canvas.view.s + NEAR)
    ragged = strip.ragged * np.stack([np.interp(s * rate % 256, np.arange(256), wander) for rate in (5.0, 7.3)])
    level = np.full_like(s, strip.height)
    left = np.stack([strip.left + ragged[0], level, s], 1)
    right = np.stack([strip.right + ragged[1], level, s], 1)
    points = canvas.view.to_camera(np.concatenate([left, right[::-1]]))
    canvas.fill(canvas.view.project(np.maximum(points, (-np.inf, -np.inf, NEAR))), strip.colour, strip.label)


def _draw_line(canvas: Canvas, line: Line, street: Street) -> None:
    start = canvas.view.s + NEAR
    if line.gap == 0:
        _draw_solid_line(canvas, line, street)
        return
    period = line.dash + line.gap
    for index in range(int(start // period), int((start + LINES_SEEN) // period) + 1):
        near, far = index * period, index * period + line.dash
        if far > start and not any(j.start < far and near < j.end for j in street.junctions):
            _draw_ribbon(canvas, line, np.array((near, far)))


def _draw_solid_line(canvas: Canvas, line: Line, street: Street) -> None:
    """Draw a solid line, broken off at side streets."""
    s = _stations(canvas.view.s + NEAR)
    s = s[s < s[0] + LINES_SEEN * 2]
    edges = [s[0]]
    for junction in sorted(street.junctions, key=lambda j: j.start):
        if junction.end > edges[0] and junction.start < s[-1]:
            edges += [max(junction.start, edges[0]), junction.end]
    edges.append(s[-1])
    for near, far in zip(edges[::2], edges[1::2], strict=True):
        if far - near < 0.05:
            continue
        stops = np.concatenate([[near], s[(s > near) & (s < far)], [far]])
        _draw_ribbon(canvas, line, stops)


def _draw_joints(canvas: Canvas, strip: Strip, spacing: float) -> None:
    """Draw thin dark joints across a paved strip, fading out ahead."""
    start = canvas.view.s + NEAR
    for index in range(int(start // spacing) + 1, int((start + JOINTS_SEEN) / spacing)):
        s = index * spacing
        ends = canvas.view.to_camera(np.array([(u, strip.height, s) for u in (strip.left, strip.right)]))
        a, b = fixed_point(canvas.view.project(ends)).tolist()
        fade = 0.82 + 0.18 * (s - start) / JOINTS_SEEN
        red, green, blue = strip.colour
        cv2.line(canvas.image, a, b, (red * fade, green * fade, blue * fade), 1, cv2.LINE_AA, FRACTION_BITS)


def _light_ground(
    canvas: Canvas, atmosphere: Atmosphere, gain: NDArray[np.float32], first: int, depths: NDArray[np.float32]
) -> None:
    """Light the flat colours, `gain` (rows, W) times as much as open ground, and add haze; water mirrors the sky."""
    clear = canvas.clearness(depths.astype(np.float64)).astype(np.float32)
    light = np.asarray(canvas.light(np.array((0.0, 1.0, 0.0))), np.float32)
    ground = canvas.image[first:].astype(np.float32)
    ground *= (gain * clear[:, None])[..., None]
    ground *= light
    if atmosphere.wet:
        # The flatter the view of water, the more it mirrors.
        mirrored = atmosphere.wet * np.minimum(depths / MIRROR_DEPTH, 1)
        sheen = (mirrored * clear)[:, None] * np.minimum(gain, 1)
        ground *= 1 - 0.5 * atmosphere.wet
        ground += sheen[..., None] * np.asarray(atmosphere.horizon, np.float32)
    ground += (np.asarray(atmosphere.haze, np.float32) * (1 - clear)[:, None])[:, None]
    canvas.image[first:] = np.clip(ground, 0, 255, out=ground).astype(np.uint8)


def _texture(
    canvas: Canvas, street: Street, bank: TextureBank, first: int, depths: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the ground's brightness around 1, (rows, W), fixed to the street, fading where finer than pixels."""
    view = canvas.view
    s = depths + np.float32(view.s)
    across = (np.arange(view.width, dtype=np.float32) + 0.5 - np.float32(view.middle)) / np.float32(view.focal)
    u = across[None] * depths[:, None] - view.bend(s.astype(np.float64)).astype(np.float32)[:, None]
    s = np.repeat(s[:, None], view.width, 1)
    fine = cv2.remap(bank.grits[street.grain[0]], u * FINE, s * FINE, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    coarse = cv2.remap(
        bank.noises[street.grain[1]], u * COARSE, s * COARSE, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    # Tyres polish and stain the road lengthwise.
    tracks = cv2.remap(
        bank.noises[street.grain[1]], u * TRACKS[0], s * TRACKS[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    metres_a_row = depths**2 / np.float32(view.focal * view.eye)
    fade = street.roughness / (1 + (metres_a_row * FINE * 0.5) ** 2)
    contrast = np.ones(256, np.float32)
    for label, factor in CONTRAST.items():
        contrast[label] = factor
    variation = (fine.astype(np.float32) - 127) * (fade[:, None] / 127)
    variation += (coarse.astype(np.float32) - 127) * np.float32(0.12 * street.roughness / 127)
    variation += (tracks.astype(np.float32) - 127) * np.float32(0.3 * street.roughness / 127)
    variation *= cv2.LUT(canvas.label[first:], contrast)
    return np.asarray(variation + 1, np.float32)


def _shadow_layer(canvas: Canvas, shadows: Iterable[Shadow], first: int) -> NDArray[np.float32]:
    """Return the share of the light that reaches the ground, (rows, W), 0..1."""
    layer = np.full((canvas.view.height - first, canvas.view.width), 255, np.uint8)
    for shadow in shadows:
        shadow.draw(canvas.view, layer, first)
    return np.asarray(layer, np.float32) * np.float32(1 / 255)
