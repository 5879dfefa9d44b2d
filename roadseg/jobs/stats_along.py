"""The job of `roadseg stats --along`: class shares and indices along the road, as a file for maps."""

from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path

from roadseg.along.indices import NAMED, read_indices
from roadseg.along.job import along_road
from roadseg.along.network import DISTANCE, read_streets
from roadseg.along.places import Grid, Places, Segments
from roadseg.along.result import AlongStats
from roadseg.along.write import check_along_suffix, write_along
from roadseg.drives.names import FRONT
from roadseg.errors import InputError
from roadseg.files import write_text
from roadseg.report.basemap import read_basemap
from roadseg.report.map_page import map_html

MIN_METRES = 1.0
"""Length of the shortest segment and side of the smallest cell."""


def stats_along(
    folders: Sequence[str | Path],
    *,
    out: str | Path | None = None,
    along: float = 100.0,
    grid: float | None = None,
    network: str | Path | None = None,
    network_distance: float = DISTANCE,
    channel: str = FRONT,
    indices: str | Path | None = None,
    trim_ends: float = 0.0,
    map_page: str | Path | None = None,
    basemap: str | Path | None = None,
    on_progress: Callable[[str, int, int], None] = lambda task, done, total: None,
) -> AlongStats:
    """Add up what the road shows by place: class shares and indices for every stretch of the driven line.

    Frames count by the time for which they are shown, and by the metres that the car drives until the next: a halt
    at a red light weighs in the first, not in the second. Masked areas and frames without a position do not count.

    Args:
        folders: folders of `roadseg overlay`, searched at any depth.
        out: file for the places, .geojson, .gpkg (needs the extra `maps`), .csv or .parquet; None writes none.
        along: length of the segments of each drive, in metres.
        grid: side of square cells in metres, over which all drives are added up in place of segments.
        network: file of streets as lines (GeoPackage, GeoJSON; needs the extra `maps`), over which all drives are added
            up: a frame goes to the nearest one within 45 degrees of the direction of travel.
        network_distance: greatest distance of a frame from its street, in metres.
        channel: direction of the cameras that count: `front`, `rear`, `cabin`, ...; channels never mix.
        indices: TOML file of further indices, see docs/indices.md.
        trim_ends: metres at the start and at the end of each drive that are left out.
        map_page: file for a map of the places, .html, whole in itself; None writes none.
        basemap: GeoJSON file of lines and areas that are drawn grey below the map's places, such as streets.
        on_progress: called with (task, tables done, tables in all).

    Returns:
        A row for each place, with geometry in longitude and latitude (WGS84).

    Raises:
        InputError: a length is below 1 m, two divisions are given, an extension is unknown, a folder is missing or has
            no finished results, nothing of them has a position, there are more places than a map holds, a file cannot
            be read, or label spaces differ.
        OutputError: `out` or `map_page` cannot be written.
    """
    if out is not None:
        check_along_suffix(Path(out))
    if map_page is not None and Path(map_page).suffix.lower() != ".html":
        raise InputError(f"{map_page}: a map is a page", "End it in .html.")
    if basemap is not None and map_page is None:
        raise InputError("basemap is the background of a map", "Give --map FILE.html, or map_page, too.")
    ground = read_basemap(Path(basemap)) if basemap is not None else None
    if not (isfinite(trim_ends) and trim_ends >= 0):
        raise InputError(f"trim_ends: {trim_ends}, wanted metres, 0 or more", "For example 200.")
    if grid is not None and network is not None:
        raise InputError("grid and network: both are given", "Give one of them.")
    places: Places
    if network is not None:
        places = read_streets(Path(network), _metres("network_distance", network_distance))
    else:
        places = Segments(_metres("along", along)) if grid is None else Grid(_metres("grid", grid))
    own = read_indices(Path(indices)) if indices is not None else ()
    found = along_road(
        *([Path(folder) for folder in folders], places),
        channel=channel,
        indices=own,
        trim_ends=trim_ends,
        on_progress=on_progress,
    )
    page = map_html(found, (*NAMED, *own), ground) if map_page is not None else ""
    if out is not None:
        write_along(Path(out), found)
    if map_page is not None:
        write_text(Path(map_page), page)
    return found


def _metres(name: str, length: float) -> float:
    if not (isfinite(length) and length >= MIN_METRES):
        raise InputError(f"{name}: {length:g} m, wanted at least {MIN_METRES:g} m", "100m is usual.")
    return float(length)
