"""SRT beside a video: DJI and some dashcams write place and speed into its subtitles, which have times of the video."""

import re
from math import nan
from pathlib import Path

from roadseg.positions.fixes import Fix, Recording

TIME = r"(\d{1,3}):(\d\d):(\d\d)[,.](\d{1,3})"
CUE = re.compile(rf"^[ \t]*{TIME}[ \t]*-->[ \t]*{TIME}[^\n]*\n", re.MULTILINE)
DEGREES = r"(?<![\d.])[+-]?\d{1,3}[.,]\d{3,}"


def _named(name: str, sides: str) -> str:
    """Return the pattern of a value with its name, and the letter of its side before or behind it, if there is one."""
    before, behind = (rf"(?P<{group}_{sides}>(?-i:[{sides}])(?![A-Za-z]))?" for group in ("before", "behind"))
    return rf"(?<!home )\b{name}[\"']?\s*[:=]\s*{before}\s*(?P<{sides}>{DEGREES})\s*°?\s*{behind}"


LAT = re.compile(_named("lat(?:itude)?", "NS"), re.IGNORECASE)
LON = re.compile(_named("(?:long?t?(?:itude)?|lng)", "EW"), re.IGNORECASE)
PLACES = (
    re.compile(rf"\b(?P<north>[NS])\s*[:=]?\s*(?P<lat>{DEGREES})°?[,;\s]+(?P<east>[EW])\s*[:=]?\s*(?P<lon>{DEGREES})"),
    re.compile(rf"(?P<lat>{DEGREES})°?\s*(?P<north>[NS])[,;\s]+(?P<lon>{DEGREES})°?\s*(?P<east>[EW])"),
    re.compile(rf"\bGPS\s*\(\s*(?P<lon>{DEGREES})\s*,\s*(?P<lat>{DEGREES})\s*,"),
)
"""Forms of a place without names; that of DJI's `GPS(longitude, latitude, height)` comes last."""
SPEED = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*(km/h|kmh|mph|m/s|kn)\b", re.IGNORECASE)
UNITS = {"km/h": 1 / 3.6, "kmh": 1 / 3.6, "mph": 0.44704, "m/s": 1.0, "kn": 1852 / 3600}


def read_subtitles(path: Path, text: str) -> Recording:
    """Read the subtitles that name a place; the time of a fix is the start of its subtitle."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cues = list(CUE.finditer(text))
    ends = [cue.start() for cue in cues[1:]] + [len(text)]
    fixes = []
    for cue, end in zip(cues, ends, strict=False):
        hours, minutes, seconds, fraction = cue.groups()[:4]
        begin = 3600 * int(hours) + 60 * int(minutes) + int(seconds) + int(fraction.ljust(3, "0")) / 1000
        place = _place(text[cue.end() : end])
        if place is not None:
            speed = SPEED.search(text, cue.end(), end)
            moving = float(speed[1]) * UNITS[speed[2].lower()] if speed else nan
            fixes.append(Fix(*place, seconds=begin, speed_mps=moving))
    return Recording(f"SRT, {path.name}", fixes, from_first_frame=True)


def _place(text: str) -> tuple[float, float] | None:
    lat = LAT.search(text)
    lon = lat and (LON.search(text, lat.end()) or LON.search(text))
    if lat and lon:
        sides = lat["before_NS"] or lat["behind_NS"], lon["before_EW"] or lon["behind_EW"]
        return _degrees(lat["NS"], sides[0]), _degrees(lon["EW"], sides[1])
    for form in PLACES:
        found = form.search(text)
        if found:
            named = found.groupdict()
            return _degrees(named["lat"], named.get("north")), _degrees(named["lon"], named.get("east"))
    return None


def _degrees(text: str, side: str | None) -> float:
    """Return degrees, negative for the sides `S` and `W` whatever the sign."""
    value = float(text.replace(",", "."))
    return value if side is None else -abs(value) if side in ("S", "W") else abs(value)
