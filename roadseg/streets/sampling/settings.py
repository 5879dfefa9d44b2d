"""Kinds of streets: how likely and how dense everything is in each."""

from dataclasses import dataclass

from roadseg.streets.sampling.draws import Range
from roadseg.streets.scene import TreeKind


@dataclass(frozen=True)
class Setting:
    """Chances (0..1), densities and ranges (metres) of one kind of street."""

    weight: float
    """Share of all streets."""
    left_hand: float
    """Chance of traffic keeping to the left."""
    lanes: dict[int, float]
    sidewalk: Range
    made_sidewalk: float
    """Chance that a sidewalk is paved; else the edge is a dusty or grassy shoulder."""
    built: float
    """Share of the frontage that is built up."""
    floors: dict[int, float]
    """Rows of `textures.facades.FLOORS` by weight."""
    setback: Range
    barrier: float
    """Chance that a side is fenced."""
    barriers: dict[str, float]
    trees_a_side: float
    """Street trees on 100 m of each side."""
    trees: dict[TreeKind, float]
    parking: float
    traffic: float
    """Chance that a lane has traffic."""
    heavy: float
    """Share of lorries and buses."""
    rickshaws: float
    two_wheelers: float
    """Two-wheelers on 100 m."""
    motorised: float
    """Share of motorcycles among them."""
    people: float
    """People on 100 m of each side."""
    tram: float
    median: float
    """Chance of a kerbed median between the directions."""
    striped_kerb: float
    verge_dry: float
    """Chance that unmade ground is dust rather than grass."""


SETTINGS: dict[str, Setting] = {
    "city": Setting(
        weight=0.3, left_hand=0.45, lanes={1: 0.15, 2: 0.45, 3: 0.2, 4: 0.2}, sidewalk=(1.8, 4.5), made_sidewalk=0.98,
        built=0.94, floors={1: 0.5, 3: 1, 4: 1, 5: 1.2, 6: 0.8, 7: 0.4, 8: 0.3}, setback=(0.0, 0.6), barrier=0.25,
        barriers={"fence": 1, "wall": 0.6, "hedge": 0.2},
        trees_a_side=3.0, trees={"leafy": 0.55, "bare": 0.45},
        parking=0.45, traffic=0.62, heavy=0.16, rickshaws=0.0, two_wheelers=1.6, motorised=0.3, people=6.0, tram=0.18,
        median=0.08, striped_kerb=0.0, verge_dry=0.2,
    ),
    "avenue": Setting(
        weight=0.16, left_hand=0.3, lanes={2: 0.4, 3: 0.2, 4: 0.4}, sidewalk=(2.5, 5.5), made_sidewalk=0.95,
        built=0.7, floors={4: 0.6, 5: 1, 6: 1, 7: 0.8, 8: 0.5}, setback=(1.5, 9.0), barrier=0.5,
        barriers={"fence": 1, "wall": 0.5, "hedge": 0.8},
        trees_a_side=7.5, trees={"leafy": 0.6, "bare": 0.4},
        parking=0.35, traffic=0.6, heavy=0.2, rickshaws=0.0, two_wheelers=1.2, motorised=0.35, people=3.5, tram=0.32,
        median=0.25, striped_kerb=0.05, verge_dry=0.25,
    ),
    "suburb": Setting(
        weight=0.2, left_hand=0.4, lanes={1: 0.15, 2: 0.8, 3: 0.05}, sidewalk=(1.4, 2.6), made_sidewalk=0.85,
        built=0.55, floors={0: 0.6, 1: 1.2, 2: 1.2, 3: 0.5}, setback=(3.0, 9.0), barrier=0.85,
        barriers={"fence": 1, "wall": 0.8, "hedge": 0.9},
        trees_a_side=5.0, trees={"leafy": 0.55, "bare": 0.35, "bush": 0.1},
        parking=0.4, traffic=0.45, heavy=0.14, rickshaws=0.0, two_wheelers=0.8, motorised=0.3, people=1.6, tram=0.0,
        median=0.03, striped_kerb=0.0, verge_dry=0.2,
    ),
    "park": Setting(
        weight=0.09, left_hand=0.4, lanes={2: 0.8, 3: 0.2}, sidewalk=(1.5, 3.0), made_sidewalk=0.55,
        built=0.12, floors={0: 1, 1: 1, 2: 0.5, 5: 0.3}, setback=(6.0, 14.0), barrier=0.6,
        barriers={"fence": 1, "wall": 0.5, "hedge": 0.5},
        trees_a_side=11.0, trees={"leafy": 0.5, "bare": 0.4, "bush": 0.1},
        parking=0.15, traffic=0.55, heavy=0.22, rickshaws=0.0, two_wheelers=1.2, motorised=0.35, people=1.2, tram=0.1,
        median=0.12, striped_kerb=0.05, verge_dry=0.2,
    ),
    "bazaar": Setting(
        weight=0.13, left_hand=0.9, lanes={1: 0.15, 2: 0.75, 4: 0.1}, sidewalk=(1.0, 3.0), made_sidewalk=0.3,
        built=0.85, floors={0: 1.0, 1: 1.2, 2: 1.0, 3: 0.8, 4: 0.3}, setback=(0.0, 2.5), barrier=0.3,
        barriers={"wall": 1.2, "fence": 0.4, "hedge": 0.1},
        trees_a_side=3.0, trees={"leafy": 0.6, "palm": 0.3, "bush": 0.1},
        parking=0.3, traffic=0.55, heavy=0.22, rickshaws=0.34, two_wheelers=5.0, motorised=0.8, people=9.0, tram=0.0,
        median=0.15, striped_kerb=0.35, verge_dry=0.92,
    ),
    "highway": Setting(
        weight=0.12, left_hand=0.9, lanes={2: 0.6, 4: 0.4}, sidewalk=(1.5, 4.5), made_sidewalk=0.12,
        built=0.2, floors={0: 1, 1: 1, 2: 0.6}, setback=(3.0, 10.0), barrier=0.85,
        barriers={"wall": 1.6, "fence": 0.7, "hedge": 0.2},
        trees_a_side=8.0, trees={"leafy": 0.45, "palm": 0.33, "bush": 0.22},
        parking=0.08, traffic=0.6, heavy=0.34, rickshaws=0.22, two_wheelers=2.4, motorised=0.9, people=1.6, tram=0.0,
        median=0.45, striped_kerb=0.75, verge_dry=0.75,
    ),
}  # fmt: skip
