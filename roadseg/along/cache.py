"""Sums of a table kept beside it, so that its rows are read once as long as it stays the same."""

import io
import json
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import numpy as np

from roadseg.along.indices import ClassSum
from roadseg.along.lines import Clip
from roadseg.along.places import Places
from roadseg.along.sums import Sums, Vertices, sum_video
from roadseg.errors import OutputError
from roadseg.files import fingerprint, writing
from roadseg.overlay.files import FRAMES_SUFFIX

VERSION = 1
"""Number that changes with the meaning of sums."""
KEY = "key"
PAIRS = ("unplaced", "outside")
ARRAYS = tuple(each.name for each in fields(Sums) if each.name not in ("vertices", *PAIRS))
VERTICES = tuple(each.name for each in fields(Vertices))


def kept_sums(
    clip: Clip, names: Sequence[str], places: Places, indices: Sequence[ClassSum], kept: tuple[float, float]
) -> Sums:
    """Return what `sum_video` returns, from the file beside the table if it was made of the same; else write that.

    A file that cannot be read is made again; one that cannot be written is left out.
    """
    path = clip.table.with_name(f".{clip.table.name.removesuffix(FRAMES_SUFFIX)}.{places.kind}.npz")
    key = json.dumps(
        [
            VERSION,
            fingerprint(clip.table),
            places.identity,
            *(clip.offset_m, clip.until_s),
            *map(str, kept),
            list(names),
            [[one.index.in_sight, *np.flatnonzero(one.numerator).tolist()] for one in indices],
        ]
    )
    sums = _read(path, key)
    if sums is None:
        sums = sum_video(clip, names, places, indices, kept)
        with suppress(OutputError):
            _write(path, key, sums)
    return sums


def _read(path: Path, key: str) -> Sums | None:
    """Read sums that have this key; None if there are none."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file[KEY]) != key:
                return None
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    vertices = Vertices(**{name: arrays[f"vertices.{name}"] for name in VERTICES})
    (frames, seconds), (metres, outside) = (arrays[name].tolist() for name in PAIRS)
    sums = {name: arrays[name] for name in ARRAYS}
    return Sums(**sums, vertices=vertices, unplaced=(int(frames), seconds), outside=(metres, outside))


def _write(path: Path, key: str, sums: Sums) -> None:
    content = io.BytesIO()
    arrays = {name: getattr(sums, name) for name in (*ARRAYS, *PAIRS)}
    arrays |= {f"vertices.{name}": getattr(sums.vertices, name) for name in VERTICES}
    np.savez_compressed(content, **{KEY: np.array(key), **arrays})
    with writing(path) as part:
        part.write_bytes(content.getvalue())
