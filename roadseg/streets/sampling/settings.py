"""Kinds of streets: the likelihood and density of everything in each. `roadseg.streets.presets` mixes them."""

from dataclasses import dataclass

from roadseg.streets.sampling.draws import Range
from roadseg.streets.scene import BarrierKind, TreeKind


@dataclass(frozen=True)
class Setting:
    """Chances (0..1), densities and ranges (metres) of one kind of street."""

    left_hand: float
    """Chance of traffic on the left."""
    lanes: dict[int, float]
    sidewalk: Range
    made_sidewalk: float
    """Chance that a sidewalk is paved; otherwise the edge is a dusty or grassy shoulder."""
    built: float
    """Share of the frontage that is built up."""
    floors: dict[int, float]
    """Rows of `textures.facades.FLOORS` by weight."""
    setback: Range
    barrier: float
    """Chance that a side is fenced."""
    barriers: dict[BarrierKind, float]
    trees_a_side: float
    """Street trees per 100 m of each side."""
    trees: dict[TreeKind, float]
    parking: float
    traffic: float
    """Chance that a lane has traffic."""
    heavy: float
    """Share of lorries and buses."""
    two_wheelers: float
    """Two-wheelers per 100 m."""
    motorised: float
    """Share of motorcycles among them."""
    people: float
    """People per 100 m of each side."""
    median: float
    """Chance of a kerbed median between the directions."""
    verge_dry: float
    """Chance that unpaved ground is dust instead of grass."""
    tram: float = 0.0
    striped_kerb: float = 0.0
    rickshaws: float = 0.0
    """Share of rickshaws in the traffic."""
    lamps: float = 0.75
    """Chance that a side has street lamps or utility poles."""
    shoulder: Range = (0.0, 0.7)
    """Space on the carriageway beside the outer lanes."""
    side_streets: bool = True
    signs: float = 1.0
    """Number of signs relative to a town."""
    hoardings: float = 0.0
    """Hoardings per 100 m of each side."""
    cables: float = 0.0
    """Chance of wires overhead."""
    cattle: float = 0.0
    """Cows per 100 m."""
    loose: float = 0.0
    """Extra sideways scatter of vehicles in their lanes, in metres."""
    open_side: float = 0.0
    """Chance that one side has gardens, walls and trees instead of houses."""
    warm: bool = False
    """True for a hot country: light clothes, dark hair, painted lorries."""


