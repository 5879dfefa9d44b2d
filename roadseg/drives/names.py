"""Names that cameras give to their clips and folders: camera, channel, time and number."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from types import MappingProxyType
from typing import Literal

Kind = Literal["normal", "event", "manual", "parking", "time lapse"]
"""Reason for which a camera recorded a clip."""

FRONT, REAR, CABIN = "front", "rear", "cabin"
PLAIN, OTHER = "date and time", "other"
"""Cameras of names that no brand has: with a date and time, and without."""

_LETTERS = {"F": FRONT, "R": REAR, "I": CABIN, "T": "telephoto", "B": REAR, "O": "optional", "C": CABIN}
_TESLA = {
    "back": REAR,
    "left_repeater": "left",
    "right_repeater": "right",
    "left_pillar": "left-pillar",
    "right_pillar": "right-pillar",
}
_WORDS = {
    **dict.fromkeys(("front", "forward", "fwd", "road"), FRONT),
    **dict.fromkeys(("rear", "back"), REAR),
    **dict.fromkeys(("cabin", "interior", "inside", "incabin", "driver"), CABIN),
    **dict.fromkeys(("left",), "left"),
    **dict.fromkeys(("right",), "right"),
    **dict.fromkeys(("tele", "telephoto"), "telephoto"),
}
_SURE = ("front", "rear", "cabin", "interior", "incabin", "telephoto")
"""Words that mean a camera among other words too, where `left turn` and `way back` do not."""
_TOKENS = _WORDS | {"f": FRONT, "r": REAR, "b": REAR, "i": CABIN, "a": FRONT}
"""Words for channels in names and folders; of two Novatek cameras, A is the front and B the rear."""


@dataclass(frozen=True)
class ClipName:
    """Facts in the name of a clip."""

    camera: str
    """Brand, `PLAIN` or `OTHER`."""
    series: str = ""
    """Part of the name that all clips of one camera share, beside the brand; empty for brands without."""
    channel: str | None = None
    """Direction of the camera; None where the name does not tell."""
    kind: Kind | None = None
    """None where the name does not tell."""
    time: datetime | None = None
    """Time in the name, as the camera's clock showed it."""
    sequence: int | None = None
    """Number of the recording."""
    recording: str = ""
    """Name of the recording that a chapter is part of; empty for clips that are not chapters."""
    chapter: int | None = None
    """Place of a chapter in its recording; the first is 1."""


@dataclass(frozen=True)
class _Naming:
    """Pattern of the names of one brand."""

    camera: str
    pattern: re.Pattern[str]
    """Groups: `stamp` (all digits of the date and time), `kind`, `channel`, `sequence`."""
    kinds: Mapping[str, Kind] = field(default_factory=lambda: MappingProxyType({}))
    """Kinds by letters; others are events."""
    channels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(_LETTERS))


def _naming(
    camera: str, pattern: str, kinds: Mapping[str, Kind] | None = None, channels: Mapping[str, str] = _LETTERS
) -> _Naming:
    return _Naming(camera, re.compile(pattern, re.ASCII | re.IGNORECASE), kinds or {}, channels)


NAMINGS = (
    _naming(
        "Tesla",
        r"(?P<stamp>\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)-(?P<channel>front|back|cabin|(?:left|right)_(?:repeater|pillar))",
        channels=_TESLA,
    ),
    _naming(
        "BlackVue",
        r"(?P<stamp>\d{8}_\d{6})_(?P<kind>[NEPMIOATBRXGDLYF])(?P<channel>[FRIO])?S?",
        {"N": "normal", "P": "parking", "I": "parking", "M": "manual"},
    ),
    _naming(
        "VIOFO",
        r"(?P<stamp>\d{4}_\d{4}_\d{6}|\d{14}(?=_\d{6}))_(?P<sequence>\d{1,8})?(?P<kind>P)?(?P<channel>[FRTI])?",
        {"P": "parking"},
    ),
    _naming(
        "70mai",
        r"(?P<kind>NO|EV|PA|LA|TL)(?P<stamp>\d{8}-\d{6})-(?P<sequence>\d{1,8})(?P<channel>[FBRI])?",
        {"NO": "normal", "EV": "event", "PA": "parking", "LA": "time lapse", "TL": "time lapse"},
    ),
    _naming(
        "Thinkware",
        r"(?P<kind>REC|EVT|MAN|MOT|PAR|TLP)_?(?P<stamp>\d{4}_?\d\d_?\d\d_\d\d_?\d\d_?\d\d)_?(?P<channel>[FRI])?",
        {"REC": "normal", "EVT": "event", "MAN": "manual", "MOT": "parking", "PAR": "parking", "TLP": "time lapse"},
    ),
    _naming(
        "MiVue",
        r"(?P<kind>FILE|EMER|EVENT|PARK)(?P<stamp>\d{6}-\d{6})(?P<channel>[FRI])?",
        {"FILE": "normal", "EMER": "event", "EVENT": "event", "PARK": "parking"},
    ),
    _naming("Nextbase", r"(?P<stamp>\d{6}_\d{6})_(?P<sequence>\d{3,6})_(?P<channel>[FRC])[HL]"),
    _naming("Garmin", r"GRMN(?P<sequence>\d{4,8})(?P<channel>[FR])?"),
    _naming("DJI", r"DJI_(?P<stamp>\d{8}_?\d{6})_(?P<sequence>\d{1,5})(?:_\w{1,20})?"),
    _naming("DJI", r"DJI_(?P<sequence>\d{4})"),
)
"""Names of brands, the first that fits is taken; GoPro's chapters are apart."""

