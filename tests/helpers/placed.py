"""Tables of frames with positions, as an overlay of a video with positions has them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from roadseg.overlay.frame_table import POSITION_COLUMNS
from roadseg.positions.geodesy import distance, heading, offsets


def place_frames(table, lat, lon):
    """Write positions (N,) in degrees, NaN where unknown, into the table of N frames."""
    rows = pq.read_table(table)
    times = rows["seconds"].to_numpy()
    lat, lon = (np.asarray(values, float) for values in (lat, lon))
    known = np.flatnonzero(~np.isnan(lat))
    columns = {name: np.full(len(lat), np.nan) for name in POSITION_COLUMNS}
    columns["lat"], columns["lon"] = lat, lon
    steps = np.append(0.0, distance(lat[known][1:], lon[known][1:], lat[known][:-1], lon[known][:-1]))
    lasting = np.append(np.diff(times[known]), 1.0)
    east, north = offsets(lat[known][1:], lon[known][1:], lat[known][:-1], lon[known][:-1])
    columns["distance_m"][known] = np.cumsum(steps)
    columns["speed_mps"][known] = np.append(steps[1:], steps[-1]) / lasting
    courses = heading(east, north)
    columns["heading_deg"][known] = np.append(courses, courses[-1:]) if len(courses) else np.nan
    for name, kind in POSITION_COLUMNS.items():
        place = rows.schema.get_field_index(name)
        values = pa.nulls(len(lat), kind) if name == "utc" else pa.array(columns[name], from_pandas=True).cast(kind)
        rows = rows.set_column(place, pa.field(name, kind), values)
    kept = {key: value for key, value in pq.read_metadata(table).metadata.items() if key != b"ARROW:schema"}
    pq.write_table(rows.replace_schema_metadata(kept), table)
