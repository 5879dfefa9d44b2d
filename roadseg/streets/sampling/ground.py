"""The ground of a street: bands of asphalt, paving, grass and dust along a course with gentle bends."""

import numpy as np

from roadseg.streets.classes import ROAD, SIDEWALK, TERRAIN
from roadseg.streets.sampling.draws import between, chance, grey, hsv, index, pick, sign, varied
from roadseg.streets.sampling.layout import Layout
from roadseg.streets.sampling.markings import DUST, Markings, grass
from roadseg.streets.sampling.settings import Setting
from roadseg.streets.scene import CentreLine, Colour, Street, Strip
from roadseg.streets.textures.bank import GRITS, NOISES


def sample_street(rng: np.random.Generator, setting: Setting, layout: Layout, length: float) -> Street:
    """Draw the ground of a street with the given cross-section."""
    road = grey(rng, 62, 128, 6)
    dry = chance(rng, setting.verge_dry)
    verge = varied(rng, DUST[index(rng, len(DUST))], 0.12) if dry else grass(rng)
    paved = _paving(rng, road)
    kerb = between(rng, (0.06, 0.16)) if chance(rng, 0.85) else 0.0
    strips: list[Strip] = []
    made: list[bool] = []
    # In towns, plots are paved up to the houses; elsewhere the verge lies between.
    if setting.built > 0.6 and chance(rng, 0.75):
        strips.append(Strip(layout.outer[0] - 14, layout.outer[1] + 14, SIDEWALK, varied(rng, paved, 0.12)))
    for side in (-1, 1):
        edge, outer = layout.edge(side), layout.plot(side)
        left, right = sorted((edge, outer))
        made.append(chance(rng, setting.made_sidewalk))
        if made[-1]:
            strips.append(Strip(left - 0.02, right + 0.02, SIDEWALK, paved, height=kerb))
            if right - left > 2.6 and chance(rng, 0.2):  # a green strip along the kerb
                inner = edge + side * 0.3
                green = sorted((inner, inner + side * between(rng, (0.8, 1.6))))
                strips.append(Strip(green[0], green[1], TERRAIN, verge))
        else:
            colour = verge if chance(rng, 0.3) else varied(rng, DUST[index(rng, len(DUST))], 0.12)
            strips.append(Strip(left - 1.0, right + 1.0, TERRAIN, colour, ragged=0.5))
    ragged = 0.0 if all(made) else 0.55
    strips.append(Strip(layout.road[0], layout.road[1], ROAD, road, ragged=ragged))
    paint = Markings(rng, setting, layout, road, made, kerb)
    return Street(
        centre_line=_centre_line(rng),
        verge=verge,
        strips=tuple(strips),
        lines=tuple(paint.lines()),
        patches=tuple(paint.patches(length)),
        junctions=layout.junctions,
        road=road,
        joints=between(rng, (0.5, 1.6)) if chance(rng, 0.6) else 0.0,
        grain=(index(rng, GRITS), index(rng, NOISES)),
        roughness=between(rng, (0.1, 0.36)),
    )


def _paving(rng: np.random.Generator, road: Colour) -> Colour:
    """Draw a sidewalk's colour: slabs, asphalt like the road's, or bricks."""
    kind = pick(rng, {"slabs": 0.5, "asphalt": 0.35, "bricks": 0.15})
    if kind == "slabs":
        return grey(rng, 56, 188, 9)
    if kind == "asphalt":
        return varied(rng, road, 0.22 if chance(rng, 0.5) else 0.05)
    return hsv(rng, (0.0, 0.09), (0.14, 0.36), (0.42, 0.7))


def _centre_line(rng: np.random.Generator) -> CentreLine:
    """Draw gentle bends: the curvature of each wave is amplitude / length squared."""
    strong = chance(rng, 0.5)
    waves = []
    for length in (between(rng, (70.0, 130.0)), between(rng, (160.0, 300.0))):
        curvature = between(rng, (0.0006, 0.0042)) if strong else between(rng, (0.0, 0.0005))
        waves.append((sign(rng) * curvature * length**2 / 2, length, between(rng, (0.0, 6.28))))
    return CentreLine(tuple(waves))
