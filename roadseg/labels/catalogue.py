"""Label spaces by name.

Spaces of one family share class names, so that `roadseg.labels.space.conversion` goes by name;
`contains` does the rest.
"""

from collections.abc import Mapping, Set

from roadseg.errors import DatasetError
from roadseg.labels.space import LabelSpace

Colour = tuple[int, int, int]
Parts = Mapping[str, tuple[str, ...]]
"""Class -> classes of other spaces that are part of it."""
NO_PARTS: Parts = {}


def _space(name: str, classes: Mapping[str, Colour], parts: Parts = NO_PARTS) -> LabelSpace:
    """Make a label space of classes with their colours, in train-id order."""
    contains = {part: whole for whole, names in parts.items() for part in names}
    return LabelSpace(name, tuple(classes), tuple(classes.values()), contains)


# Streets without autorickshaws have no class for them; the nearest is the other small vehicle with a body.
SMALL_VEHICLES: Parts = {"car": ("autorickshaw",)}

# Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016.
CITYSCAPES_19 = _space(
    "cityscapes-19",
    {
        "road": (128, 64, 128),
        "sidewalk": (244, 35, 232),
        "building": (70, 70, 70),
        "wall": (102, 102, 156),
        "fence": (190, 153, 153),
        "pole": (153, 153, 153),
        "traffic light": (250, 170, 30),
        "traffic sign": (220, 220, 0),
        "vegetation": (107, 142, 35),
        "terrain": (152, 251, 152),
        "sky": (70, 130, 180),
        "person": (220, 20, 60),
        "rider": (255, 0, 0),
        "car": (0, 0, 142),
        "truck": (0, 0, 70),
        "bus": (0, 60, 100),
        "train": (0, 80, 100),
        "motorcycle": (0, 0, 230),
        "bicycle": (119, 11, 32),
    },
    SMALL_VEHICLES,
)

# The classes of Cityscapes and, in the colour of IDD, the vehicle that Indian roads have beside them.
INDIAN_20 = _space(
    "indian-20",
    {**dict(zip(CITYSCAPES_19.classes, CITYSCAPES_19.colours, strict=True)), "autorickshaw": (255, 204, 54)},
)


def _subset(name: str, classes: Set[str], parts: Parts = NO_PARTS) -> LabelSpace:
    """Make a label space of some Cityscapes classes, in their order and colours."""
    colours = zip(CITYSCAPES_19.classes, CITYSCAPES_19.colours, strict=True)
    return _space(name, {one: colour for one, colour in colours if one in classes}, parts)


# Ros et al., "The SYNTHIA Dataset", CVPR 2016: all classes of SYNTHIA-RAND-CITYSCAPES in the order of their ids, in the
# colours and under the names of Cityscapes where it has them.
SYNTHIA_22 = _space(
    "synthia-22",
    {
        "sky": (70, 130, 180),
        "building": (70, 70, 70),
        "road": (128, 64, 128),
        "sidewalk": (244, 35, 232),
        "fence": (190, 153, 153),
        "vegetation": (107, 142, 35),
        "pole": (153, 153, 153),
        "car": (0, 0, 142),
        "traffic sign": (220, 220, 0),
        "person": (220, 20, 60),
        "bicycle": (119, 11, 32),
        "motorcycle": (0, 0, 230),
        "parking": (250, 170, 160),
        "roadwork": (230, 150, 140),
        "traffic light": (250, 170, 30),
        "terrain": (152, 251, 152),
        "rider": (255, 0, 0),
        "truck": (0, 0, 70),
        "bus": (0, 60, 100),
        "train": (0, 80, 100),
        "wall": (102, 102, 156),
        "lane marking": (200, 200, 200),
    },
)

# The classes over which SYNTHIA -> Cityscapes is scored; 13 where the thin ones are left out, as by AdaptSegNet.
SYNTHIA_16 = _subset("synthia-16", set(CITYSCAPES_19.classes) - {"terrain", "truck", "train"}, SMALL_VEHICLES)
SYNTHIA_13 = _subset("synthia-13", set(SYNTHIA_16.classes) - {"wall", "fence", "pole"}, SMALL_VEHICLES)

# The nine classes of a printed SYNTHIA -> CamVid table. How it grouped CamVid's 32 classes is not said; here each has
# its namesake, the road its markings, and everything else is ignored.
SYNTHIA_CAMVID_9 = _subset(
    "synthia-camvid-9",
    {"road", "sidewalk", "building", "pole", "traffic light", "traffic sign", "vegetation", "terrain", "bus"},
    {
        "road": ("lane marking", "Road", "LaneMkgsDriv", "LaneMkgsNonDriv"),
        "sidewalk": ("Sidewalk",),
        "building": ("Building",),
        "pole": ("Column_Pole",),
        "traffic light": ("TrafficLight",),
        "traffic sign": ("SignSymbol",),
        "vegetation": ("Tree",),
        "terrain": ("VegetationMisc",),
        "bus": ("Truck_Bus",),
    },
)