_GOPRO = re.compile(
    r"G(?:[HXPLS](?P<chapter>\d\d)(?P<number>\d{4})|[HXLS](?P<loop>[A-Z]{2})(?P<part>\d{4})|OPR(?P<first>\d{4}))",
    re.ASCII,
)
_COPY = re.compile(r"(?:[ _-]+copy)?(?:[ _]?\(\d{1,3}\))?$", re.ASCII | re.IGNORECASE)
"""Endings that computers give to the names of copies."""
_DATE_TIME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[-_.T ]{0,3}"
    r"(\d\d)[-_.:h]?(\d\d)(?:[-_.:m]?(\d\d)(?:\d{3})?)?(?!\d)",
    re.ASCII,
)
"""A date and a time as cameras put them into names: 20240301_083000, 2024-03-01 08-30-00, 2024_0301_0830."""
_NUMBER = re.compile(r"(\D*)(\d{1,9})(\D*)", re.ASCII)

_FOLDER_KINDS: dict[str, Kind] = {
    **dict.fromkeys(
        ("event", "events", "evt", "ro", "emr", "emergency", "lock", "locked", "saved", "savedclips"), "event"
    ),
    **dict.fromkeys(("manual",), "manual"),
    **dict.fromkeys(("parking", "park", "sentryclips"), "parking"),
    **dict.fromkeys(("timelapse", "lapse"), "time lapse"),
}
_FOLDER_WORDS = {
    *_FOLDER_KINDS,
    *_WORDS,
    *(
        "normal",
        "cont",
        "rec",
        "record",
        "motion",
        "dcim",
        "movie",
        "movies",
        "video",
        "videos",
        "photo",
        "carrecorder",
    ),
    *("teslacam", "recentclips", "clips", "cam", "camera", "loop", "media"),
}
"""Words in the names of folders that a camera makes: clips in them lie on one card."""
_CARD_FOLDER = re.compile(
    r"\d{3}[A-Z0-9_]{5}|(?:19|20)\d\d[-_.]?\d\d[-_.]?\d\d(?:[-_T .].*)?", re.ASCII | re.IGNORECASE
)
"""A folder of the DCF standard (100MEDIA), or one of a date."""
_YEAR, _MONTH_OR_DAY = re.compile(r"(?:19|20)\d\d(?:[-_.]?\d\d)?", re.ASCII), re.compile(r"\d\d?", re.ASCII)
"""Folders of a year, or a year and a month, and those of months and days in them."""


def parse_name(path: PurePath) -> ClipName:
    """Return the facts in the name of a clip; of a name that says nothing, its letters as the series."""
    stem = _COPY.sub("", path.stem)
    if found := _GOPRO.fullmatch(stem.upper()):
        return _gopro(found)
    for naming in NAMINGS:
        if (found := naming.pattern.fullmatch(stem)) and (name := _branded(naming, found.groupdict())):
            return name
    return _plain(path.stem)


def folder_channel(folder: PurePath) -> str | None:
    """Return the channel that the folders of a clip name, the innermost first; None where they name none."""
    for part, above in zip(reversed(folder.parts), [*reversed(folder.parts[:-1]), ""], strict=False):
        # A letter alone may be any folder; Movie_R is one of a camera, and so is Normal/R.
        known = _TOKENS if _is_of_camera(part) or _is_of_camera(above) else _WORDS
        if named := [known[word] for word in _split(part) if word in known]:
            return named[-1]
    return None


