"""Playlists of streams in segments: HLS (RFC 8216) and DASH (ISO/IEC 23009-1).

yt-dlp makes a list of all segments before it downloads the first. A playlist of a few hundred bytes can describe
billions of them, so their memory is estimated first.
"""

import math
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from roadseg.errors import FetchError

MAX_EXPANDED_BYTES = 512 << 20
"""Largest memory for the segments and versions that a playlist describes; a day in ten versions takes half of it."""
SEGMENT_BYTES = 500
"""Memory that yt-dlp takes for a segment, besides its texts."""
VERSION_BYTES = 100_000
"""Memory counted for a version of the video: it takes a few kB, but so much time that 5,000 are enough."""


def require_bounded_hls(playlist: str, address: str) -> None:
    """Refuse an HLS playlist whose versions and segments would take too much memory.

    Args:
        playlist: text of a master or media playlist.
        address: its address, which becomes part of those of its segments.

    Raises:
        FetchError: they would.
    """
    lines = playlist.splitlines()
    segments = sum(bool(line.strip()) and not line.startswith("#") for line in lines)
    versions = sum(line.startswith(("#EXT-X-STREAM-INF", "#EXT-X-MEDIA:", "#EXT-X-I-FRAME")) for line in lines)
    key = max((len(line) for line in lines if line.startswith("#EXT-X-KEY")), default=0)
    _require(segments * (SEGMENT_BYTES + len(address) + key) + versions * (VERSION_BYTES + len(address)))


def require_bounded_dash(manifest: Element) -> None:
    """Refuse a DASH manifest whose versions and segments would take too much memory.

    Args:
        manifest: the element `MPD`.

    Raises:
        FetchError: they would, or its durations are not those of the standard.
    """
    _require(sum(_costs(manifest, {"seconds": 0.0, "timescale": 1.0, "segments": 0, "length": 0, "base": 0})))


def _require(size: float) -> None:
    if not size <= MAX_EXPANDED_BYTES:
        raise FetchError("its playlist describes more segments than a video has", "It cannot be downloaded.")


def _costs(element: Element, inherited: dict[str, Any]) -> Iterator[float]:
    """Yield the memory in bytes of each version below an element; `inherited` holds values of the elements above."""
    own = dict(inherited)
    children = [(re.sub(r"{.*}", "", child.tag), child) for child in element]
    stated = element.get("mediaPresentationDuration") or element.get("duration")
    if stated:
        own["seconds"] = _seconds(stated)
    for name, child in children:
        if name == "BaseURL":
            own["base"] += len(child.text or "")
        if name in ("SegmentTemplate", "SegmentList"):
            own |= {key: float(child.attrib[key]) for key in ("timescale", "duration") if key in child.attrib}
            media = child.get("media", "") + child.get("initialization", "")
            widths = sum(int(width) for width in re.findall(r"%0*([0-9]+)", media))
            own["length"] = max(own["length"], len(media) + widths)
            own["ids"] = media.count("$RepresentationID$")
            repeats = [int(each.get("r", 0)) + 1 for each in child.iter() if each.tag.endswith("}S") or each.tag == "S"]
            urls = sum(each.tag.endswith("SegmentURL") for each in child.iter())
            own["segments"] = max(own["segments"], urls, sum(max(0, repeat) for repeat in repeats))
    if element.tag.endswith("Representation"):
        segments = own["segments"]
        if not segments and own.get("duration"):
            segments = own["seconds"] * own["timescale"] / own["duration"]
        identity = len(element.get("id", "")) * own.get("ids", 0)
        yield VERSION_BYTES + own["base"] + math.fabs(segments) * (SEGMENT_BYTES + own["length"] + identity)
    for name, child in children:
        if name in ("Period", "AdaptationSet", "Representation"):
            yield from _costs(child, own)


def _seconds(duration: str) -> float:
    """Return an ISO 8601 duration in seconds."""
    parts = re.fullmatch(
        r"P(?:([\d.]+)Y)?(?:([\d.]+)M)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?", duration
    )
    if not parts:
        raise FetchError(
            f"its playlist states a duration that is not valid ({duration[:30]!r})", "It cannot be downloaded."
        )
    sizes = (365 * 86400, 31 * 86400, 86400, 3600, 60, 1)
    return sum(float(number) * size for number, size in zip(parts.groups(), sizes, strict=True) if number)


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