# Brostow et al., "Semantic object classes in video", Pattern Recognition Letters 2009: all classes but Void, in the
# order and colours of its label_colors.txt.
CAMVID_32 = _space(
    "camvid-32",
    {
        "Animal": (64, 128, 64),
        "Archway": (192, 0, 128),
        "Bicyclist": (0, 128, 192),
        "Bridge": (0, 128, 64),
        "Building": (128, 0, 0),
        "Car": (64, 0, 128),
        "CartLuggagePram": (64, 0, 192),
        "Child": (192, 128, 64),
        "Column_Pole": (192, 192, 128),
        "Fence": (64, 64, 128),
        "LaneMkgsDriv": (128, 0, 192),
        "LaneMkgsNonDriv": (192, 0, 64),
        "Misc_Text": (128, 128, 64),
        "MotorcycleScooter": (192, 0, 192),
        "OtherMoving": (128, 64, 64),
        "ParkingBlock": (64, 192, 128),
        "Pedestrian": (64, 64, 0),
        "Road": (128, 64, 128),
        "RoadShoulder": (128, 128, 192),
        "Sidewalk": (0, 0, 192),
        "SignSymbol": (192, 128, 128),
        "Sky": (128, 128, 128),
        "SUVPickupTruck": (64, 128, 192),
        "TrafficCone": (0, 0, 64),
        "TrafficLight": (0, 64, 64),
        "Train": (192, 64, 128),
        "Tree": (128, 128, 0),
        "Truck_Bus": (192, 128, 192),
        "Tunnel": (64, 0, 64),
        "VegetationMisc": (192, 192, 0),
        "Wall": (64, 192, 0),
    },
    {
        "Road": ("road",),
        "LaneMkgsDriv": ("lane marking",),
        "Sidewalk": ("sidewalk",),
        "Building": ("building",),
        "Wall": ("wall",),
        "Fence": ("fence",),
        "Column_Pole": ("pole",),
        "TrafficLight": ("traffic light",),
        "SignSymbol": ("traffic sign",),
        "Tree": ("vegetation",),
        "VegetationMisc": ("terrain",),
        "Sky": ("sky",),
        "Pedestrian": ("person",),
        "Bicyclist": ("rider", "bicycle"),
        "MotorcycleScooter": ("motorcycle",),
        "Car": ("car", "autorickshaw"),
        "Truck_Bus": ("truck", "bus"),
        "Train": ("train",),
    },
)

# The 11 classes of Badrinarayanan et al., "SegNet", TPAMI 2017, who grouped the 32 as below. Walls of Cityscapes stand
# along roads as CamVid's fences do; its own Wall, part of Building, is mostly the side of a house.
CAMVID_11 = _space(
    "camvid-11",
    {
        "Sky": (128, 128, 128),
        "Building": (128, 0, 0),
        "Pole": (192, 192, 128),
        "Road": (128, 64, 128),
        "Pavement": (60, 40, 222),
        "Tree": (128, 128, 0),
        "SignSymbol": (192, 128, 128),
        "Fence": (64, 64, 128),
        "Car": (64, 0, 128),
        "Pedestrian": (64, 64, 0),
        "Bicyclist": (0, 128, 192),
    },
    {
        "Sky": ("sky",),
        "Building": ("building", "Archway", "Bridge", "Tunnel", "Wall"),
        "Pole": ("pole", "Column_Pole", "TrafficCone"),
        "Road": ("road", "lane marking", "LaneMkgsDriv", "LaneMkgsNonDriv"),
        "Pavement": ("sidewalk", "Sidewalk", "ParkingBlock", "RoadShoulder"),
        "Tree": ("vegetation", "terrain", "VegetationMisc"),
        "SignSymbol": ("traffic sign", "traffic light", "Misc_Text", "TrafficLight"),
        "Fence": ("fence", "wall"),
        "Car": ("car", "autorickshaw", "truck", "bus", "train", "SUVPickupTruck", "Truck_Bus", "Train", "OtherMoving"),
        "Pedestrian": ("person", "Child", "CartLuggagePram", "Animal"),
        "Bicyclist": ("rider", "motorcycle", "bicycle", "MotorcycleScooter"),
    },
)

# Varma et al., "IDD", WACV 2019: the classes of level 3 of its hierarchy. That terrain belongs to what cannot be driven
# on is from the Cityscapes ids in its public tools.
IDD_26 = _space(
    "idd-26",
    {
        "road": (128, 64, 128),
        "drivable fallback": (81, 0, 81),
        "sidewalk": (244, 35, 232),
        "non-drivable fallback": (152, 251, 152),
        "person": (220, 20, 60),
        "rider": (255, 0, 0),
        "motorcycle": (0, 0, 230),
        "bicycle": (119, 11, 32),
        "autorickshaw": (255, 204, 54),
        "car": (0, 0, 142),
        "truck": (0, 0, 70),
        "bus": (0, 60, 100),
        "vehicle fallback": (136, 143, 153),
        "curb": (220, 190, 40),
        "wall": (102, 102, 156),
        "fence": (190, 153, 153),
        "guard rail": (180, 165, 180),
        "billboard": (174, 64, 67),
        "traffic sign": (220, 220, 0),
        "traffic light": (250, 170, 30),
        "pole": (153, 153, 153),
        "obs-str-bar-fallback": (169, 187, 214),
        "building": (70, 70, 70),
        "bridge": (150, 100, 100),
        "vegetation": (107, 142, 35),
        "sky": (70, 130, 180),
    },
    {"non-drivable fallback": ("terrain",), "vehicle fallback": ("train",)},
)

LABEL_SPACES = {
    space.name: space
    for space in (
        CITYSCAPES_19,
        INDIAN_20,
        SYNTHIA_22,
        SYNTHIA_16,
        SYNTHIA_13,
        SYNTHIA_CAMVID_9,
        CAMVID_32,
        CAMVID_11,
        IDD_26,
    )
}


def label_space(name: str) -> LabelSpace:
    """Look up a label space by name.

    Raises:
        DatasetError: there is none of that name.
    """
    try:
        return LABEL_SPACES[name]
    except KeyError:
        raise DatasetError(f"unknown label space {name!r}", f"Known: {', '.join(LABEL_SPACES)}.") from None
