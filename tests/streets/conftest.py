"""Streets that several tests look at: to render one takes a tenth of a second."""

import numpy as np
import pytest

from roadseg.streets.presets import PRESETS
from roadseg.streets.render import render_street

SIZE = (96, 72)


def render_sets(count, look):
    """`count` streets of each preset: {preset: (images, label maps)}."""
    rendered = {
        name: [render_street(0, index, size=SIZE, scenes={name: 1}, look=look) for index in range(count)]
        for name in PRESETS
    }
    return {name: tuple(np.array(part) for part in zip(*pairs, strict=True)) for name, pairs in rendered.items()}


@pytest.fixture(scope="session")
def game_sets():
    """24 streets of each preset in the look `game`."""
    return render_sets(24, "game")


@pytest.fixture(scope="session")
def target_sets():
    """12 streets of each preset in the look `target`; they are the first of `game_sets`."""
    return render_sets(12, "target")
