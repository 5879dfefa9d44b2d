"""The drawing of the rooms, and the table beside it, are those of the code."""

import importlib.util
import re
from itertools import pairwise
from pathlib import Path

import pytest
from test_architecture import LAYERS, RANK

DOCS = Path(__file__).resolve().parents[2] / "docs"
spec = importlib.util.spec_from_file_location("house", DOCS / "house.py")
house = importlib.util.module_from_spec(spec)
spec.loader.exec_module(house)


@pytest.mark.slow
def test_the_drawing_is_that_of_the_code():
    assert (DOCS / "images" / "house.svg").read_text() == house.drawing(), "draw it again: python docs/house.py"


def test_imports_that_follow_from_others_are_left_out():
    assert house.without_detours({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_places_keep_their_distances_and_move_as_little_as_they_can():
    assert house.spread([0.0, 0.0, 9.0], [4.0, 4.0]) == [-2.0, 2.0, 9.0]


@pytest.mark.slow
def test_rooms_do_not_overlap_and_stand_above_what_they_import():
    layers, imports = house.rooms_and_imports()
    places, _ = house.layout(layers, house.without_detours(imports))
    for names in layers:
        across = sorted(places[name][0] for name in names)
        assert all(b - a >= house.BOX for a, b in pairwise(across))
    assert all(places[room][1] < places[other][1] for room, others in imports.items() for other in others)


def test_the_table_names_every_room_from_the_top_down():
    text = (DOCS / "architecture.md").read_text()
    rooms = re.findall(r"^\| `(\w+)` \|", text.partition("## Rooms")[2].partition("## ")[0], re.MULTILINE)
    assert sorted(rooms) == sorted(name for names in LAYERS for name in names)
    assert [RANK[room] for room in rooms] == sorted((RANK[room] for room in rooms), reverse=True)