SETTINGS: dict[str, Setting] = {
    "high street": Setting(
        left_hand=0.5, lanes={1: 0.3, 2: 0.7}, sidewalk=(2.0, 5.0), made_sidewalk=1.0,
        built=0.97, floors={3: 1, 4: 1.2, 5: 0.8, 6: 0.3}, setback=(0.0, 0.2), barrier=0.0, barriers={"railings": 1},
        trees_a_side=1.6, trees={"leafy": 0.5, "bare": 0.5},
        parking=0.4, traffic=0.6, heavy=0.14, two_wheelers=3.5, motorised=0.12, people=9.0, median=0.02, verge_dry=0.2,
        signs=1.2,
    ),
    "street canyon": Setting(
        left_hand=0.5, lanes={1: 0.4, 2: 0.6}, sidewalk=(1.5, 5.0), made_sidewalk=1.0,
        built=1.0, floors={1: 0.3, 2: 0.5, 3: 1.2, 4: 1.2, 5: 1, 6: 0.6}, setback=(0.0, 0.15), barrier=0.0,
        barriers={"wall with railings": 1.6, "wall": 0.8, "railings": 0.5, "hedge": 0.4},
        trees_a_side=0.5, trees={"leafy": 0.4, "bare": 0.5, "bush": 0.1},
        parking=0.15, traffic=0.45, heavy=0.12, two_wheelers=4.5, motorised=0.1, people=10.0, median=0.0, verge_dry=0.2,
        shoulder=(0.0, 0.4), signs=1.0, tram=0.15, open_side=0.4,
    ),
    "city": Setting(
        left_hand=0.45, lanes={1: 0.15, 2: 0.45, 3: 0.2, 4: 0.2}, sidewalk=(2.2, 6.0), made_sidewalk=0.99,
        built=0.92, floors={1: 0.5, 3: 1, 4: 1, 5: 1.2, 6: 0.8, 7: 0.4, 8: 0.3}, setback=(0.0, 1.5), barrier=0.3,
        barriers={"railings": 1, "wall with railings": 0.5, "wall": 0.5, "hedge": 0.2},
        trees_a_side=3.0, trees={"leafy": 0.5, "bare": 0.5},
        parking=0.45, traffic=0.66, heavy=0.18, two_wheelers=2.5, motorised=0.22, people=8.0, median=0.1,
        verge_dry=0.2, tram=0.3,
    ),
    "avenue": Setting(
        left_hand=0.35, lanes={2: 0.4, 3: 0.2, 4: 0.4}, sidewalk=(2.5, 6.5), made_sidewalk=0.97,
        built=0.72, floors={4: 0.6, 5: 1, 6: 1, 7: 0.8, 8: 0.5}, setback=(1.5, 9.0), barrier=0.65,
        barriers={"railings": 1, "wall with railings": 0.8, "wall": 0.4, "hedge": 0.6},
        trees_a_side=7.5, trees={"leafy": 0.5, "bare": 0.5},
        parking=0.35, traffic=0.64, heavy=0.2, two_wheelers=2.0, motorised=0.25, people=6.0, median=0.25,
        verge_dry=0.25, tram=0.4, striped_kerb=0.03,
    ),
    "suburb": Setting(
        left_hand=0.45, lanes={1: 0.15, 2: 0.8, 3: 0.05}, sidewalk=(1.4, 2.8), made_sidewalk=0.9,
        built=0.55, floors={0: 0.6, 1: 1.2, 2: 1.2, 3: 0.6}, setback=(2.0, 9.0), barrier=0.85,
        barriers={"railings": 0.5, "wall with railings": 0.4, "boards": 0.6, "mesh": 0.2, "wall": 1.0, "hedge": 1.0},
        trees_a_side=5.0, trees={"leafy": 0.5, "bare": 0.38, "bush": 0.12},
        parking=0.45, traffic=0.45, heavy=0.12, two_wheelers=1.4, motorised=0.25, people=3.0, median=0.03,
        verge_dry=0.2, cables=0.15,
    ),
    "park": Setting(
        left_hand=0.45, lanes={2: 0.8, 3: 0.2}, sidewalk=(1.5, 3.5), made_sidewalk=0.75,
        built=0.1, floors={0: 1, 1: 1, 2: 0.5, 5: 0.3}, setback=(6.0, 14.0), barrier=0.75,
        barriers={"railings": 1.2, "wall with railings": 0.8, "mesh": 0.3, "boards": 0.2, "wall": 0.7, "hedge": 0.4},
        trees_a_side=13.0, trees={"leafy": 0.45, "bare": 0.43, "bush": 0.12},
        parking=0.2, traffic=0.55, heavy=0.2, two_wheelers=2.0, motorised=0.25, people=3.0, median=0.1,
        verge_dry=0.2, tram=0.06, striped_kerb=0.03,
    ),
    "bazaar": Setting(
        left_hand=0.95, lanes={1: 0.2, 2: 0.6, 4: 0.2}, sidewalk=(1.0, 3.5), made_sidewalk=0.25,
        built=0.85, floors={0: 1.0, 1: 1.2, 2: 1.0, 3: 0.8, 4: 0.3}, setback=(0.0, 2.5), barrier=0.3,
        barriers={"compound wall": 1.4, "railings": 0.2, "boards": 0.2},
        trees_a_side=3.0, trees={"leafy": 0.6, "palm": 0.25, "bush": 0.1, "bare": 0.05},
        parking=0.25, traffic=0.65, heavy=0.16, two_wheelers=11.0, motorised=0.85, people=12.0, median=0.3,
        verge_dry=0.95, striped_kerb=0.4, rickshaws=0.34, signs=0.4, hoardings=1.6, cables=0.7, cattle=1.0, loose=0.8,
        warm=True,
    ),
    "dense bazaar": Setting(
        left_hand=0.95, lanes={1: 0.5, 2: 0.5}, sidewalk=(0.6, 2.5), made_sidewalk=0.3,
        built=1.0, floors={1: 1.0, 2: 1.0, 3: 1.2, 4: 0.8, 5: 0.4}, setback=(0.0, 0.4), barrier=0.0,
        barriers={"compound wall": 1.0},
        trees_a_side=0.8, trees={"leafy": 0.7, "palm": 0.15, "bush": 0.15},
        parking=0.25, traffic=0.6, heavy=0.08, two_wheelers=14.0, motorised=0.85, people=16.0, median=0.0,
        verge_dry=0.95, striped_kerb=0.2, rickshaws=0.4, signs=0.3, hoardings=1.0, cables=0.85, cattle=1.0, loose=0.8,
        open_side=0.15, warm=True,
    ),
    "compound road": Setting(
        left_hand=0.95, lanes={2: 0.3, 4: 0.6, 6: 0.1}, sidewalk=(1.5, 7.0), made_sidewalk=0.08,
        built=0.25, floors={0: 1, 1: 1.2, 2: 0.8, 3: 0.3}, setback=(1.0, 8.0), barrier=0.92,
        barriers={"compound wall": 1.0, "mesh": 0.06, "hedge": 0.04},
        trees_a_side=7.0, trees={"leafy": 0.45, "palm": 0.25, "bush": 0.3},
        parking=0.06, traffic=0.45, heavy=0.25, two_wheelers=5.0, motorised=0.9, people=2.2, median=0.8,
        verge_dry=0.85, striped_kerb=0.7, rickshaws=0.22, signs=0.4, hoardings=0.5, cables=0.4, cattle=0.6, loose=0.5,
        warm=True,
    ),
    "trunk road": Setting(
        left_hand=0.95, lanes={2: 0.4, 4: 0.5, 6: 0.1}, sidewalk=(1.5, 5.5), made_sidewalk=0.12,
        built=0.35, floors={0: 1, 1: 1, 2: 0.6}, setback=(3.0, 10.0), barrier=0.4,
        barriers={"compound wall": 1.0, "mesh": 0.3, "railings": 0.3, "hedge": 0.3},
        trees_a_side=10.0, trees={"leafy": 0.5, "palm": 0.3, "bush": 0.2},
        parking=0.08, traffic=0.6, heavy=0.34, two_wheelers=7.0, motorised=0.92, people=3.0, median=0.7,
        verge_dry=0.8, striped_kerb=0.75, rickshaws=0.22, signs=0.5, hoardings=0.9, cables=0.5, cattle=0.4, loose=0.6,
        warm=True,
    ),
    "motorway": Setting(
        left_hand=0.35, lanes={4: 0.5, 6: 0.5}, sidewalk=(1.5, 3.5), made_sidewalk=0.0,
        built=0.03, floors={1: 1, 5: 0.4}, setback=(14.0, 30.0), barrier=0.85,
        barriers={"guard rail": 1.2, "noise wall": 0.7, "concrete barrier": 0.7, "mesh": 0.4},
        trees_a_side=7.0, trees={"leafy": 0.6, "bare": 0.2, "bush": 0.2},
        parking=0.0, traffic=0.75, heavy=0.24, two_wheelers=0.3, motorised=1.0, people=0.0, median=0.8,
        verge_dry=0.4, shoulder=(0.5, 3.2), side_streets=False, lamps=0.35, signs=0.5, hoardings=0.1,
    ),
    "country road": Setting(
        left_hand=0.4, lanes={2: 1.0}, sidewalk=(1.0, 2.5), made_sidewalk=0.04,
        built=0.06, floors={0: 1, 1: 1}, setback=(8.0, 25.0), barrier=0.4,
        barriers={"guard rail": 0.6, "boards": 0.3, "mesh": 0.4, "wall": 0.3, "hedge": 0.8},
        trees_a_side=9.0, trees={"leafy": 0.6, "bare": 0.22, "bush": 0.18},
        parking=0.0, traffic=0.5, heavy=0.2, two_wheelers=0.8, motorised=0.6, people=0.2, median=0.0,
        verge_dry=0.25, lamps=0.3, signs=0.35, cables=0.3,
    ),
}  # fmt: skip
