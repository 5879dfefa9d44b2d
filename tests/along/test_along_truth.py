"""A rendered drive, whose path and labels are known to the pixel, along its road."""

import numpy as np
import pytest
from along_road import made_results
from along_truth import placed, receiver, write_nmea

import roadseg
from roadseg.labels.catalogue import INDIAN_20
from roadseg.overlay.stats import count_pixels
from roadseg.positions.fixes import Fix
from roadseg.streets.drive import drive_frames, drive_path

RATE, SECONDS = 2, 6.0


@pytest.mark.slow
def test_indices_of_a_rendered_drive_are_those_of_its_labels(tmp_path):
    options = {"look": "game", "frame_rate": RATE}
    labels = [label for _, label in drive_frames(0, SECONDS, size=(64, 48), **options)]
    path = drive_path(0, SECONDS, **options)
    fixes = [Fix(*place, 1.7e9 + n / RATE, n / RATE) for n, place in enumerate(placed(path).tolist())]
    counts = [count_pixels(label) for label in labels]
    pixels = np.stack([np.append(count[:20], count[20:].sum()) for count in counts])
    made_results(tmp_path / "drive", pixels, fixes, space=INDIAN_20, rate=RATE)
    found = roadseg.stats_along([tmp_path], along=1000)
    steps = np.hypot(*np.diff(path, axis=0).T)
    assert found.metres == pytest.approx(steps.sum(), rel=0.01)
    sky, green = (
        np.array([np.isin(label, [INDIAN_20.classes.index(name) for name in names]).mean() for label in labels])
        for names in (["sky"], ["vegetation", "terrain"])
    )
    assert found.overall["sky_view_by_time"] == pytest.approx(sky.mean())
    assert found.overall["sky_view_by_distance"] == pytest.approx(np.average(sky[:-1], weights=steps), abs=2e-3)
    assert found.overall["green_view_by_distance"] == pytest.approx(np.average(green[:-1], weights=steps), abs=2e-3)


def test_fixes_with_the_errors_of_a_receiver(tmp_path):
    """The benchmark writes what `read_track` reads, and its errors have the size that it states."""
    path = np.stack([np.zeros(60), 10.0 * np.arange(60)], axis=1)
    write_nmea(tmp_path / "track.nmea", placed(path)[:60])
    assert "$GPRMC,080059.000,A,28" in (tmp_path / "track.nmea").read_text()
    many = np.concatenate([receiver(placed(path), seed) - placed(path) for seed in range(40)])
    assert many[:, 0].std() * 110_826 == pytest.approx(2, rel=0.1)
