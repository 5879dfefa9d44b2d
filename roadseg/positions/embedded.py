"""Positions within the file of a video."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from roadseg.positions.blackvue import read_blackvue
from roadseg.positions.boxes import BoxFile
from roadseg.positions.camm import read_camm
from roadseg.positions.exiftool import read_with_exiftool
from roadseg.positions.fixes import Recording
from roadseg.positions.gopro import read_gopro
from roadseg.positions.ligo import read_ligo, read_ligo_box
from roadseg.positions.novatek import read_novatek, read_novatek_stream
from roadseg.positions.seventy_mai import read_70mai_box
from roadseg.positions.tesla import read_tesla
from roadseg.positions.tracks_of_text import read_text_tracks
from roadseg.positions.transport_stream import private_payloads

BOXES: tuple[Callable[[BoxFile], Recording | None], ...] = (
    *(read_gopro, read_camm, read_blackvue, read_novatek, read_70mai_box, read_text_tracks, read_ligo_box, read_tesla),
)
"""Readers of MP4 and QuickTime files, those that look at least first."""


def read_embedded(video: Path, notices: list[str]) -> Iterator[Recording]:
    """Yield what the file of a video says of positions, and note damage.

    Args:
        video: the file; nothing is yielded if it cannot be read.
        notices: gets a sentence for each fault of the file, and for positions that are enciphered.
    """
    try:
        found = _read(video, notices)
    except OSError as error:
        notices.append(f"{video}: cannot be read ({os.strerror(error.errno or 0)})")
        return
    for recording in found:
        if not recording.enciphered:
            yield recording
            continue
        deciphered = read_with_exiftool(video)
        if deciphered is not None:
            yield deciphered
            continue
        notices.append(f"{recording.source}: enciphered, or in a layout that is not known; a new exiftool may read it")


def _read(video: Path, notices: list[str]) -> list[Recording]:
    with BoxFile(video) as file:
        if file.is_one:
            found = [recording for reader in BOXES if (recording := reader(file)) is not None]
            notices += file.faults
            return found
    payloads = private_payloads(video)
    streams = (read_novatek_stream(payloads), read_ligo(payloads))
    return [recording for recording in streams if recording is not None]
