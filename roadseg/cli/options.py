"""Values that commands take in a notation of their own."""

import re

import typer


def parse_size(text: str) -> tuple[int, int]:
    """Read `480x360` as (width, height).

    Raises:
        typer.BadParameter: it is not written so, or a side is 0.
    """
    match = re.fullmatch(r"([1-9]\d*)[xX×]([1-9]\d*)", text.strip())
    if not match:
        raise typer.BadParameter(f"{text!r} is not a size; write WIDTHxHEIGHT, for example 480x360")
    return int(match[1]), int(match[2])
