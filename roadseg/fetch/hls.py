"""Media playlists of HLS streams, as RFC 8216 describes them."""

import re


def with_explicit_ivs(playlist: str) -> str:
    """Write the initialization vector of each encrypted segment into its playlist.

    A key without one stands for the number of the segment (section 5.2). yt-dlp loses count of it where a download is
    resumed, and counts initialization sections as segments; the first 16 bytes of a segment would then be garbage.

    Args:
        playlist: text of a media playlist.

    Returns:
        The same playlist, in which no AES-128 key lacks an `IV`.
    """
    number = 0
    key = ""
    lines = []
    for line in playlist.splitlines():
        if line.startswith("#EXT-X-MEDIA-SEQUENCE:"):
            number = int(line.partition(":")[2])
        elif line.startswith("#EXT-X-KEY:"):
            key = line if "METHOD=AES-128" in line and not re.search(r"[:,]IV=", line) else ""
        elif line.strip() and not line.startswith("#"):
            if key:
                lines.append(f"{key},IV=0x{number:032x}")
            number += 1
        lines.append(line)
    return "\n".join(lines) + "\n"
