"""Static regions painted on rendered drives: they are found, and nothing else is."""

import numpy as np
import pytest
from helpers.fixed_to_camera import SECONDS, bare_drive, noisy, with_bonnet, with_logo, with_stamp

from roadseg.video.static_regions import find_static_regions

pytestmark = pytest.mark.slow  # drives are rendered

SCENES = ["european", "highway", "night"]


def overlap(found, truth):
    """Intersection over union."""
    return (found & truth).sum() / (found | truth).sum()


def covered(found, truth):
    return found[truth].mean()


@pytest.mark.parametrize("scenes", [*SCENES, "indian"])
def test_a_bare_drive_has_nothing(scenes):
    """In the renderer's drives even lane markings, kerbs and the car ahead keep their places."""
    found = find_static_regions(bare_drive(scenes))
    assert not found.mask.any()
    assert found.notice == "no static region found"


@pytest.mark.parametrize(
    ("scenes", "colour", "reflection", "noise"),
    [
        ("european", (150, 40, 40), 0.35, 8),
        ("highway", (200, 200, 210), 0.6, 0),
        ("night", (150, 40, 40), 0, 0),
        ("night", (150, 40, 40), 0.35, 8),
    ],
    ids=["mirrors, noise", "bright mirror", "dull", "mirrors at night, noise"],
)
def test_a_bonnet(scenes, colour, reflection, noise):
    pictures, bonnet = with_bonnet(bare_drive(scenes), colour, reflection)
    found = find_static_regions(noisy(pictures, noise))
    assert overlap(found.mask, bonnet) > 0.9
    assert found.notice == ""


@pytest.mark.parametrize(("scenes", "noise"), [("european", 0), ("highway", 8), ("night", 8)])
def test_all_of_it_at_once(scenes, noise):
    pictures, bonnet = with_bonnet(bare_drive(scenes))
    pictures, stamp = with_stamp(pictures)
    pictures, logo = with_logo(pictures)
    mask = find_static_regions(noisy(pictures, noise)).mask
    below = np.arange(len(mask))[:, None] > len(mask) // 2
    assert overlap(mask & below, bonnet) > 0.9
    assert covered(mask, stamp) > 0.85 and covered(mask, logo) > 0.9
    assert (mask & ~(bonnet | stamp | logo)).mean() < 0.02


@pytest.mark.parametrize("scenes", SCENES)
def test_a_stamp_on_the_road_is_no_bonnet(scenes):
    pictures, stamp = with_stamp(bare_drive(scenes), (0.03, 0.965))
    mask = find_static_regions(pictures).mask
    assert covered(mask, stamp) > 0.85
    assert (mask & ~stamp).mean() < 0.04


def test_a_stamp_across_the_edge_of_the_bonnet():
    pictures, bonnet = with_bonnet(bare_drive("european"))
    pictures, stamp = with_stamp(pictures, (0.3, 0.89))
    mask = find_static_regions(pictures).mask
    assert covered(mask, stamp) > 0.85 and covered(mask, bonnet) > 0.95
    assert (mask & ~(stamp | bonnet)).mean() < 0.04


@pytest.mark.parametrize("deviation", [0, 15])
def test_a_parked_car_has_no_mask(deviation):
    pictures, _ = with_bonnet(np.repeat(bare_drive("european")[:1], 32, axis=0))
    found = find_static_regions(noisy(pictures, deviation))
    assert not found.mask.any()
    assert found.notice == "only 1 of 32 frames differ enough to find static regions"


@pytest.mark.parametrize(("scenes", "traffic"), [("european", "indian"), ("indian", "highway")])
def test_a_car_parked_in_traffic_has_no_mask(scenes, traffic):
    """Frames differ, but only where the traffic is."""
    pictures = np.repeat(bare_drive(scenes)[:1], SECONDS, axis=0)
    for index, other in enumerate(bare_drive(traffic)):
        left = 53 * index % 240
        pictures[index, 60:230, left : left + 240] = other[60:230, left : left + 240]
    found = find_static_regions(pictures)
    assert not found.mask.any()
    assert "the car hardly moves" in found.notice or "seems static" in found.notice


def test_a_long_stop_on_the_way_does_no_harm():
    pictures, bonnet = with_bonnet(bare_drive("highway"))
    stop = np.repeat(pictures[12:13], 40, axis=0)
    found = find_static_regions(noisy(np.concatenate([pictures[:12], stop, pictures[12:]]), 4))
    assert overlap(found.mask, bonnet) > 0.9


@pytest.mark.parametrize("count", [1, 7])
def test_few_frames_tell_nothing(count):
    pictures, _ = with_bonnet(bare_drive("night")[:count])
    found = find_static_regions(pictures)
    assert not found.mask.any()
    assert found.notice.startswith(f"only {count} of {count} frames differ")


def test_black_frames_are_not_counted():
    pictures, bonnet = with_bonnet(bare_drive("highway"))
    black = np.zeros_like(pictures)
    assert find_static_regions(black).notice.startswith(f"only 0 of {SECONDS} frames differ")
    assert overlap(find_static_regions(np.concatenate([black, pictures])).mask, bonnet) > 0.9


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("carnd_vehicle_test_video", 0.05, 0.075),  # a bonnet
        ("indian_track_480p", 0.006, 0.012),  # two black rows below the frame
        ("solidWhiteRight", 0, 0),  # a reflection in the windscreen, a straight lane, hills far away: nothing
    ],
)
def test_real_dashcams(real_data, name, lowest, highest):
    from roadseg.video.sample import sample_frames

    pictures = sample_frames(real_data / "video" / "dashcam" / f"{name}.mp4", (640, 360), 32)
    mask = find_static_regions(pictures).mask
    assert lowest <= mask.mean() <= highest
    assert not mask[: 360 * 9 // 10].any()
