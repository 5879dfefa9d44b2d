"""Errors of downloads in one line with a remedy, recognised by their wording."""

import re
from collections.abc import Iterator, Sequence

from roadseg.errors import FetchError

LOGIN = "Open the address in a browser; behind a login give --cookies FILE."
RESUME = "Check the connection and run the same command again: it resumes where it stopped."
ADDRESS = "Check the address, or give the address of the video itself."
LATER = "Try again later."
UPDATE = "A newer yt-dlp may read it: pip install --upgrade yt-dlp"
YOUTUBE = "YouTube needs Deno: pip install 'roadseg[youtube]'"

EXPLANATIONS = (
    (r"Unsupported URL", "no video found on this page", LOGIN),
    (r"ffmpeg could not be found", "it is encrypted in a way that yt-dlp cannot decrypt", "It cannot be downloaded."),
    (r"DRM protected", "it is encrypted (DRM)", "It cannot be downloaded."),
    (r"HTTP Error 3\d\d", "it redirects in a circle or to an address that is not http(s)", ADDRESS),
    (r"HTTP Error (40[13]): ?(.*)", r"the server answered \1 \2", LOGIN),
    (r"HTTP Error (404|410): ?(.*)", r"the server answered \1 \2", ADDRESS),
    (r"HTTP Error (\d+): ?(.*)", r"the server answered \1 \2", LATER),
    (r"Unable to handle request", "it leads to an address that is not http(s)", ADDRESS),
    (r"answer larger than (\d+) bytes", r"the server sent a page or playlist larger than \1 bytes", ADDRESS),
    (r"slower than (\d+) bytes", r"the server sends less than \1 bytes per second", RESUME),
    (r"Downloaded (\d+) bytes, expected (\d+)", r"the connection was lost after \1 of \2 bytes", RESUME),
    (r"(\d+) bytes read, (\d+) more expected", r"the connection was lost with \2 bytes missing", RESUME),
    (r"Did not get any data blocks|downloaded file is empty", "the server sent nothing", LATER),
    (r"can't contain control characters", "it is not an address: it has spaces in it", ADDRESS),
    (r"timed out", "the server does not answer", RESUME),
    (r"certificate verify failed: ([^(>]*)", r"its certificate is not valid: \1", ADDRESS),
    (r"\[Errno -?\d+\] ([^)>\n]*)", r"the connection failed: \1", RESUME),
)
"""(pattern in yt-dlp's message, cause, remedy), the most specific first."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes, outermost first, along all the ways in which yt-dlp links them."""
    seen: list[BaseException] = []
    found: BaseException | None = error
    while found is not None:
        yield found
        seen.append(found)
        links = (
            getattr(found, "cause", None),
            (getattr(found, "exc_info", None) or (None, None))[1],
            found.__cause__,
            found.__context__,
        )
        found = next((each for each in links if isinstance(each, BaseException) and each not in seen), None)


def explained(chain: Sequence[BaseException], *, reason: str | None, otherwise: str) -> FetchError:
    """Describe an error of yt-dlp in one line with a remedy.

    yt-dlp often keeps nothing but the wording of an error after a failed retry.

    Args:
        chain: the error and its causes, outermost first.
        reason: yt-dlp's own message for unknown errors; None for an exception that it did not foresee.
        otherwise: the remedy of unknown errors.
    """
    text = "\n".join(str(error) for error in chain)
    for pattern, cause, remedy in EXPLANATIONS:
        if match := re.search(pattern, text):
            return FetchError(clean(match.expand(cause)), remedy)
    if reason is None:  # a site that sends what its extractor does not expect
        return FetchError(f"yt-dlp cannot read what the server sent ({clean(text)})", UPDATE)
    return FetchError(clean(reason) or "yt-dlp gave no reason", otherwise)


def without_secrets(message: str) -> str:
    """Return a message without names and passwords in addresses, and without headers that carry a login."""
    message = re.sub(r"://[^/\s@]*@", "://", message)
    return re.sub(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?: *)[^\r\n]*", r"\1\2...", message)


def clean(message: str) -> str:
    """Return the first line of a message, without yt-dlp's decoration and without control characters."""
    line = re.sub(r"\x1b\[[0-9;]*m", "", without_secrets(message)).strip().partition("\n")[0]
    line = re.sub(r"^(ERROR: *)?(\[[\w:.+-]+\] *)?", "", line)
    line = re.split(r"; please report this issue| \(caused by |\. Use --|;? *[Ss]ee +https?:", line)[0].strip()
    return "".join(character if character.isprintable() else " " for character in line)[:200]
