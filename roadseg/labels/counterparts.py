"""Classes of a data set that a network cannot predict, and classes of the network that their names may stand for."""

import difflib

from roadseg.labels.catalogue import LABEL_SPACES
from roadseg.labels.space import IGNORE, LabelSpace, conversion

SYNONYMS = {
    "asphalt": "road",
    "auto": "car",
    "automobile": "car",
    "bike": "bicycle",
    "bush": "vegetation",
    "cyclist": "rider",
    "driver": "rider",
    "footpath": "sidewalk",
    "footway": "sidewalk",
    "grass": "terrain",
    "ground": "terrain",
    "house": "building",
    "human": "person",
    "lamp": "traffic light",
    "lane": "road",
    "lorry": "truck",
    "man": "person",
    "motorbike": "motorcycle",
    "nature": "vegetation",
    "pavement": "sidewalk",
    "pedestrian": "person",
    "people": "person",
    "plant": "vegetation",
    "railing": "fence",
    "roadsign": "traffic sign",
    "roadway": "road",
    "sign": "traffic sign",
    "signal": "traffic light",
    "soil": "terrain",
    "street": "road",
    "tram": "train",
    "tree": "vegetation",
    "van": "car",
    "walker": "person",
}
"""Common name of a class, lower case and singular -> class of Cityscapes."""


def unmatched_classes(labels: LabelSpace, network: LabelSpace) -> list[str]:
    """Return the classes of a data set that cannot be scored: no class of a network equals, has or is part of them.

    Args:
        labels: label space of the data set.
        network: label space of the network.
    """
    to_labels = conversion(network, labels)
    scored_as = to_labels[conversion(labels, network)]
    reached = set(to_labels[: len(network)].tolist())
    return [name for own, name in enumerate(labels.classes) if own not in reached and scored_as[own] == IGNORE]


def unmatched_notices(labels: LabelSpace, network: LabelSpace) -> tuple[str, ...]:
    """Return notices about classes that a network lacks; for names that people chose, with the class that may be meant.

    Args:
        labels: label space of the data set.
        network: label space of the network.

    Returns:
        A line for each class with a hint, and one for all others; empty where every class has a counterpart.
    """
    missing = unmatched_classes(labels, network)
    own_names = labels.name not in LABEL_SPACES
    hints = {name: meant for name in missing if own_names and (meant := likely_meant(name, network))}
    others = ", ".join(name for name in missing if name not in hints)
    return (
        *(f"{name}: no such class in {network.name}; did you mean {meant}?" for name, meant in hints.items()),
        *((f"{others}: no such class in {network.name}",) if others else ()),
    )


def likely_meant(name: str, network: LabelSpace) -> str:
    """Return the class of a network that somebody may have meant by another name; empty if there is none."""
    plain = name.lower().replace("_", " ").replace("-", " ").strip()
    for candidate in (plain, plain.removesuffix("s"), plain.replace(" ", "")):
        found = candidate if candidate in network.classes else SYNONYMS.get(candidate, "")
        if found in network.classes and found != name:
            return found
    near = difflib.get_close_matches(plain, network.classes, n=1, cutoff=0.75)
    return near[0] if near else ""