def folder_kind(folder: PurePath) -> Kind | None:
    """Return the reason for a recording that its folders name, the innermost first; None where they name none."""
    for part in reversed(folder.parts):
        for word in _split(part):
            if word in _FOLDER_KINDS:
                return _FOLDER_KINDS[word]
    return None


def card_of(folder: PurePath) -> str:
    """Return the folders that no camera makes: clips of two cameras of one brand are told apart by them."""
    kept = []
    in_year = False
    for above, part in zip(("", *folder.parts), folder.parts, strict=False):
        in_year = bool(_YEAR.fullmatch(part) or (in_year and _MONTH_OR_DAY.fullmatch(part)))
        is_channel = part.lower() in _TOKENS and _is_of_camera(above)
        if not (in_year or _CARD_FOLDER.fullmatch(part) or _is_of_camera(part) or is_channel):
            kept.append(part)
    return "/".join(kept)


def channel_in(text: str) -> str | None:
    """Return the channel that a word of a text names, such as the title of a video track: the last one."""
    named = [_WORDS[word] for word in _split(text) if word in _WORDS]
    return named[-1] if named else None


def _is_of_camera(folder: str) -> bool:
    words = set(_split(folder))
    return bool(words & _FOLDER_WORDS) and words <= {*_FOLDER_WORDS, *_TOKENS}


def _split(text: str) -> list[str]:
    return [word for word in re.split(r"[\s_\-.]+", text.lower()) if word]


def _gopro(found: re.Match[str]) -> ClipName:
    if found["first"]:
        return ClipName("GoPro", sequence=int(found["first"]), recording=f"P{found['first']}", chapter=1)
    if found["loop"]:
        number = int(found["part"])
        return ClipName("GoPro", sequence=number, recording=f"{found[0][:2]}{found['loop']}", chapter=number)
    chapter, letter = int(found["chapter"]), found[0][1]
    # GOPR0001 is followed by GP010001, but GX010001 is the first of its recording.
    chapter += letter == "P"
    return ClipName("GoPro", sequence=int(found["number"]), recording=letter + found["number"], chapter=chapter)


def _branded(naming: _Naming, found: Mapping[str, str | None]) -> ClipName | None:
    """Return the facts; None where the digits are not a date."""
    stamp = found.get("stamp")
    time = _time(re.sub(r"\D", "", stamp)) if stamp else None
    if stamp and time is None:
        return None
    kind, channel, sequence = ((found.get(key) or "") for key in ("kind", "channel", "sequence"))
    return ClipName(
        naming.camera,
        kind=naming.kinds.get(kind.upper(), "event") if kind else None,
        channel=naming.channels.get(channel.upper(), naming.channels.get(channel.lower(), channel.lower())) or None,
        time=time,
        sequence=int(sequence) if sequence else None,
    )


def _time(digits: str) -> datetime | None:
    """Read yyyymmddhhmmss or yymmddhhmmss."""
    try:
        return datetime.strptime(digits if len(digits) == 14 else f"20{digits}", "%Y%m%d%H%M%S")
    except ValueError:
        return None


def _plain(stem: str) -> ClipName:
    """Return the facts in a name of no brand that is known."""
    for found in _DATE_TIME.finditer(stem):
        try:
            time = datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]
        except ValueError:
            continue
        before, after = stem[: found.start()], stem[found.end() :]
        channel = _channel_word(after) or _channel_word(before)
        number = re.search(r"\d{1,9}", after)
        series = " ".join(word for word in _split(before) if word not in _TOKENS)
        return ClipName(PLAIN, series, channel, time=time, sequence=int(number[0]) if number else None)
    words = [word for word in _split(stem) if word not in _WORDS]
    numbered = _NUMBER.fullmatch(stem)
    series = " ".join(re.sub(r"\d+", "", word) for word in words).strip()
    channel = _channel_word(stem) if channel_in(stem) else None  # a letter alone may be anything
    return ClipName(OTHER, series, channel, sequence=int(numbered[2]) if numbered else None)


def _channel_word(text: str) -> str | None:
    """Return the channel that a word of a name stands for: the last one; among other words only those of `_SURE`."""
    words = [word for word in re.split(r"[\s_\-.\d]+", text.lower()) if word]
    is_alone = all(word in _TOKENS or word in ("cam", "camera") for word in words)
    named = [word for word in words if word in (_TOKENS if is_alone else _SURE)]
    return _TOKENS[named[-1]] if named else None
