"""Videos with positions, written byte by byte as cameras do."""

from datetime import datetime
from pathlib import Path

import av
import numpy as np


def write_clip(path: Path, creation: datetime | None = None, seconds: int = 8) -> Path:
    """Write a video of one frame a second, 64x48, and return its path."""
    with av.open(str(path), "w") as container:
        if creation is not None:
            container.metadata["creation_time"] = creation.isoformat()
        stream = container.add_stream("mpeg4", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(seconds):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        container.mux(stream.encode())
    return path


def nmea_sentence(body: str) -> str:
    """A sentence with its checksum."""
    total = 0
    for character in body:
        total ^= ord(character)
    return f"${body}*{total:02X}"
