"""Check that the data of a JPEG image are complete.

The usual decoders fill missing or broken parts with grey and report it on the terminal only. FFmpeg's decoder has an
option to fail there.
"""

import re

import av
from av.packet import Packet

from roadseg.inputs.limits import MAX_IMAGE_PIXELS

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])", re.DOTALL)
"""A marker that ends a scan: neither a stuffed byte, nor a restart marker, nor padding."""


def jpeg_is_whole(data: bytes) -> bool:
    """Return False for a JPEG that is cut off, or broken so that a decoder can notice.

    Damage that happens to be valid code with as many pixels goes unnoticed: JPEG has no checksum.

    Args:
        data: content of a file that begins with a JPEG image.
    """
    end = _end_of_image(data)
    return end is not None and _decodes(data[:end])


def _end_of_image(data: bytes) -> int | None:
    """Follow the segments (ITU-T T.81, annex B) to the end of the image; None where they do not lead there."""
    position = 2
    while position + 2 <= len(data) and data[position] == 0xFF:
        kind = data[position + 1]
        if kind == END_OF_IMAGE:
            return position + 2
        if kind == 0xFF:  # padding
            position += 1
            continue
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if kind == START_OF_SCAN:
            marker = _MARKER.search(data, position)
            position = marker.start() if marker else len(data)
    return None


def _decodes(data: bytes) -> bool:
    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.options = {"err_detect": "explode", "max_pixels": str(2 * MAX_IMAGE_PIXELS)}
    decoder.thread_count = 1
    try:
        return bool(decoder.decode(Packet(data)) + decoder.decode(None))
    except av.error.PatchWelcomeError:
        return True  # a rare form that this decoder does not know, such as CMYK with fewer colours than pixels
    except av.error.FFmpegError:
        return False
