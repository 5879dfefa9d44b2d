import numpy as np
import pytest

from roadseg.errors import InputError
from roadseg.streets import classes
from roadseg.streets.drive import drive_frames
from roadseg.streets.presets import DEFAULT_SCENES, PRESETS, mixture, parse_scenes
from roadseg.streets.render import render_street
from roadseg.streets.sampling.settings import SETTINGS

SMALL = (96, 72)


@pytest.fixture(scope="module")
def labels(game_sets):
    return {name: labels for name, (_, labels) in game_sets.items()}


def share(labels, *train_ids):
    return np.isin(labels, train_ids).mean()


def test_presets_name_settings_that_there_are():
    used = {street for preset in PRESETS.values() for street in preset.streets}
    assert used == set(SETTINGS)


@pytest.mark.slow
def test_weights_are_relative_and_order_does_not_matter():
    assert mixture({"indian": 3, "european": 1}) == {"european": 0.25, "indian": 0.75}
    assert list(mixture({"indian": 3, "european": 1})) == ["european", "indian"]
    assert mixture({"indian": 1, "night": 0}) == {"indian": 1.0}
    one = render_street(0, 3, size=SMALL, scenes={"indian": 1, "european": 1})
    other = render_street(0, 3, size=SMALL, scenes={"european": 7, "indian": 7})
    np.testing.assert_array_equal(one[0], other[0])


def test_the_default_mixes_all_presets():
    assert set(mixture(DEFAULT_SCENES)) == set(PRESETS)


@pytest.mark.parametrize(
    ("text", "scenes"),
    [("indian", {"indian": 1.0}), ("european=1, indian=3", {"european": 0.25, "indian": 0.75})],
)
def test_mixtures_are_written_as_text(text, scenes):
    assert parse_scenes(text) == scenes


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "no scenes called ''"),
        ("lunar=1", "no scenes called 'lunar'"),
        ("indian=-1", "weight -1"),
        ("indian=nan", "weight nan"),
        ("indian=0", "no scenes are chosen"),
        ("indian=a", "'indian=a' is not a preset"),
    ],
)
def test_what_is_no_mixture_is_refused(text, cause):
    with pytest.raises(InputError, match=cause):
        parse_scenes(text)


@pytest.mark.slow
def test_a_mixture_of_one_preset_is_drawn_from_it_alone(labels):
    assert not (labels["highway"] == classes.TRAIN).any(), "no trams on highways"
    assert (labels["european"] == classes.TRAIN).any()


@pytest.mark.slow
def test_presets_show_what_they_are_named_for(labels):
    bikes = (classes.MOTORCYCLE, classes.RIDER)
    assert share(labels["indian"], *bikes) > 1.3 * share(labels["european"], *bikes)
    assert share(labels["indian"], classes.WALL) > 1.5 * share(labels["european"], classes.WALL)
    assert share(labels["indian"], classes.TERRAIN) > share(labels["european"], classes.TERRAIN)
    assert share(labels["european"], classes.BUILDING) > 4 * share(labels["highway"], classes.BUILDING)


@pytest.mark.slow
def test_european_streets_are_lined_with_houses_and_pavements(labels):
    assert share(labels["european"], classes.BUILDING) > 0.18
    assert share(labels["european"], classes.SIDEWALK) > 0.045


@pytest.mark.slow
def test_nights_are_dark_but_for_lamps(game_sets):
    skies = {name: images[labels == classes.SKY].mean() for name, (images, labels) in game_sets.items()}
    assert skies["night"] < 0.4 * skies["european"]
    assert (game_sets["night"][0].max((1, 2, 3)) > 180).mean() > 0.7, "lamps, lights and signals shine"


@pytest.mark.slow
def test_drives_are_drawn_from_presets_too():
    _, label = next(drive_frames(0, 0.5, size=SMALL, scenes={"highway": 1.0}))
    _, other = next(drive_frames(0, 0.5, size=SMALL, scenes={"indian": 1.0}))
    assert (label != other).mean() > 0.05
    with pytest.raises(InputError, match="lunar"):
        drive_frames(0, 0.5, size=SMALL, scenes={"lunar": 1.0})
