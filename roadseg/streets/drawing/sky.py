"""Sky, clouds and the distant skyline."""

import cv2
import numpy as np

from roadseg.streets.classes import SKY
from roadseg.streets.drawing.canvas import Canvas
from roadseg.streets.scene import Atmosphere, Ridge
from roadseg.streets.textures.bank import TextureBank

COARSENESS = 3
"""Sky is smooth: it is computed for every third pixel and enlarged."""
CLOUD_SCALE = 110.0
"""Cloud texels per unit of the tangent of the viewing angle."""


def draw_sky(canvas: Canvas, atmosphere: Atmosphere, bank: TextureBank) -> None:
    """Fill the image with sky, down to the horizon."""
    view = canvas.view
    width, height = -(-view.width // COARSENESS), -(-view.height // COARSENESS)
    across = ((np.arange(width) + 0.5) * COARSENESS - view.middle) / view.focal + view.slope
    up = np.maximum(view.horizon - (np.arange(height) + 0.5) * COARSENESS, 0) / view.focal
    share = 1 - np.exp(-up[:, None, None] * 2.6)
    sky = np.asarray(atmosphere.horizon) * (1 - share) + np.asarray(atmosphere.zenith) * share
    sky = np.broadcast_to(sky, (height, width, 3)).astype(np.float32)
    if atmosphere.cover > 0:
        # Clouds lie on a plane overhead, so they get denser towards the horizon.
        distance = 1 / (up + 0.22)
        columns = (across[None] * distance[:, None] * CLOUD_SCALE).astype(np.float32)
        rows = np.broadcast_to((distance * CLOUD_SCALE)[:, None], columns.shape).astype(np.float32)
        cloud = cv2.remap(bank.clouds[atmosphere.clouds], columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        density = np.clip((cloud.astype(np.float32) / 255 - 1 + atmosphere.cover) * 2.4, 0, 1)
        density *= np.clip(up * 9, 0.15, 1)[:, None].astype(np.float32)
        shaded = np.asarray(atmosphere.cloud_colour, np.float32) * (1.04 - 0.12 * density[..., None])
        sky += (shaded - sky) * density[..., None]
    if atmosphere.glow > 0:
        right, above, ahead = atmosphere.sun_direction
        if ahead > 0.05:
            distance2 = (across[None] - right / ahead) ** 2 + (up[:, None] - above / ahead) ** 2
            halo = atmosphere.glow * np.exp(-distance2 / 0.08) + atmosphere.glow * 0.5 * np.exp(-distance2 / 0.9)
            sky += (255 - sky) * np.clip(halo, 0, 1)[..., None].astype(np.float32)
    small = np.clip(sky, 0, 255).astype(np.uint8)
    large = cv2.resize(small, (width * COARSENESS, height * COARSENESS), interpolation=cv2.INTER_LINEAR)
    canvas.image[:] = large[: view.height, : view.width]
    canvas.label[:] = SKY


def draw_ridge(canvas: Canvas, ridge: Ridge, bank: TextureBank) -> None:
    """Draw a skyline at infinity; it turns with the street's direction but comes no nearer."""
    view = canvas.view
    step = max(view.width / 240, 1.0)
    columns = np.arange(-1, view.width + step + 1, step)
    tangents = (columns - view.middle) / view.focal + view.slope
    texels = tangents * ridge.stretch + 64
    profile = bank.noises[ridge.noise][17].astype(np.float64) / 255
    if ridge.stepped:
        heights = profile[np.floor(texels / 5).astype(int) * 5 % 256]
        columns, heights = np.repeat(columns, 2)[1:], np.repeat(heights, 2)[:-1]
    else:
        heights = np.interp(texels % 256, np.arange(257), np.append(profile, profile[0]))
    tops = view.horizon - ridge.height * (0.25 + 0.75 * heights) * view.focal
    outline = np.stack([columns, tops], 1)
    foot = [(columns[-1], view.horizon + 2), (columns[0], view.horizon + 2)]
    lit = np.asarray(ridge.colour) * canvas.light(np.array((0.0, 0.3, -0.95)))
    depth = -np.log(max(1 - ridge.haze, 1e-3)) * canvas.visibility
    red, green, blue = canvas.through_haze(lit, float(depth)).tolist()
    canvas.fill(np.concatenate([outline, foot]), (red, green, blue), ridge.label)
