"""Error of indices and positions along rendered drives: `python benchmarks/along_truth.py [DATA]`, `data` by default.

Four drives of 20 s in the target look, seeds that no recipe trains on, with labels by `roadseg synth`. Each gets the
path of its camera as NMEA of one fix a second, exact and with errors of a receiver (2 m, of which three quarters stay
from one second to the next). The default weights label it; `stats_along` adds up segments of 50 m of that, and of the
true labels at the true places.
"""

import sys
import tempfile
from fractions import Fraction
from functools import reduce
from operator import xor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from along_road import made_results
from numpy.typing import NDArray

import roadseg
from roadseg.along.result import AlongStats
from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.rendered import render_drive
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.overlay.failures import Failure
from roadseg.overlay.stats import count_pixels
from roadseg.positions.fixes import Fix
from roadseg.positions.geodesy import distance
from roadseg.streets.drive import drive_path

SEEDS, SECONDS, RATE, SIZE = (101, 102, 103, 104), 20.0, Fraction(2), (480, 360)
LAT, LON, METRES_A_DEGREE = 28.6, 77.2, 111_319.490793
ERROR, KEPT = 2.0, 0.75
"""Standard deviation of a receiver's error to each side in metres, and the part that is kept after a second."""
LENGTH = 50.0
INDICES = ("green_view", "sky_view", "enclosure", "walkable", "people_in_sight", "two_wheelers_in_sight")


def placed(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, 2) latitude and longitude of a path in metres to the east and to the north."""
    return np.stack([LAT + path[:, 1] / 110_826, LON + path[:, 0] / METRES_A_DEGREE / np.cos(np.radians(LAT))], axis=1)


def write_nmea(file: Path, places: NDArray[np.float64]) -> None:
    """Write a fix a second, as a camera does that begins with its video; without speeds."""
    lines = []
    for second, (lat, lon) in enumerate(places.tolist()):
        where = f"{int(lat):02}{lat % 1 * 60:08.5f},N,{int(lon):03}{lon % 1 * 60:08.5f},E"
        body = f"GPRMC,0800{second:02}.000,A,{where},,,010324,,,A"
        lines.append(f"${body}*{reduce(xor, body.encode()):02X}\n")
    file.write_text("".join(lines))


def receiver(places: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return places with errors that wander as those of a receiver."""
    draw = np.random.default_rng(seed)
    error = draw.normal(0, ERROR, places.shape)
    for second in range(1, len(places)):
        error[second] = KEPT * error[second - 1] + np.sqrt(1 - KEPT**2) * error[second]
    return places + placed(error[:, ::-1]) - placed(np.zeros_like(error))


def values(found: AlongStats, name: str) -> NDArray[np.float64]:
    """Return an index of the segments that are at least half as long as asked for."""
    long = found.table["metres"].to_numpy() >= LENGTH / 2
    return found.table[f"{name}_by_distance"].to_numpy()[long]


def main() -> None:
    """Print the errors."""
    data = Path(sys.argv[1] if len(sys.argv) > 1 else "data")
    errors: dict[str, list[NDArray[np.float64]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for seed in SEEDS:
            folder = data / f"target-drive-{seed}"
            render_drive(folder, seed=seed, seconds=SECONDS, size=SIZE, look="target", frame_rate=RATE)
            truth = placed(drive_path(seed, SECONDS, look="target", frame_rate=RATE))
            each_second = truth[:: int(RATE)]
            labels, space = dataset_kind("streets").open(folder).in_space(CITYSCAPES_19), CITYSCAPES_19
            counts = [count_pixels(labels.label(index)) for index in range(len(labels))]
            pixels = np.stack([np.append(one[: len(space)], one[len(space) :].sum()) for one in counts])
            fixes = [Fix(lat, lon, 1.7e9 + n / RATE, n / float(RATE)) for n, (lat, lon) in enumerate(truth)]
            made_results(Path(temporary) / "truth" / str(seed) / "drive", pixels, fixes, space=space, rate=int(RATE))
            true = roadseg.stats_along([Path(temporary) / "truth" / str(seed)], along=LENGTH)
            for kind, fixed in (("exact", each_second), ("receiver", receiver(each_second, seed))):
                track, out = Path(temporary) / f"{seed}-{kind}.nmea", Path(temporary) / kind / str(seed)
                write_nmea(track, fixed)
                (result,) = roadseg.overlay_videos([folder / "drive.mp4"], out, gps=track, gps_offset=0.0)
                if isinstance(result, Failure):
                    raise result.error
                found = roadseg.stats_along([out], along=LENGTH)
                table = pq.read_table(out / "drive.frames.parquet")
                lat, lon, metres = (table[name].to_numpy() for name in ("lat", "lon", "distance_m"))
                known = ~np.isnan(lat)
                off = distance(lat[known], lon[known], *truth[known].T)
                print(
                    f"{seed} {kind:9} {known.sum()} of {len(known)} frames placed, off by {off.mean():.2f} m", end=", "
                )
                print(f"{np.nanmax(metres):.1f} m driven, in truth {true.metres:.1f} m", flush=True)
                for name in INDICES:
                    pair = values(true, name), values(found, name)
                    both = np.stack([each[: min(map(len, pair))] for each in pair])
                    errors.setdefault(f"{kind} {name}", []).append(both)
    for name, pairs in errors.items():
        true, seen = np.concatenate(pairs, axis=1)
        off = seen - true
        print(
            f"{name:32} truth {true.mean():.3f}  error {np.abs(off).mean():.3f}  bias {off.mean():+.3f}  ({off.size})"
        )


if __name__ == "__main__":
    main()
